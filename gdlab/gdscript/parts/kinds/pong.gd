## The answer to a ping of gdlab; empty if the message is none.
func _pong(packet: PackedByteArray) -> Dictionary:
	# Read once per frame: up to a frame has passed since it came. r_us and s_us tell gdlab how much
	# of the time was spent here.
	var read_us := Time.get_ticks_usec()
	var ping := _probe(packet)
	if ping.get("probe") != "ping":
		return {}
	ping["probe"] = "pong"
	ping["r_us"] = read_us
	ping["s_us"] = Time.get_ticks_usec()
	return ping
