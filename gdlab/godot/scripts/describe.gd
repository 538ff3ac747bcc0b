extends SceneTree
## Says what this engine can do, as one line of JSON.

const CLASSES: PackedStringArray = [
	"PacketPeerUDP",
	"UDPServer",
	"StreamPeerTCP",
	"TCPServer",
	"WebSocketPeer",
	"ENetMultiplayerPeer",
	"StreamPeerTLS",
	"PacketPeerDTLS",
	"WebRTCPeerConnection",
]


func _initialize() -> void:
	var classes := {}
	for name in CLASSES:
		classes[name] = ClassDB.class_exists(name)
	var said := {
		"editor": OS.has_feature("editor"),
		"debug": OS.has_feature("debug"),
		"double": OS.has_feature("double"),
		"system": OS.get_distribution_name(),
		"architecture": Engine.get_architecture_name(),
		"classes": classes,
		"memory": OS.get_static_memory_usage() > 0,
	}
	print("gdlab describe ", JSON.stringify(said))
	quit()
