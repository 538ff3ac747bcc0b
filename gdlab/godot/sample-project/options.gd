extends RefCounted
## What the command line says behind "--", so that a program or a test can choose ports:
##
## godot --headless --path . blog/udp_client.tscn -- host=127.0.0.1 port=4242
##
## A scene that runs in the editor has no such options and takes what its inspector says.


## The value of "key=value", or the default.
static func text(key: String, default: String) -> String:
	for argument in OS.get_cmdline_user_args():
		if argument.begins_with(key + "="):
			return argument.substr(key.length() + 1)
	return default


## The same as a whole number.
static func number(key: String, default: int) -> int:
	var value := text(key, str(default))
	if not value.is_valid_int():
		push_error("%s=%s: a whole number was expected" % [key, value])
		return default
	return value.to_int()
