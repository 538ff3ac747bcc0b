extends Node

var socket = WebSocketPeer.new()

@onready var send_button: Button = $Button

func _ready():
    socket.connect_to_url("ws://localhost:5000")
    send_button.pressed.connect(on_pressed)

func _process(_delta):
    socket.poll()
    var state = socket.get_ready_state()
    if state == WebSocketPeer.STATE_OPEN:
        while socket.get_available_packet_count():
            var pkt = socket.get_packet()
            print("Packet: ", pkt)
            $RichTextLabel.text = "Packet: %s" % pkt.get_string_from_utf8()
    elif state == WebSocketPeer.STATE_CLOSING:
        # Keep polling to achieve proper close.
        pass
    elif state == WebSocketPeer.STATE_CLOSED:
        var code = socket.get_close_code()
        var reason = socket.get_close_reason()
        print("WebSocket closed with code: %d, reason %s. Clean: %s" % [code, reason, code != -1])
        set_process(false) # Stop processing.

func on_pressed():
    print($LineEdit.text)
    socket.send_text($LineEdit.text)
