# One end of an ENet session: "server PORT CLIENTS" or "client PORT NAME"; prints what it hears, ends when all is said.
extends SceneTree

var peer := ENetMultiplayerPeer.new()
var args := OS.get_cmdline_user_args()
var sent := 0
var heard := 0

func _initialize() -> void:
	if args[0] == "server":
		peer.create_server(int(args[1]))
		print("listening")
	else:
		peer.create_client("127.0.0.1", int(args[1]))

func _process(_delta: float) -> bool:
	peer.poll()
	while peer.get_available_packet_count() > 0:
		var from := peer.get_packet_peer()
		var text := peer.get_packet().get_string_from_utf8()
		heard += 1
		if args[0] == "server":
			print("heard ", from, " ", text)
			peer.set_target_peer(from)
			peer.put_packet(("echo " + text).to_utf8_buffer())
		else:
			print(text)
	if args[0] == "client" and peer.get_connection_status() == MultiplayerPeer.CONNECTION_CONNECTED and sent < 5:
		peer.set_target_peer(1)
		peer.put_packet((args[2] + " " + str(sent)).to_utf8_buffer())
		sent += 1
	if args[0] == "client" and heard == 5:
		return true
	return args[0] == "server" and heard == 5 * int(args[2]) and peer.get_connection_status() == 0
