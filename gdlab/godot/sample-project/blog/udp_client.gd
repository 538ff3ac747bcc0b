extends Node
## Says "The answer is... 42!" by UDP until somebody answers, then prints all that comes.
##
## In the notebook:  cap = gd.listen("udp://127.0.0.1:4242", reply="Thanks, 42 it is")

const Options := preload("res://options.gd")
## Seconds between two attempts.
const RETRY_S := 0.5

## Where to. A name such as "localhost" may be looked up as ::1, where no IPv4 program listens.
@export var host := "127.0.0.1"
## The port that the notebook listens on. UDP never says that a port is wrong: the packets vanish.
@export_range(1, 65535) var port := 4242

var udp := PacketPeerUDP.new()
var connected := false
var wait_s := 0.0


func _ready() -> void:
	host = Options.text("host", host)
	port = Options.number("port", port)
	# "Connect" sends nothing. It only sets where packets go, and lets nobody else's in.
	var error := udp.connect_to_host(host, port)
	if error != OK:
		push_error("cannot send to %s:%d: %s" % [host, port, error_string(error)])
		set_process(false)
		return
	print("sending to %s:%d" % [host, port])


func _process(delta: float) -> void:
	_greet(delta)
	# TRAP: with `if` one packet is read per frame. At 60 frames per second everything over 60
	# packets per second piles up in the queue until it overflows, and what does not fit is lost.
	while udp.get_available_packet_count() > 0:
		var packet := udp.get_packet()
		# TRAP: bytes that are no text become question marks here, and a line on the console.
		var text := packet.get_string_from_utf8()
		if not connected:
			connected = true
			print("Connected: %s" % text)
		else:
			print("Received: %s" % text)


func _greet(delta: float) -> void:
	# TRAP: sending in every frame until the answer comes makes 60 packets per second, to somebody
	# who may not be there yet. Twice a second is as good for a human, and kinder.
	wait_s -= delta
	if connected or wait_s > 0.0:
		return
	wait_s = RETRY_S
	# OK means that the system took the packet, not that it arrived.
	var error := udp.put_packet("The answer is... 42!".to_utf8_buffer())
	if error != OK:
		push_error("not sent: %s" % error_string(error))
