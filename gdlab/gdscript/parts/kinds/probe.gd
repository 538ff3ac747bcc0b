## The probe message that a packet is; empty if it is none.
func _probe(packet: PackedByteArray) -> Dictionary:
	var said := _dictionary(packet)
	if str(said.get("probe")) not in ["ping", "pong"]:
		return {}
	for key in ["seq", "t_us"]:
		if typeof(said.get(key)) not in [TYPE_INT, TYPE_FLOAT]:
			return {}
	# JSON makes floats of whole numbers: 17 would go back as 17.0.
	return {"probe": said.probe, "seq": int(said.seq), "t_us": int(said.t_us)}
