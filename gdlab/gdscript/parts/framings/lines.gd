## TCP carries bytes, not messages: here a line feed ends each (FRAMING).
class MessageStream:
	const LINE_FEED := 10

	var stream: StreamPeerTCP
	var _bytes := PackedByteArray()  # what came, and is no whole line yet

	func _init(connection: StreamPeerTCP) -> void:
		stream = connection

	func is_open() -> bool:
		return stream.get_status() == StreamPeerTCP.STATUS_CONNECTED

	func put_packet(packet: PackedByteArray) -> void:
		stream.put_data(packet + PackedByteArray([LINE_FEED]))

	func put_text(text: String) -> void:
		put_packet(text.to_utf8_buffer())

	func has_message() -> bool:
		# A read may bring half a line, or three of them.
		var count := stream.get_available_bytes()
		if count > 0:
			_bytes.append_array(stream.get_partial_data(count)[1])
		return _bytes.has(LINE_FEED)

	func take() -> PackedByteArray:
		var end := _bytes.find(LINE_FEED)
		var line := _bytes.slice(0, end)
		_bytes = _bytes.slice(end + 1)
		return line
