extends Node

var tcp_stream := StreamPeerTCP.new()
var status := 0

func _ready():
    status = tcp_stream.get_status()
    print(status)
    # tcp_stream.bind(8083)
    connect_to_host("127.0.0.1", 50007)

func _process(_delta: float):
    tcp_stream.poll() # 需要手动拉取socket，否则status会一直是STATUS_CONNECTING
    var new_status: int = tcp_stream.get_status()
    if new_status != status:
        status = new_status
        match status:
            tcp_stream.STATUS_NONE:
                print("Disconnected from host.")
            tcp_stream.STATUS_CONNECTING:
                print("Connecting to host.")
            tcp_stream.STATUS_CONNECTED:
                print("Connected to host.")
            tcp_stream.STATUS_ERROR:
                print("Error with socket stream.")

    if status == tcp_stream.STATUS_CONNECTED:
        var available_bytes: int = tcp_stream.get_available_bytes()
        if available_bytes > 0:
            print("available bytes: ", available_bytes)
            var data: Array = tcp_stream.get_partial_data(available_bytes)
            # Check for read error.
            if data[0] != OK:
                print("Error getting data from stream: ", data[0])
            else:
                print("Data", data[1].get_string_from_utf8())

func connect_to_host(host: String, port: int):
    print("Connecting to %s:%d" % [host, port])
    # Reset status so we can tell if it changes to error again.
    status = tcp_stream.STATUS_NONE
    if tcp_stream.connect_to_host(host, port) != OK:
        print("Error connecting to host.")

func send(data: PackedByteArray) -> bool:
    if status != tcp_stream.STATUS_CONNECTED:
        print("Error: Stream is not currently connected.")
        return false
    var error: int = tcp_stream.put_data(data)
    if error != OK:
        print("Error writing to stream: ", error)
        return false
    return true
