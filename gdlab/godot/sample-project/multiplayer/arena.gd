extends Node2D
## A small game on Godot's high-level multiplayer: players that a spawner makes, states that
## synchronizers send, and calls of all kinds. Start it once as the server and once or more as a
## client, with a relay of gdlab between them:
##
##     relay = gd.relay("udp://127.0.0.1:4300", to="udp://127.0.0.1:4242")
##     godot --headless --path . multiplayer/arena.tscn -- role=server port=4242
##     godot --headless --path . multiplayer/arena.tscn -- role=client port=4300
##     relay.multiplayer(project=".")

const Options := preload("res://options.gd")
const PLAYER := preload("res://multiplayer/player.tscn")

@export var role := "server"
@export var host := "127.0.0.1"
@export var port := 4242

var frame := 0

@onready var players: Node2D = $Players


func _ready() -> void:
	role = Options.text("role", role)
	host = Options.text("host", host)
	port = Options.number("port", port)
	var peer := ENetMultiplayerPeer.new()
	var error := peer.create_server(port) if role == "server" else peer.create_client(host, port)
	if error != OK:
		push_error("%s on %s:%d: %s" % [role, host, port, error_string(error)])
		get_tree().quit(1)
		return
	multiplayer.multiplayer_peer = peer
	multiplayer.peer_connected.connect(_came)
	multiplayer.peer_disconnected.connect(_left)
	multiplayer.server_disconnected.connect(get_tree().quit)
	print("%s, port %d" % [role, port])


func _came(id: int) -> void:
	print("peer %d is here" % id)
	if not multiplayer.is_server():
		return
	var player := PLAYER.instantiate()
	# TRAP: a node without a name of its own gets one that no other side has.
	player.name = str(id)
	players.add_child(player, true)


func _left(id: int) -> void:
	print("peer %d has left" % id)
	if multiplayer.is_server() and players.has_node(str(id)):
		players.get_node(str(id)).queue_free()


func _physics_process(_delta: float) -> void:
	if multiplayer.multiplayer_peer.get_connection_status() != MultiplayerPeer.CONNECTION_CONNECTED:
		return
	frame += 1
	if multiplayer.is_server():
		# TRAP: everything, ten times per second, to everybody: this is what eats the bandwidth.
		if frame % 6 == 0:
			var everything := PackedVector2Array()
			everything.resize(40)
			world.rpc(frame, everything)
		return
	if frame % 3 == 0:
		steer.rpc_id(1, Vector2.from_angle(frame * 0.05))
	if frame % 60 == 0:
		say.rpc_id(1, "frame %d" % frame)


## Where a player wants to go; the next one makes a lost one needless.
@rpc("any_peer", "call_remote", "unreliable")
func steer(direction: Vector2) -> void:
	var player := players.get_node_or_null(str(multiplayer.get_remote_sender_id()))
	if player != null:
		player.position += direction.limit_length()
		player.steps += 1


## All that there is.
@rpc("authority", "call_remote", "unreliable_ordered", 1)
func world(_number: int, _everything: PackedVector2Array) -> void:
	pass


## What must arrive.
@rpc("any_peer", "call_remote", "reliable")
func say(text: String) -> void:
	print("%d says %s" % [multiplayer.get_remote_sender_id(), text])
