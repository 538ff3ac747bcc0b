extends SceneTree
## Prints the UDP datagrams it gets, with their senders, and answers them if asked to.
##
## godot --headless --max-fps 60 --script udp_receiver.gd -- port=4243 answer=echo count=100 quiet=5
##
## host, port   where to listen; port 0 lets the system choose, and the first line says which it is
## answer       none; echo (the same bytes); pong (a probe's "ping" becomes "pong", all else is
##              echoed)
## count        end after so many datagrams; 0: no end
## quiet        end after so many seconds without a datagram, counted from the first; 0: no end

## Senders remembered; beyond these the longest silent one is forgotten.
const MAX_PEERS := 64

var options := {"host": "127.0.0.1", "port": "4243", "answer": "none", "count": "0", "quiet": "0"}
var server := UDPServer.new()
## "ip:port" to its PacketPeerUDP. A peer that is not kept is forgotten by the server with all it
## still holds.
var peers := {}
var last_heard_us := {}
var received := 0
var received_bytes := 0
var last_us := 0
var listening := false


func _initialize() -> void:
	for argument in OS.get_cmdline_user_args():
		var parts := argument.split("=", true, 1)
		if parts.size() != 2 or not options.has(parts[0]):
			printerr("unknown argument %s; there are %s" % [argument, " ".join(options.keys())])
			quit(2)
			return
		options[parts[0]] = parts[1]
	if options.answer not in ["none", "echo", "pong"]:
		printerr("answer is %s; it must be none, echo or pong" % options.answer)
		quit(2)
		return
	var error := server.listen(int(options.port), options.host)
	if error != OK:
		printerr("cannot listen on %s:%s: %s" % [options.host, options.port, error_string(error)])
		quit(1)
		return
	print("listening on %s:%d" % [options.host, server.get_local_port()])
	listening = true


func _process(_delta: float) -> bool:
	if not listening:
		return false
	server.poll()  # first: it reads the socket and sorts what came to the peers
	while server.is_connection_available():
		var peer := server.take_connection()
		_remember("%s:%d" % [peer.get_packet_ip(), peer.get_packet_port()], peer)
	for name: String in peers.keys():
		var peer: PacketPeerUDP = peers[name]
		# All that has come, not one a frame: a burst would fill the buffer otherwise, and the rest
		# be lost.
		while listening and peer.get_available_packet_count() > 0:
			_take(name, peer)
	var quiet_us := Time.get_ticks_usec() - last_us
	if listening and float(options.quiet) > 0 and received > 0:
		if quiet_us >= float(options.quiet) * 1e6:
			_end()
	return false


func _take(name: String, peer: PacketPeerUDP) -> void:
	var packet := peer.get_packet()
	received += 1
	received_bytes += packet.size()
	last_us = Time.get_ticks_usec()
	last_heard_us[name] = last_us
	print("from %s, %d bytes: %s" % [name, packet.size(), _describe(packet)])
	if options.answer != "none":
		peer.put_packet(_answer(packet))
	if int(options.count) > 0 and received >= int(options.count):
		_end()


func _answer(packet: PackedByteArray) -> PackedByteArray:
	if options.answer == "pong" and _is_text(packet):
		var reader := JSON.new()
		if reader.parse(packet.get_string_from_utf8()) == OK and reader.data is Dictionary:
			var probe: Dictionary = reader.data
			if probe.get("probe") is String and probe.probe == "ping":
				# JSON has no integers in Godot: 17 would go back as 17.0.
				for key: Variant in ["seq", "t_us"]:
					if probe.get(key) is float:
						probe[key] = int(probe[key])
				probe.probe = "pong"
				return JSON.stringify(probe).to_utf8_buffer()
	return packet


func _describe(packet: PackedByteArray) -> String:
	if _is_text(packet):
		return packet.get_string_from_utf8().replace("\r", "\\r").replace("\n", "\\n")
	return "0x" + packet.hex_encode()


## UTF-8 without control characters. Asked first, because Godot reports an error for text that is
## none.
func _is_text(packet: PackedByteArray) -> bool:
	var following := 0
	for byte in packet:
		if following > 0:
			if byte & 0xC0 != 0x80:
				return false
			following -= 1
		elif byte < 0x80:
			if byte == 0x7F or (byte < 0x20 and byte not in [9, 10, 13]):
				return false
		elif byte & 0xE0 == 0xC0:
			following = 1
		elif byte & 0xF0 == 0xE0:
			following = 2
		elif byte & 0xF8 == 0xF0:
			following = 3
		else:
			return false
	return following == 0


func _remember(name: String, peer: PacketPeerUDP) -> void:
	if peers.size() >= MAX_PEERS:
		var silent: String = peers.keys()[0]
		for other: String in peers:
			if last_heard_us[other] < last_heard_us[silent]:
				silent = other
		peers.erase(silent)
		last_heard_us.erase(silent)
	peers[name] = peer
	last_heard_us[name] = Time.get_ticks_usec()


func _end() -> void:
	listening = false
	print(
		(
			"received %d datagrams, %d bytes, from %d senders"
			% [received, received_bytes, peers.size()]
		)
	)
	peers.clear()
	server.stop()
	quit()
