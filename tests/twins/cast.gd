extends SceneTree
## Many small games in one engine, each with a fault or without it; nothing else differs.
##
## godot --headless --max-fps 60 --script cast.gd -- NAME:PORT:FAULT ...
##
## NAME is one of the classes below, FAULT 1 or 0. It prints "ready" once all have begun. Where a line depends on `bad`,
## that line is the fault.

const KINDS := {
	"sender": Sender, "echo": Echo, "mute": Mute, "threaded": Threaded, "if_echo": IfEcho, "lost_peers": LostPeers,
	"forward": Forward, "silent": Silent, "leaver": Leaver, "half": Half, "small_writes": SmallWrites, "texts": Texts,
	"glued": Glued, "tls": Tls, "socket": Socket, "ending": Ending, "by_hand": ByHand, "as_text": AsText,
	"late_server": LateServer, "unbound": Unbound,
	"enet": Enet,
}

var players: Array[Player] = []


func _initialize() -> void:
	for argument in OS.get_cmdline_user_args():
		var parts := argument.split(":")
		var player: Player = KINDS[parts[0]].new()
		player.port = int(parts[1])
		player.bad = parts[2] == "1"
		player.options = parts.slice(3)
		player.begin()
		players.append(player)
	print("ready")


func _process(delta: float) -> bool:
	for player in players:
		player.age += delta
		player.step(delta)
	return false


func _finalize() -> void:
	for player in players:
		player.end()


class Player:
	var port: int
	var bad: bool
	var options: PackedStringArray
	var age := 0.0

	func begin() -> void:
		pass

	func step(_delta: float) -> void:
		pass

	func end() -> void:
		pass


class Udp extends Player:
	var udp := PacketPeerUDP.new()
	var said := 0.0

	func begin() -> void:
		udp.connect_to_host("127.0.0.1", port)

	func say_now_and_then(delta: float) -> void:
		said -= delta
		if said <= 0.0:
			said = 1.0
			udp.put_packet("hello".to_utf8_buffer())


## A state in each third frame, as options[0] says; numbered from 0.
class Sender extends Udp:
	var number := 0

	func begin() -> void:
		udp.connect_to_host("127.0.0.1", port + int(bad and options[0] == "lost_port"))

	func step(_delta: float) -> void:
		if Engine.get_process_frames() % 3:
			return
		match options[0]:
			"size":
				var padding := PackedByteArray()
				padding.resize(int(options[1] if bad else options[2]))
				udp.put_packet(padding)
			"large_integer":
				var id := 9007199254740993
				say({"seq": number, "id": id if bad else str(id)})
			"clock":
				say({"seq": number, "t_us": Time.get_ticks_usec()} if bad else {"seq": number})
			"coarse_clock":
				say({"seq": number, "t_us": Time.get_ticks_msec() * 1000 if bad else Time.get_ticks_usec()})
			"leap":
				if number == 30 and bad:
					number += 100_000  # the next level begins to count there
				say({"seq": number, "t_us": Time.get_ticks_usec()})
			"burst":
				if number == 0 and age > 0.5:
					for n in 3000:
						udp.put_packet(("%04d" % n).rpad(400).to_utf8_buffer())
					number = 1
			_:
				say({"seq": number})
		if options[0] != "burst":
			number += 1

	func say(what: Dictionary) -> void:
		udp.put_packet(JSON.stringify(what).to_utf8_buffer())


## Sends everything back.
class Echo extends Udp:
	func step(delta: float) -> void:
		say_now_and_then(delta)
		while udp.get_available_packet_count() > 0:
			udp.put_packet(udp.get_packet())


## Reads, and sends back nothing.
class Mute extends Udp:
	func step(delta: float) -> void:
		say_now_and_then(delta)
		while udp.get_available_packet_count() > 0:
			var packet := udp.get_packet()
			if not bad:
				udp.put_packet(packet)


## Answers once in each frame, or from a thread as soon as it can.
class Threaded extends Udp:
	var thread := Thread.new()
	var ended := false

	func begin() -> void:
		super()
		if not bad:
			thread.start(answer_always)

	func answer_always() -> void:
		while not ended:
			answer()
			OS.delay_usec(300)

	func answer() -> void:
		while udp.get_available_packet_count() > 0:
			udp.put_packet(udp.get_packet())

	func step(delta: float) -> void:
		if bad or said <= 0.0:
			say_now_and_then(delta)
		if bad:
			answer()

	func end() -> void:
		ended = true
		if thread.is_started():
			thread.wait_to_finish()


