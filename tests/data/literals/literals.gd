extends SceneTree
func _initialize() -> void:
	var typed: Array[int] = [1, 2]
	var td: Dictionary[String, int] = {"a": 1}
	for value in [null, true, false, 7, -7, 0.5, 1e300, -0.1, INF, -INF, NAN, "plain \"q\" \n é \\ 😀", &"name", ^"/root/A:b", Vector2(0.1, -2), Vector2i(1, 2), Vector3(1, 2, 3), Vector3i(1, 2, 3), Vector4(1, 2, 3, 4), Vector4i(1, 2, 3, 4), Rect2(1, 2, 3, 4), Rect2i(1, 2, 3, 4), Transform2D(Vector2(1, 2), Vector2(3, 4), Vector2(5, 6)), Plane(0, 1, 0, 2), Quaternion(0, 0, 0, 1), AABB(Vector3(1, 2, 3), Vector3(4, 5, 6)), Basis(Vector3(1, 2, 3), Vector3(4, 5, 6), Vector3(7, 8, 9)), Transform3D(Basis(Vector3(1, 2, 3), Vector3(4, 5, 6), Vector3(7, 8, 9)), Vector3(10, 11, 12)), Projection(Vector4(1, 2, 3, 4), Vector4(5, 6, 7, 8), Vector4(9, 10, 11, 12), Vector4(13, 14, 15, 16)), Color(1, 0.5, 0, 0.25), RID(), typed, td, [1, "a", [2.5]], {"k": 1, "n": [null]}, PackedByteArray([1, 2, 255]), PackedInt32Array([1, -2]), PackedInt64Array([1 << 40]), PackedFloat32Array([0.5]), PackedFloat64Array([0.1]), PackedStringArray(["a", "b\"c"]), PackedVector2Array([Vector2(1, 2)]), PackedVector3Array([Vector3(1, 2, 3)]), PackedColorArray([Color(1, 0, 0)]), PackedVector4Array([Vector4(1, 2, 3, 4)]), PackedByteArray(), PackedVector2Array(), [], {}]:
		print(var_to_bytes(value).hex_encode(), " ", var_to_str(value).to_utf8_buffer().hex_encode())
	quit()
