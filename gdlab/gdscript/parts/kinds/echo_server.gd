func _hear(peer: PEER, packet: PackedByteArray) -> void:
	var pong := _pong(packet)
	if pong:
		_put_probe(peer, pong)
	else:
		print("back to gdlab: %d bytes" % packet.size())
		_put_back(peer, packet)
