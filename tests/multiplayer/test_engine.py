"""Two real games talk through a relay while they are watched."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

import gdlab as gd
from gdlab import godot
from gdlab.godot import Engine
from gdlab.variant import Vector2
from tests.ports import free_port
from tests.waiting import wait_until

FILES = {
    "project.godot": 'config_version=5\n[application]\nconfig/name="talk"\nrun/main_scene="res://main.tscn"\n',
    "main.tscn": '[gd_scene load_steps=2 format=3]\n[ext_resource type="Script" path="res://main.gd" id="1"]\n'
    '[node name="Main" type="Node"]\nscript = ExtResource("1")\n',
    "main.gd": """extends Node
var arg := {}

@rpc("any_peer", "call_remote", "reliable")
func hello(_text: String) -> void:
	pass

@rpc("any_peer", "call_remote", "unreliable")
func tick(_n: int, _at: Vector2) -> void:
	pass

@rpc("any_peer", "call_remote", "unreliable")
func many(_list: Array) -> void:
	pass

func _ready() -> void:
	for a in OS.get_cmdline_user_args():
		var kv := a.split("=")
		arg[kv[0]] = kv[1]
	var peer := ENetMultiplayerPeer.new()
	if arg["who"] == "server":
		peer.set_bind_ip("127.0.0.1")
		print("listens: ", peer.create_server(int(arg["port"])))
	else:
		peer.create_client("127.0.0.1", int(arg["port"]))
		multiplayer.connected_to_server.connect(talk)
	multiplayer.multiplayer_peer = peer

func talk() -> void:
	hello.rpc_id(1, "from the client")
	await get_tree().create_timer(0.5).timeout
	for i in 6:
		for k in 10:
			tick.rpc_id(1, 7, Vector2(1, 2))
		await get_tree().process_frame
	var list := []
	for k in 10:
		list.append([7, Vector2(1, 2)])
	for i in 6:
		many.rpc_id(1, list)
		await get_tree().process_frame
	hello.rpc_id(1, "done")
	print("all sent")
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "talk"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def test_a_watch_names_the_calls_and_one_array_costs_what_the_laboratory_tells(
    engine: Engine, project: Path
) -> None:
    port = free_port(socket.SOCK_DGRAM)
    with (
        gd.debugger(restart=True) as watch,
        gd.relay("udp://127.0.0.1:0", to=f"udp://127.0.0.1:{port}", restart=True) as relay,
        godot.start(
            project=project,
            args=["who=server", f"port={port}"],
            debugger=watch,
            label="server",
            engine=engine,
        ),
    ):
        watch.wait_for("listens: 0", timeout=60)
        own = relay.addresses[0].rpartition(":")[2]
        with godot.start(
            project=project, args=["who=client", f"port={own}"], debugger=watch, label="client", engine=engine
        ):
            watch.wait_for("all sent", timeout=60)
            wait_until(lambda: (relay.multiplayer().calls["method"] == "#0").sum() == 2, 20)
            by_number = relay.multiplayer().calls
            assert watch.rpc_methods() == {"Main": ["hello", "many", "tick"]}
            by_watch = relay.multiplayer(names=watch).calls
    assert set(by_number["method"]) == {"#0", "#1", "#2"}
    assert set(by_watch["path"]) == {"Main"}
    counts = by_watch["method"].value_counts()
    assert (counts["hello"], counts["many"]) == (2, 6)
    assert 40 <= counts["tick"] <= 60  # ENet itself throws unreliable calls away where the machine is busy
    # The games are gone; what they told of their tree is not.
    assert set(relay.multiplayer(names=watch).calls["method"]) == {"hello", "tick", "many"}

    told = gd.sizes((7, Vector2(1, 2)), as_rpc="unreliable", calls_per_frame=10).compared.set_index("way")
    apart = by_watch[by_watch["method"] == "tick"]
    as_one = by_watch[by_watch["method"] == "many"]
    assert (apart["path_bytes"] == 0).all()
    assert 10 * apart["wire_bytes"].sum() == len(apart) * told["wire_bytes"]["10 calls in a frame"]
    assert 10 * apart["size"].sum() == len(apart) * told["bytes"]["10 calls in a frame"]
    assert (as_one["wire_bytes"] == told["wire_bytes"]["one call with an array of 10"]).all()
    assert (as_one["size"] == told["bytes"]["one call with an array of 10"]).all()
    # On the wire itself: ten datagrams against one.
    assert apart["row"].nunique() == len(apart)
    assert as_one["row"].nunique() == 6
