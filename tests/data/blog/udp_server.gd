extends Node

const UDP_IP = "127.0.0.1"
const UDP_PORT = 4243

var server := UDPServer.new()


func _ready():
    set_process(false)
    # 开启监听端口
    server.listen(UDP_PORT)
    set_process(true)


func _notification(what):
    if what == NOTIFICATION_WM_CLOSE_REQUEST:
        server.stop()
        set_process(false)
        get_tree().quit()


func _process(_delta):
    # 接受数据包
    server.poll()
    if server.is_connection_available():
        var peer : PacketPeerUDP = server.take_connection()
        var packet : PackedByteArray = peer.get_packet()

        print("Accepted peer: %s:%s" % [peer.get_packet_ip(), peer.get_packet_port()])
        print("Received data: %s" % [packet.get_string_from_utf8()])
