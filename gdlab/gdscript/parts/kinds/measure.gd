func _ping() -> Dictionary:
	return {"probe": "ping", "seq": _number, "t_us": Time.get_ticks_usec()}


func _measure(packet: PackedByteArray) -> void:
	# Messages are read once per frame, so on the shortest way, too, this is a frame's time or more.
	var now_us := Time.get_ticks_usec()
	var answer := _probe(packet)
	if answer.is_empty():
		print("gdlab says %d bytes that answer no ping" % packet.size())
	elif answer.seq < _number and answer.t_us <= now_us:  # else it is a ping of gdlab's own
		print("round trip %d: %.3f ms" % [answer.seq, (now_us - answer.t_us) / 1000.0])
