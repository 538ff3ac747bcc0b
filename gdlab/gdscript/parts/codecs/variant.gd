func _message() -> Dictionary:
	# The number shows what gets lost, the time (microseconds) how evenly it goes.
	return {"seq": _number, "t_us": Time.get_ticks_usec(), "pos": Vector2(_number, 0.5)}


func _read(packet: PackedByteArray) -> Variant:
	# Send it as such: cap.send(..., codec="variant"). Objects are never made of what comes.
	return bytes_to_var(packet)
