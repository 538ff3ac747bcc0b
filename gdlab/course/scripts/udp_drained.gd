extends Node
## The tutorial's UDP server, fixed: it keeps its peers, and reads everything that has come.
##
## godot --headless --max-fps 60 --script udp_drained.gd -- port=4243

var server := UDPServer.new()
var peers: Array[PacketPeerUDP] = []


func _ready():
	for argument in OS.get_cmdline_user_args():
		if argument.begins_with("port="):
			server.listen(int(argument.trim_prefix("port=")), "127.0.0.1")
	print("listening on %d" % server.get_local_port())


func _process(_delta):
	server.poll()
	while server.is_connection_available():
		peers.append(server.take_connection())
	for peer in peers:
		while peer.get_available_packet_count() > 0:
			var packet := peer.get_packet()
			print("Received data: %s" % packet.get_string_from_utf8().left(60))
			peer.put_packet(packet)
