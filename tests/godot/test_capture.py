"""The blog's Godot programs against captures, in a real engine: each prints what it should."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gdlab as gd
from gdlab import godot
from gdlab.errors import PortInUse
from tests.ports import free_port
from tests.waiting import limit, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gdlab.capture import Capture
    from gdlab.godot import Engine

BLOG = Path(__file__).parents[1] / "data" / "blog"

#: Builds the scene that the blog's WebSocket program wants, and presses its button when the connection is there.
SCENE = """
extends SceneTree

func _initialize():
    var node = Node.new()
    for child in [Button.new(), LineEdit.new(), RichTextLabel.new()]:
        child.name = child.get_class()
        node.add_child(child)
    node.set_script(load(%s))
    root.add_child(node)
    for text in ["hello", "grün"]:
        while node.socket.get_ready_state() != WebSocketPeer.STATE_OPEN:
            await process_frame
        node.get_node("LineEdit").text = text
        node.get_node("Button").pressed.emit()
        var label = node.get_node("RichTextLabel")
        while not label.text.ends_with(text):
            await process_frame
        print("Label: ", label.text)
    node.socket.close(1000, "bye")
    while node.socket.get_ready_state() != WebSocketPeer.STATE_CLOSED:
        await process_frame
    await process_frame
    await process_frame
    quit()
"""


@pytest.fixture(autouse=True)
def stop_everything() -> Iterator[None]:
    yield
    gd.stop_all()


def port_of(capture: Capture) -> int:
    return int(capture.addresses[0].rpartition(":")[2].partition("/")[0])


def program(name: str, port: int, to: int) -> str:
    text = (BLOG / name).read_text(encoding="utf-8")
    assert str(port) in text
    return text.replace(str(port), str(to))


def listen(scheme: str, host: str, port: int, **choices: object) -> Capture:
    """Listen on the blog's own port, or skip where another test run has it."""
    try:
        return gd.listen(f"{scheme}://{host}:{port}", **choices)  # type: ignore[arg-type]
    except PortInUse as error:
        pytest.skip(str(error))


def closing(capture: Capture) -> str:
    return str(capture.df.query("event == 'close'").detail.iloc[0])


@pytest.mark.parametrize("port", [50007, 0])
def test_the_tcp_client_hears_a_server_that_speaks_by_itself(engine: Engine, port: int) -> None:
    capture = listen("tcp", "127.0.0.1", port, reply=b"hi~", every=0.5 if port else 0.1)
    text = program("tcp_client.gd", 50007, port_of(capture))
    with godot.start(source=text, engine=engine, time_limit_s=60) as game:
        game.wait_for("Connected to host.", limit(30))
        game.wait_for("Datahi~", limit(30))
        wait_until(lambda: capture.statistics().sent >= 3, 20)
        assert capture.statistics().connections == 1
        capture.stop()
        game.wait_for("Disconnected from host.", limit(30))
        assert game.errors == []
    sent = capture.df.query("direction == 'out'")
    assert set(sent.payload) == {b"hi~"}
    assert set(sent.wire_bytes) == {3 + 52}
    assert list(capture.df.event.iloc[[0, -1]]) == ["open", "close"]
    apart_s = sent.time.diff().dt.total_seconds().iloc[1:]
    assert apart_s.min() > (0.4 if port else 0.05)


@pytest.mark.parametrize("port", [5000, 0])
def test_the_websocket_client_gets_its_message_back(engine: Engine, tmp_path: Path, port: int) -> None:
    capture = listen("ws", "localhost", port, reply=lambda m: b"Got our msg: " + m.payload)
    script = tmp_path / "client.gd"
    script.write_text(program("websocket_client.gd", 5000, port_of(capture)), encoding="utf-8")
    run = godot.run(source=SCENE % json.dumps(str(script)), engine=engine, time_limit_s=60)
    assert run.ok, run.table.to_string()
    packet = list(b"Got our msg: hello")
    assert f"Packet: {packet}" in run.prints
    assert "Label: Packet: Got our msg: grün" in run.prints
    assert "WebSocket closed with code: 1000, reason bye. Clean: true" in run.prints
    wait_until(lambda: capture.statistics().connections == 0)
    table = capture.df
    messages = table.query("event == 'message'")
    assert [payload.decode() for payload in messages.payload] == [
        "hello",
        "Got our msg: hello",
        "grün",
        "Got our msg: grün",
    ]
    assert list(messages.kind) == ["text", "binary", "text", "binary"]
    assert closing(capture) == "closed by the peer: 1000 bye"


