## TCP carries bytes, not messages: PacketPeerStream puts a length before each and takes it off.
class MessageStream:
	var stream: StreamPeerTCP
	var _packets := PacketPeerStream.new()

	func _init(connection: StreamPeerTCP) -> void:
		stream = connection
		_packets.stream_peer = stream
		_packets.input_buffer_max_size = 1 << 20  # a longer packet would never get through

	func is_open() -> bool:
		return stream.get_status() == StreamPeerTCP.STATUS_CONNECTED

	func put_packet(packet: PackedByteArray) -> void:
		_packets.put_packet(packet)

	func put_text(text: String) -> void:
		_packets.put_packet(text.to_utf8_buffer())

	func put_var(value: Variant) -> void:
		_packets.put_var(value)

	func has_message() -> bool:
		return _packets.get_available_packet_count() > 0

	func take() -> PackedByteArray:
		return _packets.get_packet()
