extends SceneTree
## Sends positions over TCP, several in each frame: as JSON without any framing, or by put_var.
##
## godot --headless --max-fps 60 --script tcp_positions.gd \
##     -- port=4242 form=json count=300 per_frame=3

var options := {"port": "4242", "form": "json", "count": "300", "per_frame": "3"}
var peer := StreamPeerTCP.new()
var sent := 0
var frames_to_go := 20


func _initialize():
	for argument in OS.get_cmdline_user_args():
		var parts := argument.split("=", true, 1)
		options[parts[0]] = parts[1]
	peer.connect_to_host("127.0.0.1", int(options.port))


func _process(_delta):
	peer.poll()  # without it the status stays STATUS_CONNECTING for ever
	if peer.get_status() == StreamPeerTCP.STATUS_CONNECTING:
		return false
	if peer.get_status() != StreamPeerTCP.STATUS_CONNECTED:
		print("not connected any more")
		return true
	for i in int(options.per_frame):
		if sent < int(options.count):
			var message := {"id": sent, "x": sent * 1.5}
			if options.form == "var":
				peer.put_var(message)
			else:
				peer.put_data(JSON.stringify(message).to_utf8_buffer())
			sent += 1
	if sent == int(options.count):
		frames_to_go -= 1
	if frames_to_go == 0:
		print("sent %d messages" % sent)
		peer.disconnect_from_host()
		return true
	return false
