func _dictionary(packet: PackedByteArray) -> Dictionary:
	if packet.size() > 512 or not packet.get_string_from_ascii().begins_with("{"):
		return {}
	var reader := JSON.new()  # unlike JSON.parse_string() it stays silent where there is no JSON
	if reader.parse(packet.get_string_from_utf8()) != OK:
		return {}
	return reader.data
