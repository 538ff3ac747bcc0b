const HOST := "127.0.0.1"
const PORT := 4242

var _server := TCPServer.new()
var _peers: Array[MessageStream] = []


func _ready() -> void:
	var error := _server.listen(PORT, HOST)
	if error != OK:
		push_error("cannot listen on %s, port %d: %s" % [HOST, PORT, error_string(error)])
		set_process(false)
		return
	print("waiting for gdlab on port %d" % PORT)


func _process(delta: float) -> void:
	while _server.is_connection_available():
		var newcomer := MessageStream.new(_server.take_connection())
		newcomer.stream.set_no_delay(true)  # else small messages may wait 40 ms for each other
		_peers.append(newcomer)
	for peer: MessageStream in _peers.duplicate():
		peer.stream.poll()  # in every frame: without it the status never changes
		while peer.is_open() and peer.has_message():
			_hear(peer, peer.take())
		if not peer.is_open():
			print("gdlab has gone")
			_peers.erase(peer)
	_speak(delta)  #if speaks
