extends Node
## Listens for UDP packets, prints them and sends each one back.
##
## In the notebook:  out = gd.connect("udp://127.0.0.1:4243"); out.send(["CHAT", "Hello"])

const Options := preload("res://options.gd")
## A peer that is silent for so long is forgotten. If it comes back, it is simply a new one.
const FORGET_S := 30.0
## So many peers at once, or a stranger could fill the memory with invented ones.
const MAX_PEERS := 64

## TRAP: the tutorial's client sends to 4242 and its server listens on 4243: they never meet.
@export_range(1, 65535) var port := 4243
## Send every packet back: then the notebook can measure round trips with `ping=0.05`.
@export var echo := true

var server := UDPServer.new()
## Peers, and when each was heard last, in microseconds.
var peers: Dictionary[PacketPeerUDP, int] = {}


func _ready() -> void:
	port = Options.number("port", port)
	# Only programs of this machine can reach 127.0.0.1. For a class in one room take "*".
	var error := server.listen(port, Options.text("host", "127.0.0.1"))
	# TRAP: without this look a taken port is silent, and the server waits for ever.
	if error != OK:
		push_error("cannot listen on port %d: %s" % [port, error_string(error)])
		set_process(false)
		return
	print("listening on port %d" % server.get_local_port())


func _process(_delta: float) -> void:
	# Without poll() nothing is read from the socket at all.
	server.poll()
	# TRAP: a peer in a local variable is closed at the end of the function, with all that it had
	# not read yet: of a burst only the first packet is printed. So the peers are kept.
	while server.is_connection_available():
		var newcomer := server.take_connection()
		if peers.size() >= MAX_PEERS:
			newcomer.close()
			continue
		print("Accepted peer: %s:%d" % [newcomer.get_packet_ip(), newcomer.get_packet_port()])
		peers[newcomer] = Time.get_ticks_usec()
	for peer: PacketPeerUDP in peers.keys():
		_read(peer)


func _exit_tree() -> void:
	server.stop()


func _read(peer: PacketPeerUDP) -> void:
	# TRAP: one get_packet() per frame reads 60 packets per second and loses the others.
	while peer.get_available_packet_count() > 0:
		var packet := peer.get_packet()
		peers[peer] = Time.get_ticks_usec()
		print("Received data: %s" % packet.get_string_from_utf8())
		if echo:
			peer.put_packet(packet)
	if Time.get_ticks_usec() - peers[peer] > FORGET_S * 1e6:
		peer.close()
		peers.erase(peer)
