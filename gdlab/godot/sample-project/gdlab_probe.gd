extends Node
## gdlab's probe: makes the network of any Godot 4 game measurable.
##
## Copy this one file into a game and add it as an autoload (Project > Project Settings > Globals).
## It sends numbered pings with its own clock in microseconds, answers the pings that gdlab sends,
## and measures its own round trips from the answers. In the notebook:
##
##     cap = gd.listen("udp://127.0.0.1:4242", ping=0.1, reply=gd.replies.probe_answer)
##
## Where it sends: what the command line says ("-- probe=udp://127.0.0.1:4242"), else the
## environment (GDLAB_PROBE), else the project setting gdlab/probe/url, else DEFAULT_URL; an empty
## text turns it off. A release export is silent unless one of the three names an address.
## "ws://127.0.0.1:4242" goes by WebSocket: the only way for a game in a browser.
##
## A message is JSON text, a packet of its own:
##
##     {"probe":"ping","seq":17,"t_us":123456789}
##     {"probe":"pong","r_us":5001,"s_us":5002,"seq":17,"t_us":123456789}
##
## A pong has the numbers of its ping, and when that was received and the pong sent. All happens
## once per frame, as in any game: at 60 frames per second an answer waits 0 to 17 ms for its frame.

## A ping of ours was answered.
signal round_trip(seq: int, rtt_ms: float)

const DEFAULT_URL := "udp://127.0.0.1:4242"
## Pings per second.
const DEFAULT_HZ := 10.0
## A longer packet is no probe.
const MAX_PROBE_BYTES := 512
## So many pings wait for their answers at most; the oldest is given up.
const MAX_WAITING := 256
## Seconds to the next attempt to connect.
const RETRY_S := 2.0

## Pings per second. 0 sends none, and only answers.
var hz := DEFAULT_HZ
var url := ""
var sent := 0
var answered := 0
## The newest round trip in milliseconds.
var last_rtt_ms := NAN

var _udp: PacketPeerUDP
var _socket: WebSocketPeer
var _waiting := {}  # the pings without answer: seq to microseconds
var _next_ping_us := 0
var _retry_us := 0
var _messages := 0


func _ready() -> void:
	process_mode = Node.PROCESS_MODE_ALWAYS  # a paused game still answers
	process_priority = -1000  # read before the game's own work, which is not the network's fault
	set_process(false)
	var wanted := _configured_url()
	if wanted != "":
		start(wanted)


func _process(_delta: float) -> void:
	if not _is_open():
		return
	_receive()
	var now_us := Time.get_ticks_usec()
	if hz > 0.0 and now_us >= _next_ping_us:
		var step_us := int(1e6 / hz)
		# By schedule and not "so long after the last one", or the rate would depend on the frames.
		# After a pause it goes on from now: no burst makes up for it.
		_next_ping_us = maxi(_next_ping_us + step_us, now_us - step_us)
		_ping(now_us)


func _exit_tree() -> void:
	stop()


## Probes to this address from now on.
func start(where: String) -> Error:
	stop()
	url = where
	var error := ERR_INVALID_PARAMETER
	if where.begins_with("udp://"):
		error = _start_udp(where.trim_prefix("udp://").trim_suffix("/"))
	elif where.begins_with("ws://") or where.begins_with("wss://"):
		error = _start_websocket()
	if error != OK:
		push_error("gdlab probe: cannot use '%s': %s" % [where, error_string(error)])
		return error
	set_process(true)
	return OK


## Sends nothing more. The address is free again.
func stop() -> void:
	set_process(false)
	if _udp != null:
		_udp.close()
	if _socket != null:
		_socket.close(1000, "probe stopped")
	_udp = null
	_socket = null
	_waiting.clear()


## Sends a message of the game's own, numbered and with the time: send({"hp": 7}) sends
## {"hp":7,"seq":0,"t_us":123456789}. False if it could not go out.
func send(fields: Dictionary) -> bool:
	if not is_processing() or not _is_open():
		return false
	var message := fields.duplicate()
	message["seq"] = _messages
	message["t_us"] = Time.get_ticks_usec()
	_messages += 1  # also if it cannot be sent: the gap tells
	return _put(message)


