extends SceneTree
## A WebSocket client: says hello in text and in bytes, tells what it gets, and ends as it is
## asked to.
##
## godot --headless --max-fps 60 --script ws_client.gd -- port=5000 end=close code=4000 reason=bye
##
## end   stay    it goes on until the other side closes
##       close   it closes with code and reason
##       quit    it quits without a word, as a game does whose window is closed

var options := {"port": "5000", "end": "stay", "code": "1000", "reason": ""}
var socket := WebSocketPeer.new()
var state := WebSocketPeer.STATE_CONNECTING
var open_frames := 0


func _initialize():
	for argument in OS.get_cmdline_user_args():
		var parts := argument.split("=", true, 1)
		options[parts[0]] = parts[1]
	socket.connect_to_url("ws://127.0.0.1:%s" % options.port)


func _process(_delta):
	socket.poll()
	var before := state
	state = socket.get_ready_state()
	if state == WebSocketPeer.STATE_OPEN:
		if before != state:
			print("open")
			socket.send_text("hello as text")
			socket.send("hello as bytes".to_utf8_buffer())
			socket.put_var({"hello": "as a Variant"})
		while socket.get_available_packet_count() > 0:
			var packet := socket.get_packet()
			var kind := "text" if socket.was_string_packet() else "binary"
			print("got %s of %d bytes" % [kind, packet.size()])
		open_frames += 1
		if open_frames == 30 and options.end == "close":
			socket.close(int(options.code), options.reason)
		if open_frames == 30 and options.end == "quit":
			print("quit")
			return true
	elif state == WebSocketPeer.STATE_CLOSED:
		print("closed with code %d %s" % [socket.get_close_code(), socket.get_close_reason()])
		return true
	return false
