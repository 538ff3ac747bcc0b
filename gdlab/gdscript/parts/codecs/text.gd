func _message() -> String:
	return "Hello %d from Godot" % _number


func _read(packet: PackedByteArray) -> String:
	return packet.get_string_from_utf8()
