const EVERY_S := 0.1

var _number := 0
var _pause_s := 0.0


func _speak(delta: float) -> void:
	_pause_s -= delta
	if _pause_s <= 0.0:
		_pause_s += EVERY_S
		for peer in _peers:
			_put_probe(peer, _ping())
		_number += 1


func _hear(_peer: PEER, packet: PackedByteArray) -> void:
	_measure(packet)
