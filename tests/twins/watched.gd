extends SceneTree
## A game that answers messages and has one fault, or none: godot --headless --script watched.gd -- PORT FAULT

var udp := PacketPeerUDP.new()
var fault: String
var at_s := 0.0
var times := 0


func _initialize() -> void:
	var arguments := OS.get_cmdline_user_args()
	fault = arguments[1]
	if fault == "packet":
		var peer := WebSocketMultiplayerPeer.new()
		peer.create_server(int(arguments[0]), "127.0.0.1")
		get_multiplayer().multiplayer_peer = peer  # which the tree polls
	else:
		udp.connect_to_host("127.0.0.1", int(arguments[0]))
		udp.put_packet("hello".to_utf8_buffer())
	print("ready")


func _process(delta: float) -> bool:
	while fault != "packet" and udp.get_available_packet_count() > 0:
		udp.put_packet(udp.get_packet())
	at_s += delta
	if at_s > 1.0 and times < 3:
		at_s = 0.0
		times += 1
		match fault:
			"slow":
				OS.delay_msec(500)
			"break":
				stop()
			"error":
				fail({"order": "crate"})
			"output":
				for n in 200:
					print(str(n).repeat(300))
	return false


func stop() -> void:
	breakpoint


func fail(order: Dictionary) -> void:
	print(order.width)
