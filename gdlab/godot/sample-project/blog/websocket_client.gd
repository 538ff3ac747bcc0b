extends Control
## Sends what is typed as a WebSocket text message, and shows what comes back.
##
## In the notebook:  cap = gd.listen("ws://127.0.0.1:5000",
##                                   reply=lambda m: b"Got our msg: " + m.payload)
##
## Without a window: godot --headless --path . blog/websocket_client.tscn -- say=hello

const Options := preload("res://options.gd")
## How long a closing handshake may take before the game quits all the same.
const GOODBYE_S := 1.0

## TRAP: "localhost" may mean ::1 or 127.0.0.1; a server often has only one of them.
@export var url := "ws://127.0.0.1:5000"

var socket := WebSocketPeer.new()
var state := WebSocketPeer.STATE_CLOSED
var quitting := false

@onready var send_button: Button = $Box/Row/Send
@onready var line: LineEdit = $Box/Row/Text
@onready var log_label: RichTextLabel = $Box/Log


func _ready() -> void:
	url = Options.text("url", url)
	send_button.pressed.connect(_send_typed)
	line.text_submitted.connect(_send_typed.unbind(1))
	get_tree().auto_accept_quit = false
	# TRAP: a message over this many bytes ends the connection with code 1009. It can only be set
	# before connecting; 65535 is what Godot takes by itself.
	socket.inbound_buffer_size = 1 << 20
	var error := socket.connect_to_url(url)
	if error != OK:
		push_error("cannot connect to %s: %s" % [url, error_string(error)])
		set_process(false)
		return
	state = WebSocketPeer.STATE_CONNECTING
	_say("Connecting to %s" % url)


func _process(_delta: float) -> void:
	# Also while connecting and closing: both are conversations, and only poll() carries them on.
	socket.poll()
	var before := state
	state = socket.get_ready_state()
	# Messages first: those that came before a close are then not missed. (A message that comes in
	# the very same frame as the close is lost in Godot: a server should wait before it closes.)
	while socket.get_available_packet_count() > 0:
		var packet := socket.get_packet()
		# TRAP: text and binary are two kinds of messages. A server that answers with bytes sends
		# binary, although the bytes may be the same.
		if socket.was_string_packet():
			_say("Text: %s" % packet.get_string_from_utf8())
		else:
			_say("Binary, %d bytes: %s" % [packet.size(), packet.get_string_from_utf8()])
	if state == before:
		return
	match state:
		WebSocketPeer.STATE_OPEN:
			_say("Connected")
			var first := Options.text("say", "")
			if first != "":
				send(first)
		WebSocketPeer.STATE_CLOSED:
			# TRAP: -1 is the one code that says "no closing handshake": the line was cut, or
			# nobody was there. Any other one was sent by one side, also the codes for errors.
			var code := socket.get_close_code()
			_say("Closed with code %d, reason '%s'" % [code, socket.get_close_reason()])
			set_process(false)
			if quitting:
				get_tree().quit()


func _notification(what: int) -> void:
	if what != NOTIFICATION_WM_CLOSE_REQUEST:
		return
	if state != WebSocketPeer.STATE_OPEN:
		get_tree().quit()
		return
	# TRAP: quitting at once cuts the line, and the server sees 1006 instead of a goodbye.
	quitting = true
	socket.close(1000, "bye")
	get_tree().create_timer(GOODBYE_S).timeout.connect(get_tree().quit)


## Sends a text message. send() without WRITE_MODE_TEXT would make it a binary one.
func send(text: String) -> void:
	var error := socket.send_text(text)
	if error != OK:
		_say("Not sent: %s" % error_string(error))


func _send_typed() -> void:
	if state == WebSocketPeer.STATE_OPEN:
		send(line.text)
		line.clear()
	else:
		_say("Not connected")


func _say(text: String) -> void:
	print(text)
	# A label needs seconds for a hundred thousand characters without a space.
	log_label.add_text(text.left(1000) + "\n")
