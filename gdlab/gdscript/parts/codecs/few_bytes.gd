const MESSAGE_BYTES := 1


func _message() -> PackedByteArray:
	var packet := PackedByteArray()
	packet.resize(MESSAGE_BYTES)
	packet.encode_u8(0, _number % 256)
	return packet


func _read(packet: PackedByteArray) -> String:
	return packet.hex_encode()
