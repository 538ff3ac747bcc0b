extends Node
## The scene that the blog's WebSocket script lies in: a button, a line to write in, a label.
##
## BLOG_SCRIPT names the script; what BLOG_TEXT says is written and the button pressed once the connection is open.


func _ready() -> void:
	var client := Node.new()
	for child in [Button.new(), LineEdit.new(), RichTextLabel.new()]:
		child.name = child.get_class()
		client.add_child(child)
	client.set_script(load(OS.get_environment("BLOG_SCRIPT")))
	add_child(client)
	while client.socket.get_ready_state() == WebSocketPeer.STATE_CONNECTING:
		await get_tree().process_frame
	client.get_node("LineEdit").text = OS.get_environment("BLOG_TEXT")
	client.get_node("Button").pressed.emit()
	while client.is_processing():
		await get_tree().process_frame
	print("label: ", client.get_node("RichTextLabel").text)
