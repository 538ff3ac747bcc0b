func _message() -> String:
	# The number shows what gets lost, the time (microseconds) how evenly it goes.
	var message := {"seq": _number, "t_us": Time.get_ticks_usec(), "text": "Hello from Godot"}
	return JSON.stringify(message)


func _read(packet: PackedByteArray) -> String:
	return packet.get_string_from_utf8()
