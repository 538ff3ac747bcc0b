const URL := "ws://127.0.0.1:4242"
const PROTOCOLS: PackedStringArray = []

var _gdlab := WebSocketPeer.new()
var _connected := false


func _ready() -> void:
	_gdlab.inbound_buffer_size = 1 << 20  # a message longer than this ends the connection
	_gdlab.supported_protocols = PROTOCOLS  #if protocols
	var error := _gdlab.connect_to_url(URL)
	if error != OK:
		push_error("cannot connect to %s: %s" % [URL, error_string(error)])
		set_process(false)


func _process(delta: float) -> void:
	_gdlab.poll()  # first, and in every frame: all the work of the connection is done here
	match _gdlab.get_ready_state():
		WebSocketPeer.STATE_OPEN:
			if not _connected:
				_connected = true
				print("connected to gdlab")
			while _gdlab.get_available_packet_count() > 0:
				_hear(_gdlab.get_packet())
			_speak(delta)
		WebSocketPeer.STATE_CLOSED:
			var code := _gdlab.get_close_code()  # -1: it ended without a farewell
			print("closed: %d %s" % [code, _gdlab.get_close_reason()])
			if not _connected:
				print("nobody answers at %s: is the capture running?" % URL)
			set_process(false)


func _put_back(peer: WebSocketPeer, packet: PackedByteArray) -> void:
	# WebSocket tells text from bytes: what came as text goes back as text.
	if peer.was_string_packet():
		peer.send_text(packet.get_string_from_utf8())
	else:
		peer.put_packet(packet)
