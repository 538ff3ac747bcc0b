extends SceneTree
## The tutorial's PacketPeerUDP client, grown up: greets until it is answered, then plays.
##
## godot --headless --max-fps 60 --script answer_game.gd -- port=4242 seconds=10 every=3
##
## host, port   where to
## seconds      it ends by itself after so long; 0 goes on until it is stopped
## every        frames between two messages of the game
##
## Until the first answer it sends "The answer is... 42!" in every frame. Then it sends a
## numbered probe message, JSON {"probe": "ping", "seq": 17, "t_us": 123456789} with the time by
## its own clock, and answers the probe messages that it gets. All of that happens once per frame,
## as in any game.

var options := {"host": "127.0.0.1", "port": "4242", "seconds": "0", "every": "3"}
var udp := PacketPeerUDP.new()
var connected := false
var sent := 0
var pings := 0
var frames := 0
var start_us := Time.get_ticks_usec()
var ready_to_play := false


func _initialize() -> void:
	for argument in OS.get_cmdline_user_args():
		var parts := argument.split("=", true, 1)
		if parts.size() != 2 or not options.has(parts[0]):
			printerr("unknown argument %s; there are %s" % [argument, " ".join(options.keys())])
			quit(2)
			return
		options[parts[0]] = parts[1]
	var error := udp.connect_to_host(options.host, int(options.port))
	if error != OK:
		printerr("cannot send to %s:%s: %s" % [options.host, options.port, error_string(error)])
		quit(1)
		return
	print("playing to %s:%s" % [options.host, options.port])
	ready_to_play = true


func _process(_delta: float) -> bool:
	if not ready_to_play:
		return false
	_send()
	_receive()
	frames += 1
	var seconds := float(options.seconds)
	if seconds > 0 and Time.get_ticks_usec() - start_us > seconds * 1e6:
		print("sent %d datagrams in %d frames" % [sent, frames])
		udp.close()
		ready_to_play = false
		quit()
	return false


func _send() -> void:
	if not connected:
		_put("The answer is... 42!".to_utf8_buffer())
	elif frames % maxi(1, int(options.every)) == 0:
		# Numbered by themselves: a number that is missing is then a message that was lost.
		var probe := {"probe": "ping", "seq": pings, "t_us": Time.get_ticks_usec()}
		pings += 1
		_put(JSON.stringify(probe).to_utf8_buffer())


func _receive() -> void:
	# `while` and not `if`: everything that has arrived since the last frame, or the queue grows and
	# overflows.
	while udp.get_available_packet_count() > 0:
		var packet := udp.get_packet()
		var received_us := Time.get_ticks_usec()
		var text := packet.get_string_from_utf8()
		if not connected:
			print("Connected: %s" % text)
			connected = true
		if text.begins_with("{") and text.contains('"ping"'):
			var reader := JSON.new()  # unlike JSON.parse_string it stays silent on what is no JSON
			if reader.parse(text) == OK and reader.data is Dictionary:
				_answer(reader.data, received_us)


func _answer(ping: Dictionary, received_us: int) -> void:
	if ping.get("probe") != "ping" or not ping.get("seq") is float or not ping.get("t_us") is float:
		return
	# JSON makes floats of integers; back to int, or the answer would say 17.0.
	var pong := {
		"probe": "pong",
		"seq": int(ping.seq),
		"t_us": int(ping.t_us),
		"r_us": received_us,
		"s_us": Time.get_ticks_usec(),
	}
	_put(JSON.stringify(pong).to_utf8_buffer())


func _put(packet: PackedByteArray) -> void:
	if udp.put_packet(packet) == OK:
		sent += 1
