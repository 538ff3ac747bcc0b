## TCP carries bytes, not messages: here all messages have the same length (FRAMING).
class MessageStream:
	const SIZE := 16

	var stream: StreamPeerTCP
	var _bytes := PackedByteArray()  # what came, and is no whole message yet

	func _init(connection: StreamPeerTCP) -> void:
		stream = connection

	func is_open() -> bool:
		return stream.get_status() == StreamPeerTCP.STATUS_CONNECTED

	func put_packet(packet: PackedByteArray) -> void:
		stream.put_data(packet)

	func has_message() -> bool:
		# A read may bring half a message, or three of them.
		var count := mini(SIZE - _bytes.size(), stream.get_available_bytes())
		if count > 0:
			_bytes.append_array(stream.get_partial_data(count)[1])
		return _bytes.size() == SIZE

	func take() -> PackedByteArray:
		var packet := _bytes
		_bytes = PackedByteArray()
		return packet
