extends SceneTree
## Sends numbered UDP datagrams, and prints the answers it gets.
##
## godot --headless --max-fps 60 --script udp_sender.gd \
##     -- host=127.0.0.1 port=4242 count=1000 rate=500/s form=text
##
## host, port   where to
## count        how many; they are numbered from 1
## rate         "500/s" or "10/frame"; a game sends once per frame, so 500/s at 60 fps are 8 or 9 in
##              one go
## form         text    the text, with {n} replaced by the number
##              probe   JSON {"probe": "ping", "seq": 17, "t_us": 123456789}, by the game's clock
##              var     the Variant {"seq": 17, "t_us": 123456789, "text": the text}
## text         default "Hello from Godot {n}"
## linger       seconds to wait for answers after the last datagram; each answer starts them again

var options := {
	"host": "127.0.0.1",
	"port": "4242",
	"count": "10",
	"rate": "60/s",
	"form": "text",
	"text": "Hello from Godot {n}",
	"linger": "0.5",
}
var udp := PacketPeerUDP.new()
var count := 0
var rate := 0.0
var per_frame := false
var linger_us := 0
var sent := 0
var sent_bytes := 0
var refused := 0
var answers := 0
var start_us := 0
var quiet_since_us := 0
var warned := false
var ready_to_send := false


func _initialize() -> void:
	if not _read_options():
		quit(2)
		return
	# A connected socket hears only its own peer, and learns when nobody listens there.
	var error := udp.connect_to_host(options.host, int(options.port))
	if error != OK:
		printerr("cannot send to %s:%s: %s" % [options.host, options.port, error_string(error)])
		quit(1)
		return
	print("sending %d datagrams to %s:%s" % [count, options.host, options.port])
	ready_to_send = true


func _process(_delta: float) -> bool:
	if not ready_to_send:
		return false
	if start_us == 0:
		start_us = Time.get_ticks_usec()  # not before: the first frame comes late, and would send a burst
	_receive()
	_send()
	var now := Time.get_ticks_usec()
	if sent + refused >= count and now - quiet_since_us >= linger_us:
		print(
			(
				"sent %d datagrams, %d bytes, in %.3f s; %d refused; %d answers"
				% [sent, sent_bytes, (now - start_us) / 1e6, refused, answers]
			)
		)
		udp.close()
		quit()
		ready_to_send = false
	return false


func _send() -> void:
	var due := count
	if per_frame:
		due = sent + refused + int(rate)
	else:
		due = int((Time.get_ticks_usec() - start_us) / 1e6 * rate) + 1
	while sent + refused < mini(due, count):
		var packet := _payload(sent + refused + 1)
		var error := udp.put_packet(packet)
		quiet_since_us = Time.get_ticks_usec()
		if error == ERR_BUSY:
			return  # the system's buffer is full: this one goes again in the next frame
		if error == OK:
			sent += 1
			sent_bytes += packet.size()
		else:
			refused += 1
			if refused == 1:
				printerr("datagram of %d bytes refused: %s" % [packet.size(), error_string(error)])


func _payload(number: int) -> PackedByteArray:
	var text: String = options.text.replace("{n}", str(number))
	var t_us := Time.get_ticks_usec()
	match options.form:
		"probe":
			return JSON.stringify({"probe": "ping", "seq": number, "t_us": t_us}).to_utf8_buffer()
		"var":
			return var_to_bytes({"seq": number, "t_us": t_us, "text": text})
	return text.to_utf8_buffer()


func _receive() -> void:
	# The count is asked again after each packet: asking is what fetches the next ones from the
	# system. It is -1 once for each datagram that the system reports as undeliverable.
	var waiting := udp.get_available_packet_count()
	while waiting > 0:
		var packet := udp.get_packet()
		answers += 1
		quiet_since_us = Time.get_ticks_usec()
		print("answer %d: %s" % [answers, _describe(packet)])
		waiting = udp.get_available_packet_count()
	if waiting < 0 and not warned:
		warned = true
		printerr("nobody listens on %s:%s (going on sending)" % [options.host, options.port])


func _describe(packet: PackedByteArray) -> String:
	if options.form == "var":
		# Objects are never made from what comes from the network: bytes_to_var refuses them.
		return var_to_str(bytes_to_var(packet)).replace("\n", " ")
	var text := packet.get_string_from_utf8()
	if options.form == "probe":
		var reader := JSON.new()
		if reader.parse(text) == OK and reader.data is Dictionary:
			var t_us: Variant = reader.data.get("t_us")
			if t_us is float or t_us is int:
				var rtt_ms := (Time.get_ticks_usec() - int(t_us)) / 1e3
				return "%s after %.3f ms" % [text, rtt_ms]
	return text.replace("\n", "\\n")


func _read_options() -> bool:
	for argument in OS.get_cmdline_user_args():
		var parts := argument.split("=", true, 1)
		if parts.size() != 2 or not options.has(parts[0]):
			printerr("unknown argument %s; there are %s" % [argument, " ".join(options.keys())])
			return false
		options[parts[0]] = parts[1]
	var speed: PackedStringArray = options.rate.split("/")
	per_frame = speed.size() == 2 and speed[1] == "frame"
	rate = float(speed[0])
	count = int(options.count)
	linger_us = int(float(options.linger) * 1e6)
	if rate <= 0 or (per_frame and rate < 1) or speed.size() != 2 or speed[1] not in ["s", "frame"]:
		printerr("rate is %s; it must be like 500/s or 10/frame" % options.rate)
		return false
	if options.form not in ["text", "probe", "var"]:
		printerr("form is %s; it must be text, probe or var" % options.form)
		return false
	if int(options.port) < 1 or int(options.port) > 65535:
		printerr("port is %s; it must be 1 to 65535" % options.port)
		return false
	return true
