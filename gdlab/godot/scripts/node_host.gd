extends SceneTree
## Runs a script that extends Node (or a class made from it) where no scene holds it: makes one node
## of it and puts it under the root. `godot --script` alone takes only scripts that extend SceneTree
## or MainLoop. The script's path comes in the environment, so that the arguments after `--` are all
## the script's own.


func _initialize() -> void:
	var path := OS.get_environment("GDLAB_NODE_SCRIPT")
	var script: GDScript = load(path)
	if script == null or not script.can_instantiate():
		quit(1)  # the engine has said why
		return
	var made: Object = script.new()
	if made is not Node:
		push_error(
			"%s is not a Node: extend Node, SceneTree or a class made from one of them" % path
		)
		if made != null and made is not RefCounted:
			made.free()
		quit(1)
		return
	made.name = path.get_file().get_basename()
	root.add_child(made)
	current_scene = made
