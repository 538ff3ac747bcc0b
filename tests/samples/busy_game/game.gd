extends Node
## A game that answers probes, obeys orders, and sometimes has too much to do.

var udp := PacketPeerUDP.new()
var crates := 3


func _ready() -> void:
	for argument in OS.get_cmdline_user_args():
		if argument.begins_with("port="):
			udp.connect_to_host("127.0.0.1", int(argument.trim_prefix("port=")))
	udp.put_packet("hello".to_utf8_buffer())
	print("the game has begun")


func _process(_delta: float) -> void:
	while udp.get_available_packet_count() > 0:
		answer(udp.get_packet())
	if Engine.get_process_frames() % 180 == 179:
		spawn_wave()


func answer(packet: PackedByteArray) -> void:
	var message: Dictionary = JSON.parse_string(packet.get_string_from_utf8())
	if message.has("probe"):
		message.probe = "pong"
		udp.put_packet(JSON.stringify(message).to_utf8_buffer())
	elif message.order == "crate":
		build_crate(message)
	elif message.order == "stop":
		breakpoint


func spawn_wave() -> void:
	print("a wave of enemies")
	for enemy in 400:
		find_path(enemy)


func find_path(enemy: int) -> int:
	var cost := enemy
	for step in 3000:
		cost = (cost * 31 + step) % 65521
	return cost


func build_crate(order: Dictionary) -> void:
	crates += 1
	print("crate %d is %d wide" % [crates, order.width])
