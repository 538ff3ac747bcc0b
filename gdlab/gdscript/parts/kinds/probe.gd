## The probe message that a packet is; empty if it is none.
func _probe(packet: PackedByteArray) -> Dictionary:
	if packet.size() > 512 or not packet.get_string_from_ascii().begins_with("{"):
		return {}
	var reader := JSON.new()  # unlike JSON.parse_string() it stays silent where there is no JSON
	if reader.parse(packet.get_string_from_utf8()) != OK:
		return {}
	var said: Dictionary = reader.data
	if str(said.get("probe")) not in ["ping", "pong"]:
		return {}
	for key in ["seq", "t_us"]:
		if typeof(said.get(key)) not in [TYPE_INT, TYPE_FLOAT]:
			return {}
	# JSON makes floats of whole numbers: 17 would go back as 17.0.
	return {"probe": said.probe, "seq": int(said.seq), "t_us": int(said.t_us)}
