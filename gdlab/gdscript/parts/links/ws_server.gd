const HOST := "127.0.0.1"
const PORT := 4242
const PROTOCOLS: PackedStringArray = []

var _server := TCPServer.new()
var _peers: Array[WebSocketPeer] = []
var _others: Array[WebSocketPeer] = []  # on their way in or out: nothing can be sent to them


func _ready() -> void:
	var error := _server.listen(PORT, HOST)
	if error != OK:
		push_error("cannot listen on %s, port %d: %s" % [HOST, PORT, error_string(error)])
		set_process(false)
		return
	print("waiting for gdlab on port %d" % PORT)


func _process(delta: float) -> void:
	while _server.is_connection_available():
		var newcomer := WebSocketPeer.new()
		newcomer.inbound_buffer_size = 1 << 20  # a message longer than this ends the connection
		newcomer.supported_protocols = PROTOCOLS  #if protocols
		newcomer.accept_stream(_server.take_connection())
		_others.append(newcomer)
	for peer: WebSocketPeer in _others.duplicate():
		peer.poll()
		if peer.get_ready_state() == WebSocketPeer.STATE_OPEN:
			_others.erase(peer)
			_peers.append(peer)
		elif peer.get_ready_state() == WebSocketPeer.STATE_CLOSED:
			var code := peer.get_close_code()  # -1: it ended without a farewell
			print("closed: %d %s" % [code, peer.get_close_reason()])
			_others.erase(peer)
	for peer: WebSocketPeer in _peers.duplicate():
		peer.poll()  # in every frame: all the work of a connection is done here
		while peer.get_available_packet_count() > 0:
			_hear(peer, peer.get_packet())
		if peer.get_ready_state() != WebSocketPeer.STATE_OPEN:
			_peers.erase(peer)
			_others.append(peer)
	_speak(delta)  #if speaks


func _put_back(peer: WebSocketPeer, packet: PackedByteArray) -> void:
	# WebSocket tells text from bytes: what came as text goes back as text.
	if peer.was_string_packet():
		peer.send_text(packet.get_string_from_utf8())
	else:
		peer.put_packet(packet)
