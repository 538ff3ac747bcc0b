# Says what values cost in the engine.
#
# Called with two paths. Input: u32 count, then for each value u32 mode, u32 length and its bytes by var_to_bytes.
# Output: for each value u32 length and JSON.stringify's UTF-8, u32 length and the packet of an RPC with the value as
# its only argument, and a double: bytes of memory that one decoded value takes outside of its Variant (-1 where
# mode is 0).
extends SceneTree


class Recorder extends MultiplayerPeerExtension:
	var packets: Array[PackedByteArray] = []

	func _put_packet_script(packet: PackedByteArray) -> Error:
		packets.append(packet)
		return OK

	func _get_connection_status() -> MultiplayerPeer.ConnectionStatus: return CONNECTION_CONNECTED
	func _get_unique_id() -> int: return 1
	func _is_server() -> bool: return true
	func _get_available_packet_count() -> int: return 0
	func _get_max_packet_size() -> int: return 1 << 24
	func _get_packet_channel() -> int: return 0
	func _get_packet_mode() -> MultiplayerPeer.TransferMode: return TRANSFER_MODE_RELIABLE
	func _get_packet_peer() -> int: return 2
	func _get_transfer_channel() -> int: return 0
	func _get_transfer_mode() -> MultiplayerPeer.TransferMode: return TRANSFER_MODE_RELIABLE
	func _set_transfer_channel(_channel: int) -> void: pass
	func _set_transfer_mode(_mode: MultiplayerPeer.TransferMode) -> void: pass
	func _set_target_peer(_peer: int) -> void: pass
	func _poll() -> void: pass
	func _close() -> void: pass
	func _disconnect_peer(_peer: int, _force: bool) -> void: pass
	func _is_refusing_new_connections() -> bool: return false
	func _is_server_relay_supported() -> bool: return true
	func _set_refuse_new_connections(_enable: bool) -> void: pass


class Caller extends Node:
	@rpc("any_peer", "call_remote", "reliable") func hit(_value): pass
	@rpc("any_peer", "call_remote", "reliable") func hit_twice(_value, _other): pass


const COPIES := 200


func _initialize() -> void:
	go.call_deferred()


func go() -> void:
	var paths := OS.get_cmdline_user_args()
	var input := FileAccess.open(paths[0], FileAccess.READ)
	var output := FileAccess.open(paths[1], FileAccess.WRITE)
	var recorder := Recorder.new()
	var caller := Caller.new()
	caller.name = "C"
	root.add_child(caller)
	get_multiplayer().multiplayer_peer = recorder
	recorder.peer_connected.emit(2)
	for i in input.get_32():
		var mode := input.get_32()
		var bytes := input.get_buffer(input.get_32())
		var value = bytes_to_var(bytes)
		put(output, JSON.stringify(value).to_utf8_buffer())
		recorder.packets.clear()
		caller.rpc_id(2, "hit", value)
		put(output, recorder.packets[-1] if recorder.packets else PackedByteArray())
		output.store_double(memory(bytes) if mode else -1.0)
	recorder.packets.clear()
	caller.rpc_id(2, "hit_twice", 5, "hello")
	put(output, recorder.packets[-1])
	quit()


func put(output: FileAccess, bytes: PackedByteArray) -> void:
	output.store_32(bytes.size())
	output.store_buffer(bytes)


func memory(bytes: PackedByteArray) -> float:
	var copies := []
	copies.resize(COPIES)
	var warm = bytes_to_var(bytes)  # names and pools are made once
	var before := OS.get_static_memory_usage()
	for i in COPIES:
		copies[i] = bytes_to_var(bytes)
	return float(OS.get_static_memory_usage() - before) / COPIES
