"""`multiplayer()` on captures, recordings and tables."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pandas as pd
import pytest

import gdlab as gd
from tests.multiplayer.golden import FOLDER, PROJECT, RUNS, called, key, table
from tests.waiting import wait_until

FIVE = ["time", "endpoint", "peer", "direction", "payload"]


def test_five_columns_are_enough() -> None:
    multiplayer = table("hog_profiled")[FIVE].gdlab.multiplayer(project=PROJECT)
    assert repr(multiplayer) == "<Multiplayer: 210 packets, 204 calls, 1 client, 4.8 s>"
    assert len(multiplayer) == len(multiplayer.packets) == 210
    assert len(multiplayer.calls) == 204
    assert multiplayer.summary()["path"].iloc[0] == "Main/Game/World"
    assert multiplayer.connections["client"].to_list() == [571557132]
    assert "World" in multiplayer._repr_html_()
    with pytest.raises(KeyError, match="payload"):
        gd.load(FOLDER / "pcap_enet" / "lo.pcap").df.drop(columns="peer").gdlab.multiplayer()


def test_names_come_from_a_project_or_a_mapping_or_are_numbers() -> None:
    frame = table("hog_profiled")[FIVE]
    assert set(frame.gdlab.multiplayer().calls["method"]) == {"#0", "#2"}
    names = {"Main/Game/World": ["state", "move", "never"]}
    found = frame.gdlab.multiplayer(names=names).calls
    assert set(found["method"]) == {"state", "move", "#0"}  # the player has the same list, the chat another


@pytest.mark.parametrize("name", ["pcap_enet", "pcap_ws"])
def test_a_packet_capture_of_another_program_is_dissected(name: str) -> None:
    multiplayer = gd.load(RUNS[name] / "lo.pcap").multiplayer(project=PROJECT)
    wanted = called(name)
    calls = multiplayer.calls
    for row in calls.itertuples():
        wanted[int(row.sender), int(row.receiver), row.path, row.method, key(row.args)] -= 1
    assert not any(wanted.values())
    wire = multiplayer.wire()
    assert wire["bytes"].sum() == gd.load(RUNS[name] / "lo.pcap").df["size_bytes"].sum()
    assert set(wire["note"]) == {""}


def test_tables_that_hold_something_else_say_what_it_is(tmp_path: Path) -> None:
    frame = table("hog_profiled")[FIVE].head(3).copy()
    frame["payload"] = [json.dumps({"n": n}).encode() for n in range(3)]
    multiplayer = frame.gdlab.multiplayer()
    assert "no packet of SceneMultiplayer in 3 rows: " in repr(multiplayer)
    assert "no ENet" in repr(multiplayer)
    assert multiplayer.summary()["method"].to_list() == ["unreadable"]
    for empty in (multiplayer.packets, multiplayer.calls, multiplayer.sync(), multiplayer.round_trips()):
        assert len(empty) == 0
    assert len(multiplayer.findings()) == 0
    assert "no packet" in multiplayer._repr_html_()
    nothing = frame.head(0).gdlab.multiplayer()
    assert len(nothing.wire()) == len(nothing.losses()) == len(nothing.connections) == 0
    assert len(nothing.summary()) == 0


def test_rows_name_their_place_in_the_users_own_table() -> None:
    frame = table("hog_profiled")[FIVE]
    mixed = pd.concat([frame.iloc[:5], frame]).iloc[::-1].reset_index(drop=True)
    mixed = mixed.assign(event="message", detail="")
    mixed.loc[7, "event"] = "error"
    multiplayer = mixed.gdlab.multiplayer(project=PROJECT)
    call = multiplayer.calls.iloc[-1]
    assert bytes(mixed["payload"].iloc[call["row"]]).endswith(
        multiplayer.view.packets.payload[call.name][-8:]
    )
    assert (multiplayer.wire()["command"] == "unreadable").sum() == 1


def test_a_summary_can_be_made_by_other_columns() -> None:
    multiplayer = table("crowd_profiled")[FIVE].gdlab.multiplayer(project=PROJECT)
    by_sender = multiplayer.summary("sender", overhead=False)
    assert by_sender["wire_bytes"].sum() == multiplayer.packets["wire_bytes"].sum()
    assert 1 in set(by_sender["sender"])
    with pytest.raises(ValueError, match="can be made by"):
        multiplayer.summary("colour")


def test_a_packet_is_explained_by_its_number_or_by_its_row() -> None:
    multiplayer = table("hog_profiled")[FIVE].gdlab.multiplayer(project=PROJECT)
    row = multiplayer.calls.iloc[0]
    assert str(multiplayer.explain(row)) == str(multiplayer.explain(int(row.name)))
    assert "Main/Game/World.state" in str(multiplayer.explain(row))
    assert "<table>" in multiplayer.explain(row)._repr_html_()
    with pytest.raises(KeyError, match="no packet 100000"):
        multiplayer.explain(100000)


def test_pictures_show_shares_and_the_ladder() -> None:
    multiplayer = table("hog_profiled")[FIVE].gdlab.multiplayer(project=PROJECT)
    axes = multiplayer.plot.shares()
    assert [text.get_text() for text in axes.get_yticklabels()][:2] == ["World.state", "Player.move"]
    widths = [patch.get_width() for patch in axes.patches]
    assert sum(widths) == pytest.approx(multiplayer.summary().head(12)["wire_bytes"].sum())
    ladder = multiplayer.plot.ladder()
    words = [text.get_text() for text in ladder.texts]
    assert "World.state(<240 bytes>)" in words


def test_a_live_capture_is_dissected_as_it_is_now() -> None:
    frame = table("hog_profiled")
    payloads = list(frame["payload"][frame["direction"] == "in"])[:40]
    with gd.listen("udp://127.0.0.1:0") as capture:
        sender = gd.connect(capture.addresses[0])
        with sender:
            for data in payloads:
                sender.send(data)
            wait_until(lambda: len(capture) >= 40)
        assert len(capture.multiplayer(project=PROJECT).calls) > 10


def test_a_file_for_wireshark_keeps_the_names_of_packets(tmp_path: Path) -> None:
    multiplayer = table("hog_profiled")[FIVE].gdlab.multiplayer(project=PROJECT)
    again = gd.load(multiplayer.to_pcapng(tmp_path / "game.pcapng"))
    named = again.df["detail"][again.df["detail"] != ""]
    assert len(named) == multiplayer.packets["row"].nunique()
    assert named.str.startswith("World.state(<240 bytes>) (571557132 to 1)").sum() == 120
    assert len(again.multiplayer(project=PROJECT).calls) == 204


def test_any_capture_of_such_a_game_keeps_the_names_in_a_file_for_wireshark(tmp_path: Path) -> None:
    capture = gd.load(RUNS["pcap_enet"] / "lo.pcap")
    by_number = gd.load(capture.to_pcapng(tmp_path / "numbers.pcapng")).df["detail"]
    assert by_number.str.startswith("World.#").sum() > 50
    calls = capture.multiplayer(project=PROJECT).calls
    named = gd.load(capture.to_pcapng(tmp_path / "names.pcapng")).df["detail"]
    assert named.str.startswith("World.state(<120 bytes>) (").sum() == (calls["method"] == "state").sum() > 50
    sample = gd.sample("mp-hog")
    told = gd.load(sample.to_pcapng(tmp_path / "sample.pcapng"))
    assert told.df["detail"].str.startswith("World.state(").sum() > 50
    assert list(told.df["payload"]) == list(sample.df["payload"])
    # Another program's datagrams are no calls, whatever their bytes are.
    other = gd.sample("udp-60fps")
    assert (gd.load(other.to_pcapng(tmp_path / "other.pcapng")).df["detail"] == other.df["detail"]).all()


@pytest.mark.slow
def test_both_legs_of_a_relay_are_one_connection_and_tell_what_it_lost() -> None:
    frame = table("hog_profiled")
    payloads = list(frame["payload"][frame["direction"] == "in"])[:120]
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        server.bind(("127.0.0.1", 0))
        to = f"udp://127.0.0.1:{server.getsockname()[1]}"
        with gd.relay("udp://127.0.0.1:0", to=to, up=gd.Link(loss=0.2), seed=3) as relay:
            port = int(relay.addresses[0].rpartition(":")[2])
            for data in payloads:
                client.sendto(data, ("127.0.0.1", port))
            wait_until(lambda: len(relay.truth) == len(payloads))
            lost = int((relay.truth["fate"] == "loss").sum())
            wait_until(lambda: len(relay.df.query("event == 'message'")) >= 2 * len(payloads) - lost)
            multiplayer = relay.multiplayer(project=PROJECT)
    (connection,) = multiplayer.connections.to_dict("records")
    assert (connection["client"], connection["places"]) == (571557132, "2")
    datagrams = multiplayer.losses().query("mode == 'datagram'")
    assert datagrams["lost_behind"].sum() == lost > 5
    calls = multiplayer.calls
    assert 0 < calls["arrived"].isna().sum() <= lost