def test_a_game_reads_the_last_message_before_the_listener_stops(engine: Engine) -> None:
    capture = gd.listen("ws://127.0.0.1:0", reply="the last word")
    text = f"""
extends Node
var socket = WebSocketPeer.new()
var sent = false
func _ready():
    socket.connect_to_url("ws://127.0.0.1:{port_of(capture)}")
func _process(_delta):
    socket.poll()
    if socket.get_ready_state() == WebSocketPeer.STATE_OPEN:
        if not sent:
            socket.send_text("?")
            sent = true
        while socket.get_available_packet_count():
            print("Read: ", socket.get_packet().get_string_from_utf8(), " ", socket.was_string_packet())
    elif socket.get_ready_state() == WebSocketPeer.STATE_CLOSED:
        print("Closed: ", socket.get_close_code(), " ", socket.get_close_reason())
        get_tree().quit()
"""
    with godot.start(source=text, engine=engine, time_limit_s=60) as game:
        capture.wait_sync(1, timeout=limit(30))
        wait_until(lambda: capture.statistics().sent == 1)
        capture.stop()
        game.wait_for("Read: the last word true", limit(30))
        game.wait_for("Closed: 1001 gdlab has stopped", limit(30))
    assert closing(capture) == "closed here: stopped"


#: Five connections, each with an end of its own.
ENDS = """
extends Node
var sockets = []
var said = false
func _ready():
    for i in 5:
        sockets.append(WebSocketPeer.new())
        sockets[i].connect_to_url("ws://127.0.0.1:%d/" + str(i))
func _process(_delta):
    for socket in sockets:
        socket.poll()
    if not said:
        if sockets.any(func(socket): return socket.get_ready_state() != WebSocketPeer.STATE_OPEN):
            return
        said = true
        sockets[0].close(4001, "grün")
        sockets[1].close(0)
        sockets[2].close(-1)
        sockets[3].send_text("more")
        sockets.remove_at(4)
    if sockets.all(func(socket): return socket.get_ready_state() == WebSocketPeer.STATE_CLOSED):
        print("Closed: ", sockets.map(func(socket): return socket.get_close_code()))
        get_tree().quit()
"""


def test_every_end_of_a_games_websocket_is_told_as_it_was(engine: Engine) -> None:
    capture = gd.listen("ws://127.0.0.1:0", reply="x" * 65_536)
    run = godot.run(source=ENDS % port_of(capture), engine=engine, time_limit_s=60)
    assert run.ok, run.table.to_string()
    assert run.prints == ["Closed: [4001, 0, -1, 1009]"]
    wait_until(lambda: capture.statistics().connections == 0)
    table = capture.df
    opened = table[table.event == "open"]
    path = dict(zip(opened.peer, opened.detail, strict=True))
    ends = {path[row.peer]: row.detail for row in table[table.event == "close"].itertuples()}
    assert ends == {
        "/0": "closed by the peer: 4001 grün",
        "/1": "closed by the peer: no code",
        "/2": "closed by the peer without a close frame (1006)",
        "/3": "closed by the peer: 1009",
        "/4": "closed by the peer without a close frame (1006)",
    }
    # What it could not receive was warned of.
    (warning,) = table.query("event == 'message' and direction == 'out'").detail
    assert "65536 bytes are more than the 65535 that Godot receives" in warning


def test_godots_framings_are_recognised_and_answered(engine: Engine) -> None:
    capture = gd.listen("tcp://127.0.0.1:0", reply=lambda message: message.payload)
    text = f"""
extends Node
func _ready():
    for kind in ["var", "string", "packets"]:
        var stream = StreamPeerTCP.new()
        stream.connect_to_host("127.0.0.1", {port_of(capture)})
        while stream.get_status() == StreamPeerTCP.STATUS_CONNECTING:
            stream.poll()
        if kind == "var":
            stream.put_var({{"hp": 7}})
            print("Got ", stream.get_var())
        elif kind == "string":
            stream.put_utf8_string("grün")
            print("Got ", stream.get_utf8_string())
        else:
            var packets = PacketPeerStream.new()
            packets.stream_peer = stream
            packets.put_var(["a", 1])
            while packets.get_available_packet_count() == 0:
                stream.poll()
            print("Got ", packets.get_var())
        stream.disconnect_from_host()
    get_tree().quit()
"""
    run = godot.run(source=text, engine=engine, time_limit_s=60)
    assert run.ok, run.table.to_string()
    assert run.prints == ['Got { "hp": 7 }', "Got grün", 'Got ["a", 1]']
    capture.stop()
    told = capture.df.query("event == 'message' and direction == 'in'").detail
    assert [text.split(":")[0] for text in told] == [
        "framing put_var",
        "framing put_utf8_string",
        "framing put_var",
    ]