## Reads one packet in each frame, or all that wait.
class IfEcho extends Udp:
	func step(delta: float) -> void:
		say_now_and_then(delta)
		if bad:
			if udp.get_available_packet_count() > 0:
				udp.put_packet(udp.get_packet())
		else:
			while udp.get_available_packet_count() > 0:
				udp.put_packet(udp.get_packet())


## The tutorial's server, which reads one packet in each frame and lets its peer go, or keeps it and reads all.
class LostPeers extends Player:
	var server := UDPServer.new()
	var peers: Array[PacketPeerUDP] = []

	func begin() -> void:
		server.listen(port, "127.0.0.1")

	func step(_delta: float) -> void:
		server.poll()
		if bad:
			if server.is_connection_available():
				var peer := server.take_connection()
				handle(peer, peer.get_packet())
			return
		while server.is_connection_available():
			peers.append(server.take_connection())
		for peer in peers:
			while peer.get_available_packet_count() > 0:
				handle(peer, peer.get_packet())

	func handle(peer: PacketPeerUDP, packet: PackedByteArray) -> void:
		peer.put_packet(packet)


## The same, but it hands on what it reads to another program.
class Forward extends LostPeers:
	var onward := PacketPeerUDP.new()

	func begin() -> void:
		super()
		onward.connect_to_host("127.0.0.1", int(options[0]))

	func handle(_peer: PacketPeerUDP, packet: PackedByteArray) -> void:
		onward.put_packet(packet)


## A server that has forgotten to listen.
class Unbound extends LostPeers:
	func begin() -> void:
		if not bad:
			super()

	func step(delta: float) -> void:
		if not bad:
			super(delta)


class Tcp extends Player:
	var tcp := StreamPeerTCP.new()

	func begin() -> void:
		tcp.connect_to_host("127.0.0.1", port)

	func is_open() -> bool:
		tcp.poll()
		return tcp.get_status() == StreamPeerTCP.STATUS_CONNECTED


## Never polls, so that it never learns that it is connected.
class Silent extends Tcp:
	func step(_delta: float) -> void:
		if not bad:
			tcp.poll()
		if tcp.get_status() == StreamPeerTCP.STATUS_CONNECTED and Engine.get_process_frames() % 30 == 0:
			tcp.put_data("here I am\n".to_utf8_buffer())


## Leaves at once, or after it has said something.
class Leaver extends Tcp:
	func step(_delta: float) -> void:
		if is_open() and age > 0.3:
			if not bad:
				tcp.put_data("here I am\n".to_utf8_buffer())
			tcp.disconnect_from_host()


## Announces 100 bytes, and writes 60 of them, or all.
class Half extends Tcp:
	var written := false

	func step(_delta: float) -> void:
		if not is_open() or written:
			return
		written = true
		tcp.put_utf8_string("the first message is whole")
		tcp.put_u32(100)
		tcp.put_data("x".repeat(60 if bad else 100).to_utf8_buffer())


## Answers each message in two writes, from a thread, so that no frame is in the way.
class SmallWrites extends Tcp:
	var thread := Thread.new()
	var ended := false

	func begin() -> void:
		super()
		thread.start(answer_always)

	func answer_always() -> void:
		while not is_open() and not ended:
			OS.delay_usec(500)
		tcp.set_no_delay(not bad)
		put("hello".to_utf8_buffer())
		while not ended and is_open():
			if tcp.get_available_bytes() >= 4:
				var message: PackedByteArray = tcp.get_data(tcp.get_u32())[1]
				if message != "ok".to_utf8_buffer():
					put(message)
					# What is answered at once makes the other side wait with its acknowledgements.
					put("move".to_utf8_buffer())
			OS.delay_usec(200)

	func put(message: PackedByteArray) -> void:
		tcp.put_u32(message.size())
		tcp.put_data(message)

	func end() -> void:
		ended = true
		thread.wait_to_finish()


## Sends each text back, as ASCII or as UTF-8.
class Texts extends Tcp:
	var greeted := false

	func step(_delta: float) -> void:
		if not is_open():
			return
		if not greeted:
			greeted = true
			tcp.put_utf8_string("hello")
		while tcp.get_available_bytes() >= 4:
			var text := tcp.get_utf8_string()
			if bad:
				tcp.put_string(text)
			else:
				tcp.put_utf8_string(text)


