extends Node2D
## A square that moves, and tells by UDP where it is: the smallest game worth listening to.
##
## The arrow keys move it; while no key is held it goes around by itself. In the notebook:
##
##     cap = gd.listen("udp://127.0.0.1:4242")
##     cap.decoded()[["v.seq", "v.x", "v.y"]]
##     cap.send({"go_to": [100, 200]})
##
## Without a window: godot --headless --path . game/moving_square.tscn -- hz=20 form=json seconds=5

const Options := preload("res://options.gd")
const AREA := Vector2(960, 540)
const SIDE := 40.0
const SPEED := 240.0
## Radians per second of the way that it takes by itself.
const TURN := 0.8
const MAX_COMMAND_BYTES := 1024

@export var host := "127.0.0.1"
@export_range(1, 65535) var port := 4242
## States per second. It is not the frame rate: a network has no use for 60 states per second.
@export_range(1, 120) var hz := 20
## "json" is text that everything can read, "variant" is Godot's own binary form.
@export_enum("json", "variant") var form := "json"

var udp := PacketPeerUDP.new()
var place := AREA / 2.0
var goal := Vector2.INF
var seq := 0
var due_s := 0.0
var age_s := 0.0
var seconds := 0

@onready var label: Label = $Label


func _ready() -> void:
	host = Options.text("host", host)
	port = Options.number("port", port)
	hz = maxi(1, Options.number("hz", hz))
	form = Options.text("form", form)
	seconds = Options.number("seconds", 0)
	var error := udp.connect_to_host(host, port)
	if error != OK:
		push_error("cannot send to %s:%d: %s" % [host, port, error_string(error)])
		set_process(false)
		return
	print("playing to %s:%d" % [host, port])


func _process(delta: float) -> void:
	age_s += delta
	_receive()
	_move(delta)
	# A schedule of its own: what a frame is late is taken off the next step, so the mean rate holds.
	due_s -= delta
	if due_s <= 0.0:
		due_s = maxf(due_s + 1.0 / hz, 0.0)
		_send()
	label.text = "%s:%d  %s  sent %d" % [host, port, form, seq]
	queue_redraw()
	if seconds > 0 and age_s >= seconds:
		print("sent %d states in %.1f s" % [seq, age_s])
		set_process(false)
		get_tree().quit()


func _draw() -> void:
	draw_rect(Rect2(place - Vector2.ONE * SIDE / 2.0, Vector2.ONE * SIDE), Color.ORANGE)


func _move(delta: float) -> void:
	var push := Input.get_vector("ui_left", "ui_right", "ui_up", "ui_down")
	if push != Vector2.ZERO:
		goal = Vector2.INF
		place += push * SPEED * delta
	elif goal.is_finite():
		place = place.move_toward(goal, SPEED * delta)
		if place == goal:
			print("arrived at %s" % place)
			goal = Vector2.INF
	else:
		var around := Vector2(cos(age_s * TURN), sin(age_s * TURN * 2.0))
		place = place.lerp(AREA / 2.0 + around * AREA * 0.4, minf(1.0, 4.0 * delta))
	place = place.clamp(Vector2.ZERO, AREA)


func _send() -> void:
	# The number tells what was lost on the way, the time how evenly it was sent. Microseconds of
	# this machine's clock: another machine's clock must not be subtracted from it.
	var state := {"id": "square", "seq": seq, "t_us": Time.get_ticks_usec()}
	seq += 1
	var error := OK
	if form == "variant":
		state["pos"] = place
		error = udp.put_var(state)
	else:
		# JSON has no vectors: str(Vector2) would be a text that nobody can calculate with.
		state["x"] = snappedf(place.x, 0.01)
		state["y"] = snappedf(place.y, 0.01)
		error = udp.put_packet(JSON.stringify(state).to_utf8_buffer())
	if error != OK:
		push_warning("state %d was not sent: %s" % [seq - 1, error_string(error)])


func _receive() -> void:
	while udp.get_available_packet_count() > 0:
		var packet := udp.get_packet()
		if packet.size() <= MAX_COMMAND_BYTES:
			_obey(packet.get_string_from_utf8())


func _obey(text: String) -> void:
	# What comes from the network may be anything: look before use, or one bad packet ends the game.
	var reader := JSON.new()
	if reader.parse(text) != OK or not reader.data is Dictionary:
		return
	var to: Variant = reader.data.get("go_to")
	if to is Array and to.size() == 2 and to[0] is float and to[1] is float:
		goal = Vector2(to[0], to[1]).clamp(Vector2.ZERO, AREA)
		print("going to %s" % goal)
