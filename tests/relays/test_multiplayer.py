"""Godot's high-level multiplayer over WebSocket through a relay: unchanged, and each call named on its way."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest

import gdlab as gd
from gdlab import godot
from tests.ports import free_port

CALLS = 12
NAMES = ("anna", "ben")
FILES = {
    "project.godot": 'config_version=5\n[application]\nconfig/name="talk"\nrun/main_scene="res://main.tscn"\n',
    "main.tscn": '[gd_scene load_steps=2 format=3]\n[ext_resource type="Script" path="res://main.gd" id="1"]\n'
    '[node name="Main" type="Node"]\nscript = ExtResource("1")\n',
    "main.gd": """extends Node
var arg := {}
var answered := 0

@rpc("any_peer", "call_remote", "reliable")
func ask(who: String, number: int) -> void:
	print("asked ", who, " ", number)
	answer.rpc_id(multiplayer.get_remote_sender_id(), who, number * 10)

@rpc("authority", "call_remote", "reliable")
func answer(who: String, number: int) -> void:
	print("answered ", who, " ", number)
	answered += 1
	if answered == int(arg["calls"]):
		print("all answered")

func _ready() -> void:
	for a in OS.get_cmdline_user_args():
		var kv := a.split("=")
		arg[kv[0]] = kv[1]
	var peer := WebSocketMultiplayerPeer.new()
	if arg["who"] == "server":
		print("listens: ", peer.create_server(int(arg["port"]), "127.0.0.1"))
	else:
		peer.create_client("ws://127.0.0.1:" + arg["port"])
		multiplayer.connected_to_server.connect(talk)
	multiplayer.multiplayer_peer = peer

func talk() -> void:
	for number in int(arg["calls"]):
		ask.rpc_id(1, arg["who"], number)
		await get_tree().process_frame
""",
}


@pytest.mark.parametrize(
    "link", [None, gd.Link(delay_ms=20, jitter_ms=5, loss=0.05)], ids=["none", "bad network"]
)
def test_calls_over_websocket_arrive_in_order_and_are_named(engine, tmp_path: Path, link) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    port = free_port(socket.SOCK_STREAM)
    with contextlib.ExitStack() as stack:

        def start(*args: str) -> godot.Game:
            return stack.enter_context(
                godot.start(project=tmp_path, args=[*args, f"calls={CALLS}"], engine=engine, time_limit_s=90)
            )

        server = start("who=server", f"port={port}")
        server.wait_for("listens: 0", 60)
        how = {"preset": "none"} if link is None else {"up": link, "down": link, "seed": 4}
        relay = stack.enter_context(gd.relay("ws://127.0.0.1:0", to=f"ws://127.0.0.1:{port}", **how))
        own = relay.port
        clients = {name: start(f"who={name}", f"port={own}") for name in NAMES}
        for name, client in clients.items():
            client.wait_for("all answered", 60)
            heard = [line for line in client.stop().prints if line.startswith("answered")]
            assert heard == [f"answered {name} {number * 10}" for number in range(CALLS)]
        asked = [line for line in server.stop().prints if line.startswith("asked")]
        for name in NAMES:
            mine = [line for line in asked if line.split()[1] == name]
            assert mine == [f"asked {name} {number}" for number in range(CALLS)]
        relay.stop(flush=True)
        calls = relay.multiplayer(project=tmp_path).calls
    assert len(relay.clients) == 2
    for method, times in (("ask", 1), ("answer", 10)):
        found = calls[calls["method"] == method]
        assert set(found["path"]) == {"Main"}
        told = {tuple(args) for args in found["args"]}
        assert told == {(name, number * times) for name in NAMES for number in range(CALLS)}
        # Seen at both sides of the relay, each is one call, which needed its time to the other.
        assert len(found) == len(told)
        assert (found["delay_ms"] >= (0 if link is None else 15)).all()
