func _dictionary(packet: PackedByteArray) -> Dictionary:
	# bytes_to_var() prints an error where there is no Variant: it is shown only what begins
	# as a probe.
	var first_key := var_to_bytes("probe")
	if packet.size() > 512 or packet.slice(8, 8 + first_key.size()) != first_key:
		return {}
	if packet.decode_u32(0) != TYPE_DICTIONARY:
		return {}
	var said: Variant = bytes_to_var(packet)
	if said is Dictionary:
		return said
	return {}
