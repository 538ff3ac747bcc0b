"""The arena of the sample project, real server and client with a relay between them, taken apart while they play."""

from __future__ import annotations

import socket

import pytest

import gdlab as gd
from tests.ports import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.godot


def test_a_real_game_through_a_relay_is_named_call_by_call(tmp_path):
    folder = gd.godot.project(tmp_path / "sample")
    port = free_port(socket.SOCK_DGRAM)
    server = gd.godot.start(
        project=folder, scene="multiplayer/arena.tscn", args=["role=server", f"port={port}"], time_limit_s=60
    )
    with server, gd.relay("udp://127.0.0.1:0", to=f"udp://127.0.0.1:{port}") as relay:
        wait_until(lambda: "server, port" in server.output)
        client = gd.godot.start(
            project=folder,
            scene="multiplayer/arena.tscn",
            args=["role=client", f"port={relay.addresses[0].rpartition(':')[2]}"],
            time_limit_s=60,
        )
        with client:
            wait_until(lambda: "says frame 120" in server.output)
        wait_until(lambda: len(relay.multiplayer(project=folder).calls) > 50)
        game = relay.multiplayer(project=folder)
    calls = game.calls
    assert set(calls["path"]) == {"Arena"}
    assert set(calls["method"]) == {"steer", "world", "say"}
    assert {"frame 60", "frame 120"} <= {args[0] for args in calls[calls["method"] == "say"]["args"]}
    (connection,) = game.connections.to_dict("records")
    assert connection["places"] == "2"
    assert calls["arrived"].notna().mean() > 0.9
    client_id = connection["client"]
    states = game.sync()
    mine = states[states["path"] == f"Arena/Players/{client_id}/Sync"]
    assert mine["position.x"].notna().sum() > 5
    assert mine["steps"].dropna().is_monotonic_increasing
    assert game.summary()["method"].iloc[0] == "world"
    assert set(game.wire()["note"]) == {""}
