extends SceneTree
## A player of a game: sends its state over UDP, as a Variant or as JSON.
##
## godot --headless --max-fps 60 --script player.gd -- port=4242 id=1 every=3 form=var seconds=4

var options := {"port": "4242", "id": "1", "every": "3", "form": "var", "seconds": "4"}
var udp := PacketPeerUDP.new()
var frames := 0
var sent := 0
var began_us := 0


func _initialize():
	for argument in OS.get_cmdline_user_args():
		var parts := argument.split("=", true, 1)
		options[parts[0]] = parts[1]
	udp.connect_to_host("127.0.0.1", int(options.port))


func _process(_delta):
	if began_us == 0:
		began_us = Time.get_ticks_usec()  # not before: the first frame comes late
	if frames % int(options.every) == 0:
		udp.put_packet(_state())
		sent += 1
	frames += 1
	if Time.get_ticks_usec() - began_us > float(options.seconds) * 1e6:
		print("sent %d messages" % sent)
		return true
	return false


func _state() -> PackedByteArray:
	var turn := frames * 0.05
	var centre_x := 200.0 + 100.0 * int(options.id)
	var pos := Vector2(centre_x + 100.0 * cos(turn), 240.0 + 100.0 * sin(turn))
	var state := {
		"id": int(options.id), "seq": sent, "t_us": Time.get_ticks_usec(), "hp": 100 - sent % 40
	}
	if options.form == "json":
		state["pos"] = {"x": pos.x, "y": pos.y}
		return JSON.stringify(state).to_utf8_buffer()
	state["pos"] = pos
	return var_to_bytes(state)
