extends SceneTree
## Puts a node with each of the scripts that the arguments name under the root.


func _initialize() -> void:
	for path in OS.get_cmdline_user_args():
		var script: GDScript = load(path)
		if script == null or not script.can_instantiate():
			printerr("does not compile: ", path)
			quit(1)
			return
		var node: Node = script.new()
		node.name = path.get_file().get_basename()
		root.add_child(node)
	print("all are there")
