const HOST := "127.0.0.1"
const PORT := 4242

var _gdlab := MessageStream.new(StreamPeerTCP.new())
var _connected := false


func _ready() -> void:
	var error := _gdlab.stream.connect_to_host(HOST, PORT)
	if error != OK:
		push_error("cannot connect to %s, port %d: %s" % [HOST, PORT, error_string(error)])
		set_process(false)


func _process(delta: float) -> void:
	# First, and in every frame: without poll() the status stays "connecting" for ever.
	_gdlab.stream.poll()
	if _gdlab.stream.get_status() == StreamPeerTCP.STATUS_CONNECTING:
		return
	if not _gdlab.is_open():
		print("gdlab has gone" if _connected else "nobody listens there: is the capture running?")
		set_process(false)
		return
	if not _connected:
		_connected = true
		print("connected to gdlab")
		_gdlab.stream.set_no_delay(true)  # else small messages may wait 40 ms for each other
	while _gdlab.is_open() and _gdlab.has_message():
		_hear(_gdlab.take())
	if _gdlab.is_open():
		_speak(delta)
