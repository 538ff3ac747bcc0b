"""The real engine through a relay: unchanged where nothing is set, clients told apart."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import gdlab as gd
from tests.ports import free_port

SCRIPT = Path(__file__).with_name("enet.gd").read_text()


def test_three_enet_clients_are_told_apart(engine) -> None:
    port = free_port(socket.SOCK_DGRAM)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            gd.godot.start(source=SCRIPT, args=["server", str(port), "3"], engine=engine, time_limit_s=60)
        )
        server.wait_for("listening", 30)
        link = gd.Link(delay_ms=15, jitter_ms=3, jitter_over_ms=20, loss=0.03)
        px = stack.enter_context(
            gd.relay("udp://127.0.0.1:0", to=f"udp://127.0.0.1:{port}", up=link, down=link, seed=3)
        )
        own = px.address.rpartition(":")[2]
        names = ("anna", "ben", "carla")
        clients = [
            stack.enter_context(
                gd.godot.start(source=SCRIPT, args=["client", own, name], engine=engine, time_limit_s=60)
            )
            for name in names
        ]
        for name, client in zip(names, clients, strict=True):
            client.wait_for(f"echo {name} 4", 40)
            answers = [line for line in client.wait(40).prints if line.startswith("echo")]
            assert answers == [f"echo {name} {number}" for number in range(5)]
        heard = [line.split() for line in server.stop().prints if line.startswith("heard")]
        # Each name came from a peer of its own: the server took the three for three.
        assert len({words[1] for words in heard}) == len({(words[1], words[2]) for words in heard}) == 3
        assert len(px.clients) == 3
        truth = px.truth
        assert truth["client"].nunique() == 3
        assert (truth.query("fate == 'passed'")["delay_drawn_ms"] >= 12).all()


def test_websocket_of_the_engine_passes_unchanged(engine) -> None:
    source = """
extends SceneTree
var ws := WebSocketPeer.new()
var sent := 0
func _initialize() -> void:
	ws.connect_to_url("ws://127.0.0.1:" + str(PORT))
func _process(_delta: float) -> bool:
	ws.poll()
	if ws.get_ready_state() == WebSocketPeer.STATE_OPEN and sent < 5:
		ws.send_text("text " + str(sent))
		sent += 1
	while ws.get_available_packet_count() > 0:
		var text := ws.get_packet().get_string_from_utf8()
		print(text)
		if text == "text 4":
			return true
	return false
"""
    with (
        gd.listen("ws://127.0.0.1:0", reply=lambda message: message.text) as server,
        gd.relay("ws://127.0.0.1:0", to=server.addresses[0], preset="none") as px,
    ):
        port = int(px.address.rpartition(":")[2].partition("/")[0])
        run = gd.godot.run(source=source, constants={"PORT": port}, engine=engine, time_limit_s=40)
        assert run.ok, run.table.to_string()
        assert [line for line in run.prints if line.startswith("text")] == [f"text {n}" for n in range(5)]
