## TCP carries bytes, not messages: here a length stands before each (FRAMING).
class MessageStream:
	const HEADER_BYTES := 4
	const BIG_ENDIAN := false

	var stream: StreamPeerTCP
	var _size := -1  # of the message that is coming in; -1 before its length is known
	var _bytes := PackedByteArray()

	func _init(connection: StreamPeerTCP) -> void:
		stream = connection
		stream.big_endian = BIG_ENDIAN

	func is_open() -> bool:
		return stream.get_status() == StreamPeerTCP.STATUS_CONNECTED

	func put_packet(packet: PackedByteArray) -> void:
		stream.put_u32(packet.size())
		stream.put_data(packet)

	func put_text(text: String) -> void:
		put_packet(text.to_utf8_buffer())

	func put_var(value: Variant) -> void:
		put_packet(var_to_bytes(value))

	func has_message() -> bool:
		if _size < 0 and stream.get_available_bytes() >= HEADER_BYTES:
			_size = stream.get_u32()
		# Only what is there: get_data(), get_var() and get_utf8_string() would stop the whole game
		# until the rest of the message has come.
		var count := mini(_size - _bytes.size(), stream.get_available_bytes())
		if count > 0:
			_bytes.append_array(stream.get_partial_data(count)[1])
		return _bytes.size() == _size

	func take() -> PackedByteArray:
		var packet := _bytes
		_bytes = PackedByteArray()
		_size = -1
		return packet
