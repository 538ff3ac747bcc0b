const EVERY_S := 1.0

var _number := 0
var _pause_s := 0.0


func _speak(delta: float) -> void:
	# Says hello now and then: gdlab answers and pings whom it has heard.
	_pause_s -= delta
	if _pause_s <= 0.0:
		_pause_s += EVERY_S
		_put(_gdlab, _message())
		_number += 1


func _hear(packet: PackedByteArray) -> void:
	var pong := _pong(packet)
	if pong:
		_put_probe(_gdlab, pong)
	else:
		print("back to gdlab: %d bytes" % packet.size())
		_put_back(_gdlab, packet)
