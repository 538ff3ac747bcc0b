extends Node
## The tutorial's UDP server: it reads one packet per frame, and keeps no peer.
## An exhibit: do not copy it.
##
## godot --headless --max-fps 60 --script udp_one_a_frame.gd -- port=4243
##
## Two lines are added: it prints where it listens, and it sends back what it has read, so
## that the other side can count. Port 0 lets the system choose.

var server := UDPServer.new()


func _ready():
	for argument in OS.get_cmdline_user_args():
		if argument.begins_with("port="):
			server.listen(int(argument.trim_prefix("port=")), "127.0.0.1")
	print("listening on %d" % server.get_local_port())


func _process(_delta):
	server.poll()
	if server.is_connection_available():
		var peer: PacketPeerUDP = server.take_connection()
		var packet: PackedByteArray = peer.get_packet()
		print("Received data: %s" % packet.get_string_from_utf8().left(60))
		peer.put_packet(packet)
