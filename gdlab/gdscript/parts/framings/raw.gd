## TCP carries bytes, not messages, and nothing here tells them apart (FRAMING).
## What is read at once may be half a message or three, here and in gdlab's table.
class MessageStream:
	var stream: StreamPeerTCP

	func _init(connection: StreamPeerTCP) -> void:
		stream = connection

	func is_open() -> bool:
		return stream.get_status() == StreamPeerTCP.STATUS_CONNECTED

	func put_packet(packet: PackedByteArray) -> void:
		stream.put_data(packet)

	func put_text(text: String) -> void:
		put_packet(text.to_utf8_buffer())

	func put_var(value: Variant) -> void:
		put_packet(var_to_bytes(value))

	func has_message() -> bool:
		return stream.get_available_bytes() > 0

	func take() -> PackedByteArray:
		return stream.get_partial_data(stream.get_available_bytes())[1]
