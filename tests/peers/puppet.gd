extends SceneTree
## Does what a test says, so that one scenario can be played with the engine's objects and with scripted ones.
##
## godot --headless --script puppet.gd -- port=PORT
##
## It connects to 127.0.0.1:PORT and answers requests, one after the other. Both ways: a u32 length (little-endian) and
## JSON. A request is {"do": ..., "id": ..., "name": ..., "args": [...], "release": [ids]}; the answer {"value": ...}.
## Bytes are {"bytes": base64}, or {"zeros": count}; texts that are to be a PackedStringArray are {"strings": [...]};
## an object is {"object": id}, kept until it is released.

var control := StreamPeerTCP.new()
var objects := {}
var next_id := 1


func _initialize() -> void:
	var port := 0
	for argument in OS.get_cmdline_user_args():
		if argument.begins_with("port="):
			port = int(argument.trim_prefix("port="))
	control.connect_to_host("127.0.0.1", port)
	while control.get_status() == StreamPeerTCP.STATUS_CONNECTING:
		control.poll()
	control.set_no_delay(true)
	print("puppet ready")


## One frame is the whole test: waiting for requests blocks in the system, and costs nothing.
func _process(_delta: float) -> bool:
	while control.get_status() == StreamPeerTCP.STATUS_CONNECTED:
		var header := control.get_data(4)
		if header[0] != OK:
			break
		var body: Array = control.get_data((header[1] as PackedByteArray).decode_u32(0))
		if body[0] != OK:
			break
		var request: Dictionary = JSON.parse_string((body[1] as PackedByteArray).get_string_from_utf8())
		for id in request.get("release", []):
			objects.erase(int(id))
		var text := JSON.stringify({"value": encoded(answer(request))}, "", false, true).to_utf8_buffer()
		var length := PackedByteArray([0, 0, 0, 0])
		length.encode_u32(0, text.size())
		control.put_data(length + text)
	return true


func answer(request: Dictionary) -> Variant:
	var args: Array = request.get("args", []).map(decoded)
	match request.do:
		"make":
			return ClassDB.instantiate(request.name)
		"call":
			if not objects[int(request.id)].has_method(request.name):
				return {"error": "%s has no method %s" % [objects[int(request.id)], request.name]}
			return objects[int(request.id)].callv(request.name, args)
		"set":
			objects[int(request.id)].set(request.name, args[0])
		"get":
			return objects[int(request.id)].get(request.name)
		"text":
			return (args[0] as PackedByteArray).get_string_from_utf8()
		"methods":
			return ClassDB.class_get_method_list(request.name).map(func(method): return method.name)
		"constants":
			var script := GDScript.new()
			script.source_code = "static func values():\n\treturn [%s]" % ", ".join(args[0])
			script.reload()
			return script.call("values")
	return null


func encoded(value: Variant) -> Variant:
	if typeof(value) == TYPE_OBJECT:
		if value == null:
			return null  # a null object, which JSON would make a text of
		var id := next_id
		next_id += 1
		objects[id] = value
		return {"object": id}
	if value is PackedByteArray:
		return {"bytes": Marshalls.raw_to_base64(value) if value else ""}  # it complains of empty ones
	if value is Array:
		return value.map(encoded)
	return value


func decoded(value: Variant) -> Variant:
	if value is Dictionary and value.has("bytes"):
		return Marshalls.base64_to_raw(value.bytes) if value.bytes else PackedByteArray()
	if value is Dictionary and value.has("zeros"):
		var zeros := PackedByteArray()
		zeros.resize(int(value.zeros))
		return zeros
	if value is Dictionary and value.has("strings"):
		return PackedStringArray(value.strings)
	if value is Dictionary and value.has("object"):
		return objects[int(value.object)]
	if value is Array:
		return value.map(decoded)
	if value is float and value == floorf(value):
		return int(value)  # JSON makes floats of integers
	return value
