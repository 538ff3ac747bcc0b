const HOST := "127.0.0.1"
const PORT := 4242
const FORGET_MS := 60_000

var _server := UDPServer.new()
var _peers := {}  # each PacketPeerUDP, and when it was last heard


func _ready() -> void:
	var error := _server.listen(PORT, HOST)
	if error != OK:
		push_error("cannot listen on %s, port %d: %s" % [HOST, PORT, error_string(error)])
		set_process(false)
		return
	print("waiting for gdlab on port %d" % PORT)


func _process(delta: float) -> void:
	_server.poll()  # first: it reads the socket, and sorts what came by sender
	var now_ms := Time.get_ticks_msec()
	while _server.is_connection_available():
		# Kept, because a peer that nobody holds is forgotten with all that came from it.
		_peers[_server.take_connection()] = now_ms
	for peer: PacketPeerUDP in _peers.keys():
		# `while`, not `if`: all that came since the last frame, or the queue overflows.
		while peer.get_available_packet_count() > 0:
			_peers[peer] = now_ms
			_hear(peer, peer.get_packet())
		# UDP does not say when a peer has gone. One that comes back is a new connection.
		if now_ms - _peers[peer] > FORGET_MS:
			_peers.erase(peer)
	_speak(delta)  #if speaks
