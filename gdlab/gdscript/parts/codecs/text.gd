func _message() -> String:
	# The number shows what gets lost, the time (microseconds) how evenly it goes.
	return "Hello from Godot seq=%d t_us=%d" % [_number, Time.get_ticks_usec()]


func _read(packet: PackedByteArray) -> String:
	return packet.get_string_from_utf8()