#: Pings with put_var() over each transport, and prints what is no answer to that.
PINGER = """
extends Node
var udp = PacketPeerUDP.new()
var tcp = StreamPeerTCP.new()
var ws = WebSocketPeer.new()
var asked = 0
func _ready():
    udp.connect_to_host("127.0.0.1", %d)
    tcp.connect_to_host("127.0.0.1", %d)
    ws.connect_to_url("ws://127.0.0.1:%d")
func _process(_delta):
    tcp.poll()
    ws.poll()
    if tcp.get_status() != StreamPeerTCP.STATUS_CONNECTED or ws.get_ready_state() != WebSocketPeer.STATE_OPEN:
        return
    while udp.get_available_packet_count():
        hear("udp", udp.get_var())
    while tcp.get_available_bytes() > 4:
        hear("tcp", tcp.get_var())
    while ws.get_available_packet_count():
        hear("ws", ws.get_var())
    if asked < 5:
        for peer in [udp, tcp, ws]:
            peer.put_var({"probe": "ping", "seq": asked, "t_us": Time.get_ticks_usec()})
        asked += 1
func hear(who, pong):
    print(who, " ", pong.probe, " ", pong.seq, " ", pong.t_us <= Time.get_ticks_usec(), " ", pong.r_us <= pong.s_us)
"""


def test_pings_of_a_game_that_are_variants_are_answered_in_kind(engine: Engine) -> None:
    capture = gd.listen(
        *(f"{scheme}://127.0.0.1:0" for scheme in ("udp", "tcp", "ws")), reply=gd.replies.probe_answer
    )
    ports = tuple(int(address.rpartition(":")[2]) for address in capture.addresses)
    with godot.start(source=PINGER % ports, engine=engine, time_limit_s=60) as game:
        for who in ("udp", "tcp", "ws"):
            for number in range(5):
                game.wait_for(f"{who} pong {number} true true", limit(30))
        assert game.errors == []
    found = gd.analysis.probes(capture.df)
    assert len(found) == 2 * found.exchange.nunique() == 30
    assert not found.ours.any()


def test_a_game_that_echoes_variants_shows_its_round_trips(engine: Engine) -> None:
    capture = gd.listen("tcp://127.0.0.1:0", framing="put_var", ping=0.02)
    text = f"""
extends Node
var stream = StreamPeerTCP.new()
func _ready():
    stream.connect_to_host("127.0.0.1", {port_of(capture)})
func _process(_delta):
    stream.poll()
    while stream.get_available_bytes() > 4:
        stream.put_var(stream.get_var())
"""
    with godot.start(source=text, engine=engine, time_limit_s=60) as game:
        capture.wait_sync(5, probes=True, timeout=limit(30))
        assert game.errors == []
    trips = gd.analysis.round_trips(capture.df)
    assert (trips.outcome == "answered").sum() >= 5


def test_the_engines_own_debugger_link_is_captured(engine: Engine, tmp_path: Path) -> None:
    capture = gd.listen("tcp://127.0.0.1:0")
    (tmp_path / "project.godot").write_text("config_version=5\n")
    script = tmp_path / "main.gd"
    script.write_text(
        "extends SceneTree\nvar frames = 0\nfunc _process(_delta):\n\tframes += 1\n"
        '\tif frames == 5: print("seen by the debugger")\n\treturn frames > 60\n'
    )
    link = f"tcp://127.0.0.1:{port_of(capture)}"
    command = [engine.path, "--headless", "--path", tmp_path, "--remote-debug", link, "--script", script]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as game:
        try:
            wait_until(lambda: any(b"seen by the debugger" in payload for payload in capture.df.payload), 30)
        finally:
            game.kill()
    first = capture.df.query("event == 'message'").iloc[0]
    assert b"set_pid" in first.payload
    assert first.detail.startswith("framing put_var")


def test_the_udp_client_is_answered_and_stops_asking(engine: Engine) -> None:
    capture = gd.listen("udp://127.0.0.1:0", reply=b"Thanks, 42 it is")
    text = program("udp_client.gd", 4242, port_of(capture))
    with godot.start(source=text, engine=engine, time_limit_s=60) as game:
        game.wait_for("Connected: Thanks, 42 it is", limit(30))
    assert set(capture.df.query("direction == 'in'").payload) == {b"The answer is... 42!"}


