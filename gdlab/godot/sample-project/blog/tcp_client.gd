extends Node
## Connects by TCP, says hello, prints each line that comes, and connects again when it was cut off.
##
## In the notebook:  cap = gd.listen("tcp://127.0.0.1:50007", framing="lines",
##                                   reply="hi~", every=0.5)

const Options := preload("res://options.gd")
## Seconds from the end of a connection to the next attempt.
const RETRY_S := 1.0
## A longer line is no line of ours: without a limit a stranger could fill the memory.
const MAX_LINE_BYTES := 65536
const LINE_FEED := 10

@export var host := "127.0.0.1"
@export_range(1, 65535) var port := 50007

var tcp := StreamPeerTCP.new()
var status := StreamPeerTCP.STATUS_NONE
## What has arrived of a line that is not complete yet.
var unread := PackedByteArray()
var wait_s := 0.0


func _ready() -> void:
	host = Options.text("host", host)
	port = Options.number("port", port)
	_connect()


func _process(delta: float) -> void:
	# TRAP: without poll() the status stays STATUS_CONNECTING for ever, even on this machine.
	tcp.poll()
	var before := status
	status = tcp.get_status()
	if status != before:
		_changed()
	match status:
		StreamPeerTCP.STATUS_CONNECTED:
			_read()
		StreamPeerTCP.STATUS_NONE, StreamPeerTCP.STATUS_ERROR:
			wait_s -= delta
			if wait_s <= 0.0:
				_connect()


func _exit_tree() -> void:
	tcp.disconnect_from_host()


## Sends a line; the line feed at its end tells the other side where it ends.
func send_line(text: String) -> bool:
	if status != StreamPeerTCP.STATUS_CONNECTED:
		push_warning("not connected: %s" % text)
		return false
	# put_data() blocks the game while the other side does not read. For much data take
	# put_partial_data(), and keep what it did not take for the next frame.
	return tcp.put_data((text + "\n").to_utf8_buffer()) == OK


func _connect() -> void:
	wait_s = RETRY_S
	unread.clear()
	# TRAP: after an error connect_to_host() refuses (error 22) until the old one is put away.
	tcp.disconnect_from_host()
	status = StreamPeerTCP.STATUS_NONE
	print("Connecting to %s:%d" % [host, port])
	var error := tcp.connect_to_host(host, port)
	if error != OK:
		push_error("cannot connect: %s" % error_string(error))


func _changed() -> void:
	match status:
		StreamPeerTCP.STATUS_NONE:
			# The other side has closed. Data that came before has been read by now.
			print("Disconnected from host.")
		StreamPeerTCP.STATUS_CONNECTED:
			print("Connected to host.")
			# TRAP: small messages else wait up to 40 ms for each other (Nagle's algorithm).
			tcp.set_no_delay(true)
			send_line("hello from Godot")
		StreamPeerTCP.STATUS_ERROR:
			print("Nobody answers at %s:%d." % [host, port])


func _read() -> void:
	var available := tcp.get_available_bytes()
	if available <= 0:
		return
	var got := tcp.get_partial_data(available)
	if got[0] != OK:
		push_error("cannot read: %s" % error_string(got[0]))
		return
	# TRAP: TCP is a stream. What one put_data() sent may come in two reads, and two may come in
	# one. Only something in the bytes themselves can say where a message ends: here a line feed.
	# Text is made of whole lines only, as a read may cut a character in two.
	unread.append_array(got[1])
	var end := unread.find(LINE_FEED)
	while end >= 0:
		print("Line: %s" % unread.slice(0, end).get_string_from_utf8())
		unread = unread.slice(end + 1)
		end = unread.find(LINE_FEED)
	if unread.size() > MAX_LINE_BYTES:
		push_error("a line without an end; giving up this connection")
		tcp.disconnect_from_host()
