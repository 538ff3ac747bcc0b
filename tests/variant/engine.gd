# Reads Variants from a file, answers with what the engine makes of them, and writes some of its own.
#
# Called with three paths: input (u32 count, then u32 length and bytes of each), answers (for each input: var_to_bytes
# and var_to_str of what was read, as u32 length and bytes), and own values (same form as the input).
extends SceneTree

var rng := RandomNumberGenerator.new()


func _init() -> void:
	var paths := OS.get_cmdline_user_args()
	answer(paths[0], paths[1])
	make(paths[2])
	quit()


func answer(from: String, to: String) -> void:
	var input := FileAccess.open(from, FileAccess.READ)
	var output := FileAccess.open(to, FileAccess.WRITE)
	for i in input.get_32():
		var value = bytes_to_var(input.get_buffer(input.get_32()))
		put(output, var_to_bytes(value))
		put(output, var_to_str(value).to_utf8_buffer())


func make(to: String) -> void:
	rng.seed = 20_24
	var output := FileAccess.open(to, FileAccess.WRITE)
	output.store_32(1000)
	for i in 1000:
		put(output, var_to_bytes(random(0)))


func put(output: FileAccess, bytes: PackedByteArray) -> void:
	output.store_32(bytes.size())
	output.store_buffer(bytes)


func real() -> float:
	return [rng.randf_range(-1e3, 1e3), rng.randfn() * 1e30, 0.0, -0.0, INF, NAN, 0.5, 0.1][rng.randi() % 8]


func v2() -> Vector2: return Vector2(real(), real())
func v3() -> Vector3: return Vector3(real(), real(), real())
func v4() -> Vector4: return Vector4(real(), real(), real(), real())
func int32() -> int: return rng.randi() - 2147483648


func word() -> String:
	var text := ""
	for i in rng.randi() % 6:
		text += ["a", "é", "€", "🎮", "/", ":", "\n", "z"][rng.randi() % 8]
	return text


func random(depth: int) -> Variant:
	match rng.randi() % (39 if depth < 4 else 27):
		1: return rng.randi() % 2 == 0
		2: return [rng.randi(), -rng.randi(), rng.randi() << 31, 7][rng.randi() % 4]
		3: return real()
		4: return word()
		5: return v2()
		6: return Vector2i(int32(), int32())
		7: return Rect2(v2(), v2())
		8: return Rect2i(int32(), int32(), int32(), int32())
		9: return v3()
		10: return Vector3i(int32(), int32(), int32())
		11: return Transform2D(v2(), v2(), v2())
		12: return v4()
		13: return Vector4i(int32(), int32(), int32(), int32())
		14: return Plane(v3(), real())
		15: return Quaternion(real(), real(), real(), real())
		16: return AABB(v3(), v3())
		17: return Basis(v3(), v3(), v3())
		18: return Transform3D(v3(), v3(), v3(), v3())
		19: return Projection(v4(), v4(), v4(), v4())
		20: return Color(real(), real(), real(), real())
		21: return StringName(word())
		22: return NodePath(word() + "/" + word() + ":" + word())
		23: return rid_from_int64(rng.randi() << 20)
		24: return Callable(self, "word")
		25: return Signal(self, "whatever")
		26: return self
		27:
			var dictionary := {}
			for i in rng.randi() % 5:
				dictionary[random(depth + 1)] = random(depth + 1)
			return dictionary
		28:
			var array := []
			for i in rng.randi() % 5:
				array.append(random(depth + 1))
			return array
		29: return PackedByteArray(range(rng.randi() % 6))
		30: return PackedInt32Array([int32(), int32()])
		31: return PackedInt64Array([int32() << 20])
		32: return PackedFloat32Array([real(), real()])
		33: return PackedFloat64Array([real(), real()])
		34: return PackedStringArray([word(), word()])
		35: return PackedVector2Array([v2()])
		36: return PackedVector3Array([v3(), v3()])
		37: return PackedColorArray([Color(real(), real(), real(), real())])
		38: return PackedVector4Array([v4()])
		0:
			var ints: Array[int] = [1, int32()]
			var names: Dictionary[StringName, Vector2] = {&"here": v2()}
			var nodes: Array[Node] = []
			return [ints, names, nodes, null]
	return null