#: Servers as a game would write them; each prints what it gets and answers it.
TCP_SERVER = """
extends Node
var server = TCPServer.new()
var peers = []
func _ready():
    print("Listening: ", server.listen(%d, "127.0.0.1"))
func _process(_delta):
    while server.is_connection_available():
        var peer = server.take_connection()
        peer.set_no_delay(true)
        peers.append(peer)
        peer.put_var("welcome")
    for peer in peers:
        peer.poll()
        while peer.get_status() == StreamPeerTCP.STATUS_CONNECTED and peer.get_available_bytes() > 4:
            var value = peer.get_var()
            print("Got: ", value)
            peer.put_var(value)
            if value is String and value == "bye":
                peer.disconnect_from_host()
"""

WEBSOCKET_SERVER = """
extends Node
var server = TCPServer.new()
var peers = []
func _ready():
    print("Listening: ", server.listen(%d, "127.0.0.1"))
func _process(_delta):
    while server.is_connection_available():
        var peer = WebSocketPeer.new()
        peer.accept_stream(server.take_connection())
        peers.append(peer)
    for peer in peers:
        peer.poll()
        while peer.get_ready_state() == WebSocketPeer.STATE_OPEN and peer.get_available_packet_count():
            var packet = peer.get_packet()
            var text = packet.get_string_from_utf8()
            print("Got: ", text, " ", peer.was_string_packet())
            if text == "bye":
                peer.close(4001, "as you wish")
            elif peer.was_string_packet():
                peer.send_text(text)
            else:
                peer.send(packet)
"""


def test_connecting_to_a_udp_server_of_the_blog(engine: Engine) -> None:
    port = free_port(socket.SOCK_DGRAM)
    with godot.start(source=program("udp_server.gd", 4243, port), engine=engine, time_limit_s=60) as game:
        client = gd.connect(f"udp://127.0.0.1:{port}")

        def heard(text: str) -> bool:
            return text in game.output

        # It reads one datagram a frame and loses the rest, and says nothing when it begins: once each 50 ms will do.
        for chat in (["PIDs", "Greetings! 9527"], ["CHAT", "Hello from python 1"]):
            for _ in range(400):
                client.send(chat)
                with contextlib.suppress(AssertionError):
                    wait_until(lambda chat=chat: heard(f"Received data: {json.dumps(chat)}"), 0.05)
                    break
            assert heard(f"Received data: {json.dumps(chat)}")
        assert game.errors == []
    assert set(client.df.query("event == 'message'").direction) == {"out"}


def test_connecting_to_a_tcp_server_of_a_game(engine: Engine) -> None:
    port = free_port(socket.SOCK_STREAM)
    with godot.start(source=TCP_SERVER % port, engine=engine, time_limit_s=60) as game:
        game.wait_for("Listening: 0", limit(30))
        client = gd.connect(f"tcp://127.0.0.1:{port}", framing="put_var")
        client.wait_sync(1, timeout=limit(20))
        client.send(struct.pack("<Ii", 2, 42))
        client.send(b"\4\0\0\0\3\0\0\0bye\0")
        game.wait_for("Got: 42", limit(20))
        client.wait_sync(3, timeout=limit(20))
        wait_until(lambda: not client.running)
        assert game.errors == []
    received = client.df.query("event == 'message' and direction == 'in'")
    assert list(received.payload) == [
        b"\4\0\0\0\7\0\0\0welcome\0",
        struct.pack("<Ii", 2, 42),
        b"\4\0\0\0\3\0\0\0bye\0",
    ]
    assert closing(client) == "closed by the peer"


def test_connecting_to_a_websocket_server_of_a_game(engine: Engine) -> None:
    port = free_port(socket.SOCK_STREAM)
    with godot.start(source=WEBSOCKET_SERVER % port, engine=engine, time_limit_s=60) as game:
        game.wait_for("Listening: 0", limit(30))
        client = gd.connect(f"ws://localhost:{port}")
        client.send("grün")
        client.send(b"\xff\0")
        client.send("x" * 60_000)
        client.wait_sync(3, timeout=limit(20))
        client.send("bye")
        wait_until(lambda: not client.running)
        game.wait_for("Got: bye true", limit(20))
    received = client.df.query("event == 'message' and direction == 'in'")
    assert list(received.payload) == ["grün".encode(), b"\xff\0", b"x" * 60_000]
    assert list(received.kind) == ["text", "binary", "text"]
    assert closing(client) == "closed by the peer: 4001 as you wish"