## Writes three JSON messages in each frame.
class Glued extends Tcp:
	var number := 0

	func step(_delta: float) -> void:
		if is_open() and number < 90:
			for n in 3:
				tcp.put_data(JSON.stringify({"n": number, "pos": [n, n]}).to_utf8_buffer())
				number += 1


## Speaks TLS to whoever listens, or not.
class Tls extends Tcp:
	var tls := StreamPeerTLS.new()
	var begun := false

	func step(_delta: float) -> void:
		if not is_open():
			return
		if bad:
			if not begun:
				tls.connect_to_stream(tcp, "localhost", TLSOptions.client_unsafe())
			elif tls.get_status() == StreamPeerTLS.STATUS_HANDSHAKING:
				tls.poll()
		elif not begun:
			tcp.put_data("here I am\n".to_utf8_buffer())
		begun = true


## A server of TCP that listens at another port than it should.
class LateServer extends Player:
	var server := TCPServer.new()
	var taken: Array[StreamPeerTCP] = []

	func begin() -> void:
		server.listen(port + int(bad), "127.0.0.1")

	func step(_delta: float) -> void:
		while server.is_connection_available():
			taken.append(server.take_connection())
			taken[-1].put_data("welcome\n".to_utf8_buffer())


## A WebSocket client that says hello and reads; what differs stands in options[0].
class Socket extends Player:
	var ws := WebSocketPeer.new()
	var greeted := false

	func begin() -> void:
		match options[0]:
			"protocol":
				ws.supported_protocols = ["caht" if bad else "chat"]
			"buffer":
				if not bad:
					ws.inbound_buffer_size = 1 << 20
		ws.connect_to_url("ws://127.0.0.1:%d/%s" % [port, "gmae" if bad and options[0] == "path" else "game"])

	func step(_delta: float) -> void:
		if bad and options[0] == "blocked" and age > 2.0:
			age = -100.0
			OS.delay_msec(6000)
		ws.poll()
		if ws.get_ready_state() != WebSocketPeer.STATE_OPEN:
			return
		if not greeted:
			greeted = true
			greet()
		while ws.get_available_packet_count() > 0:
			ws.get_packet()

	func greet() -> void:
		ws.send_text("x".repeat(5000 if bad and options[0] == "long" else 500))


## Drops its connection, or closes it.
class Ending extends Socket:
	func step(delta: float) -> void:
		super(delta)
		if age > 0.6 and ws.get_ready_state() == WebSocketPeer.STATE_OPEN:
			ws.close(-1 if bad else 1000)


## Sends bytes that are no UTF-8, as text or as bytes.
class AsText extends Socket:
	func greet() -> void:
		ws.send(
			PackedByteArray([0xff, 0xfe, 0x41]),
			WebSocketPeer.WRITE_MODE_TEXT if bad else WebSocketPeer.WRITE_MODE_BINARY,
		)


## WebSocket written by hand, which forgets to mask what it sends, or does not.
class ByHand extends Tcp:
	var asked := false
	var answered := false

	func step(_delta: float) -> void:
		if not is_open():
			return
		if not asked:
			asked = true
			tcp.put_data((
				"GET /game HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
				+ "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
			).replace("%d", str(port)).to_utf8_buffer())
		elif not answered and tcp.get_available_bytes() > 0:
			answered = true
			tcp.get_data(tcp.get_available_bytes())
			var body := "hello".to_utf8_buffer()
			if bad:
				tcp.put_data(PackedByteArray([0x82, body.size()]) + body)
			else:
				# The mask is four zeros, which leave the bytes as they are.
				tcp.put_data(PackedByteArray([0x82, 0x80 | body.size(), 0, 0, 0, 0]) + body)


## A client of ENet; without the fault, its server is at the port of options[0].
class Enet extends Player:
	var client := ENetConnection.new()
	var server := ENetConnection.new()

	func begin() -> void:
		if not bad:
			server.create_host_bound("127.0.0.1", int(options[0]))
		client.create_host(1)
		client.connect_to_host("127.0.0.1", port)

	func step(_delta: float) -> void:
		client.service()
		if not bad:
			server.service()

	func end() -> void:
		client.destroy()
		if not bad:
			server.destroy()