func _configured_url() -> String:
	for argument in OS.get_cmdline_user_args():
		if argument.begins_with("probe="):
			return argument.trim_prefix("probe=")
	if OS.has_environment("GDLAB_PROBE"):
		return OS.get_environment("GDLAB_PROBE")
	if ProjectSettings.has_setting("gdlab/probe/url"):
		return str(ProjectSettings.get_setting("gdlab/probe/url"))
	return DEFAULT_URL if OS.is_debug_build() else ""


func _start_udp(place: String) -> Error:
	if OS.has_feature("web"):
		push_error("gdlab probe: a game in a browser cannot send UDP; take ws://")
		return ERR_UNAVAILABLE
	var colon := place.rfind(":")
	var port := place.substr(colon + 1)
	if colon < 1 or not port.is_valid_int():
		return ERR_INVALID_PARAMETER
	_udp = PacketPeerUDP.new()
	# A literal IPv6 address stands in brackets.
	return _udp.connect_to_host(place.left(colon).trim_prefix("[").trim_suffix("]"), port.to_int())


func _start_websocket() -> Error:
	_socket = WebSocketPeer.new()
	_retry_us = Time.get_ticks_usec() + int(RETRY_S * 1e6)
	return _socket.connect_to_url(url)


## Whether packets can go out; a WebSocket is polled and, if it was closed, connected again.
func _is_open() -> bool:
	if _udp != null:
		return true
	if _socket == null:
		return false
	_socket.poll()
	if _socket.get_ready_state() == WebSocketPeer.STATE_CLOSED:
		if Time.get_ticks_usec() >= _retry_us:
			_start_websocket()
	return _socket.get_ready_state() == WebSocketPeer.STATE_OPEN


func _ping(now_us: int) -> void:
	_waiting[sent] = now_us
	_waiting.erase(sent - MAX_WAITING)
	_put({"probe": "ping", "seq": sent, "t_us": now_us})
	sent += 1


func _put(message: Dictionary) -> bool:
	var text := JSON.stringify(message)
	if _udp != null:
		return _udp.put_packet(text.to_utf8_buffer()) == OK
	return _socket.send_text(text) == OK


func _receive() -> void:
	var peer: PacketPeer = _socket
	if _udp != null:
		peer = _udp
	# All that has come since the last frame, and not one packet per frame. While nobody listens the
	# count is -1: the system has said that the port is closed.
	while peer.get_available_packet_count() > 0:
		var packet := peer.get_packet()
		var received_us := Time.get_ticks_usec()
		if packet.size() > 0 and packet.size() <= MAX_PROBE_BYTES and packet[0] == 0x7B:  # "{"
			_understand(packet.get_string_from_utf8(), received_us)


func _understand(text: String, received_us: int) -> void:
	if not text.contains('"probe"'):
		return
	var reader := JSON.new()  # unlike JSON.parse_string() it is silent about what is no JSON
	if reader.parse(text) != OK or not reader.data is Dictionary:
		return
	var message: Dictionary = reader.data
	# JSON makes floats of all numbers. What came by the network may be anything.
	if not message.get("seq") is float or not message.get("t_us") is float:
		return
	var seq := int(message["seq"])
	var t_us := int(message["t_us"])
	if _waiting.get(seq) == t_us:
		# Ours: a pong, or the ping itself from somebody who sends everything back. An answer to
		# that would be sent back, too, and so on for ever.
		_waiting.erase(seq)
		answered += 1
		last_rtt_ms = (received_us - t_us) / 1000.0
		round_trip.emit(seq, last_rtt_ms)
	elif message.get("probe") is String and message["probe"] == "ping":
		_put(
			{
				"probe": "pong",
				"seq": seq,
				"t_us": t_us,
				"r_us": received_us,
				"s_us": Time.get_ticks_usec(),
			}
		)
