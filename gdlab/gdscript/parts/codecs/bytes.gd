const MESSAGE_BYTES := 12


func _message() -> PackedByteArray:
	# In Python: seq, t_us = struct.unpack_from("<IQ", payload)
	var packet := PackedByteArray()
	packet.resize(MESSAGE_BYTES)
	packet.encode_u32(0, _number)
	packet.encode_u64(4, Time.get_ticks_usec())
	return packet


func _read(packet: PackedByteArray) -> String:
	return packet.hex_encode()
