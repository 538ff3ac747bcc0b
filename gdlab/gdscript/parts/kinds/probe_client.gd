const EVERY_S := 0.1

var _number := 0
var _pause_s := 0.0


func _speak(delta: float) -> void:
	_pause_s -= delta
	if _pause_s <= 0.0:
		_pause_s += EVERY_S
		_put_probe(_gdlab, _ping())
		_number += 1


func _hear(packet: PackedByteArray) -> void:
	_measure(packet)
