const HOST := "127.0.0.1"
const PORT := 4242

var _gdlab := PacketPeerUDP.new()


func _ready() -> void:
	# UDP has no connection: this says where to, and lets in answers from nobody else.
	var error := _gdlab.connect_to_host(HOST, PORT)
	if error != OK:
		push_error("cannot send to %s, port %d: %s" % [HOST, PORT, error_string(error)])
		set_process(false)
		return
	print("sending to %s, port %d" % [HOST, PORT])


func _process(delta: float) -> void:
	# `while`, not `if`: all that came since the last frame, or the queue grows until it overflows.
	while _gdlab.get_available_packet_count() > 0:
		_hear(_gdlab.get_packet())
	_speak(delta)
