extends Control
## A menu of the programs. Each scene can also be run by itself: open it and press F6.

const PROGRAMS := {
	"UDP client (PacketPeerUDP)": "res://blog/udp_client.tscn",
	"UDP server (UDPServer)": "res://blog/udp_server.tscn",
	"TCP client (StreamPeerTCP)": "res://blog/tcp_client.tscn",
	"WebSocket client (WebSocketPeer)": "res://blog/websocket_client.tscn",
	"Moving square, sends its state": "res://game/moving_square.tscn",
	"Arena, high-level multiplayer (the server)": "res://multiplayer/arena.tscn",
}

@onready var list: VBoxContainer = $List


func _ready() -> void:
	for title: String in PROGRAMS:
		var path: String = PROGRAMS[title]
		var button := Button.new()
		button.text = title
		button.pressed.connect(_open.bind(path))
		list.add_child(button)
	if DisplayServer.get_name() == "headless":
		# Nobody can press a button there.
		for path: String in PROGRAMS.values():
			print("godot --headless --path . %s" % path)
		get_tree().quit()


func _open(path: String) -> void:
	var error := get_tree().change_scene_to_file(path)
	if error != OK:
		push_error("cannot open %s: %s" % [path, error_string(error)])
