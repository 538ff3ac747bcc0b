"""The shares follow the traffic; a chosen packet shows its bytes."""

from __future__ import annotations

import socket

import pytest

import gdlab as gd
from gdlab.widgets import MultiplayerTab
from tests.multiplayer.golden import PROJECT, table
from tests.waiting import wait_until
from tests.widgets.parts import HOSTILE, assert_harmless, send

pytestmark = pytest.mark.usefixtures("still")


def played(name, count=None):
    """What the client of a run sent."""
    frame = table(name)
    return list(frame["payload"][frame["direction"] == "in"])[:count]


@pytest.fixture
def panel(capture):
    shown = MultiplayerTab(capture)
    yield shown
    shown.close()


def show(panel):
    panel._next_at = 0.0
    return panel.refresh()


def test_it_says_that_nothing_has_come_and_what_it_cannot_read(panel, capture):
    show(panel)
    assert "no packet of SceneMultiplayer has come yet" in panel.text.value
    send(capture, *HOSTILE)
    capture.wait_sync(len(HOSTILE))
    show(panel)
    assert "is not Godot's multiplayer" in panel.text.value
    assert_harmless(panel.text.value + panel.status.value)


def test_shares_follow_the_traffic_with_numbers_then_with_names(panel, capture):
    sent = played("hog_profiled", 60)
    send(capture, *sent[:40])
    capture.wait_sync(40)
    show(panel)
    assert "World.#2" in panel.text.value
    panel.project.value = str(PROJECT)
    send(capture, *sent[40:])
    capture.wait_sync(60)
    show(panel)
    assert "World.state" in panel.text.value
    assert panel.text.value.index("World.state") < panel.text.value.index("Player.move")
    assert f"{panel._sums.packets} packets" in panel.status.value


def test_a_relay_is_followed_and_each_packet_counts_once():
    frame = table("hog_profiled")
    sent = list(frame["payload"][frame["direction"] == "in"])[:80]
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        server.bind(("127.0.0.1", 0))
        with gd.relay("udp://127.0.0.1:0", to=f"udp://127.0.0.1:{server.getsockname()[1]}") as relay:
            panel = MultiplayerTab(relay)
            panel.project.value = str(PROJECT)
            for data in sent:
                client.sendto(data, ("127.0.0.1", int(relay.address.rpartition(":")[2])))
            relay.wait_sync(len(sent))
            wait_until(lambda: len(relay.df) >= 2 * len(sent))
            show(panel)
            calls = relay.multiplayer(project=PROJECT).calls
            counted = {total.method: total.calls for total in panel._sums.totals() if total.kind == "rpc"}
            assert counted == calls["method"].astype(str).value_counts().to_dict()
            panel.close()


def test_a_chosen_packet_shows_its_bytes_and_stays_chosen(panel, capture):
    panel.project.value = str(PROJECT)
    sent = played("hog_profiled", 30)
    send(capture, *sent[:20])
    capture.wait_sync(20)
    show(panel)
    lines = [label for label, _ in panel.list.options]
    assert any("World.state(<240 bytes>)" in line for line in lines)
    panel.list.index = 2
    chosen = panel._chosen()
    assert "command and flags" in panel.detail.value
    send(capture, *sent[20:])
    capture.wait_sync(30)
    show(panel)
    assert panel._chosen() is chosen
    panel.hold.value = True
    before = panel.list.options
    send(capture, *played("hog_profiled", 50)[30:])
    capture.wait_sync(50)
    show(panel)
    assert panel.list.options == before


def test_a_folder_that_is_no_project_is_told(panel):
    panel.project.value = "/nowhere"
    assert "no Godot project" in panel.status.value


def test_hostile_names_are_shown_as_text(panel, capture):
    from gdlab.multiplayer.scene import rpc_packet

    path = "<script>alert(1)</script>\u202e"
    call = rpc_packet(1, ("<img src=x onerror=alert(1)>",), path=path)
    send(
        capture, bytes.fromhex("000049010000") + (1).to_bytes(2, "big") + len(call).to_bytes(2, "big") + call
    )
    capture.wait_sync(1)
    show(panel)
    panel.list.index = 0
    assert_harmless(panel.text.value + panel.detail.value)


def test_the_dashboard_has_it_among_its_tabs(capture):
    with_tabs = gd.dashboard(capture)
    try:
        assert "Multiplayer" in with_tabs.tabs.bar.options
        with_tabs.tabs.bar.value = "Multiplayer"
        assert any(isinstance(panel, MultiplayerTab) for panel in with_tabs.tabs.panels())
    finally:
        with_tabs.close()
