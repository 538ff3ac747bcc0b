extends SceneTree
# Answers every datagram with itself, once a frame, as a game that polls in _process does.
var peer := PacketPeerUDP.new()
func _initialize() -> void:
	var args := OS.get_cmdline_user_args()
	peer.bind(int(args[0]), "127.0.0.1")
	Engine.max_fps = int(args[1])
	print("ready")
func _process(_delta: float) -> bool:
	while peer.get_available_packet_count() > 0:
		var packet := peer.get_packet()
		if packet.get_string_from_utf8() == "quit":
			return true
		peer.set_dest_address(peer.get_packet_ip(), peer.get_packet_port())
		peer.put_packet(packet)
	return false
