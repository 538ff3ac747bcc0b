"""What real games sent, against what they wrote down themselves."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gdlab.multiplayer.calls import calls
from gdlab.multiplayer.dissector import Dissector, Row
from gdlab.multiplayer.explain import explain
from gdlab.multiplayer.losses import losses
from gdlab.multiplayer.states import TOO_OLD, states
from gdlab.multiplayer.summary import items, overhead, summary
from gdlab.multiplayer.tables import packets
from gdlab.multiplayer.timing import round_trips
from gdlab.multiplayer.view import View
from tests.multiplayer.golden import (
    FOLDER,
    RECORDED,
    RUNS,
    called,
    game_ids,
    key,
    log,
    manifest,
    names,
    table,
)
from tests.some import some
from tests.variant.golden import described, value_of

BOTH = pytest.mark.parametrize("legs", [1, 2], ids=["one-leg", "both-legs"])
EVERY = pytest.mark.parametrize("name", some(RECORDED, every=3))

#: Calls that left no packet although the engine returned 0: nobody has this id. By scenario.
TO_NOBODY = {"modes": 1}
#: Calls thrown away by the sender's throttle, which nothing on the wire repeats.
THROWN_AWAY = {"step_enet": 433, "dip_enet": 51, "lossy_enet": 1, "channels_lossy_enet": 70}
#: The same of states of synchronizers, which are no calls.
STATES_THROWN_AWAY = {"slow_enet": 11}
#: What a debugger made a game call, which the game's own log does not have.
FROM_OUTSIDE = {"inject_enet": 9}


def dissected(frame: pd.DataFrame) -> View:
    """A view of a table."""
    dissector = Dissector()
    rows = zip(frame.endpoint, frame.peer, frame.direction, frame.payload, strict=True)
    dissector.feed(Row(endpoint, peer, way == "out", data) for endpoint, peer, way, data in rows)
    dissector.finish()
    times = frame["time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    return View(dissector, times, names(), list(frame.payload))


@cache
def view_of(name: str, legs: int) -> View:
    """A view of a run; the tests share it."""
    return dissected(table(name, legs=legs))


@EVERY
@BOTH
def test_every_byte_of_every_row_is_in_exactly_one_unit(name: str, legs: int) -> None:
    view, frame = view_of(name, legs), table(name, legs=legs)
    assert view.units["bytes"].sum() == frame.payload.map(len).sum()
    if not name.endswith("_ws"):  # pieces of a stream belong to the message they complete
        per_row = np.bincount(view.units["row"], view.units["bytes"], len(frame))
        assert (per_row == frame.payload.map(len).to_numpy()).all()
        assert view.units["wire"].sum() == frame.payload.map(len).sum() + 28 * len(frame)
    assert not view.dissector.units.notes


@EVERY
@BOTH
def test_calls_are_those_the_games_made(name: str, legs: int) -> None:
    view = view_of(name, legs)
    wanted, found = called(name), Counter[tuple[Any, ...]]()
    table_ = calls(view, packets(view))
    assert (table_["note"] == "").all()
    for row in table_[table_["hop"] != "down"].itertuples():
        arguments: Any = key(row.args)
        if manifest(name)["scenario"] == "big":
            arguments = (row.args[0], len(row.args[1]), hashlib.md5(row.args[1]).hexdigest())
        found[int(row.sender), int(row.receiver), row.path, row.method, arguments] += 1
    missing, extra = wanted - found, found - wanted
    # The engine loses a lone empty PackedByteArray.
    empty = sum(count for call, count in missing.items() if call[4] == key([b""]))
    to_nobody = TO_NOBODY.get(manifest(name)["scenario"], 0)
    assert missing.total() - empty == thrown_away(name, view) + to_nobody
    assert extra.total() - empty == FROM_OUTSIDE.get(name, 0)


def thrown_away(name: str, view: View) -> int:
    """Calls that the sender's throttle threw away: known of our runs; of others the gaps in the numbers must tell."""
    if RUNS[name].parent == FOLDER:
        return THROWN_AWAY.get(name, 0)
    table_ = losses(view)
    return 0 if table_.empty or manifest(name)["scenario"] == "sync" else int(table_["missing_before"].sum())


@EVERY
def test_calls_that_arrived_passed_the_far_leg(name: str) -> None:
    view = view_of(name, 2)
    found = packets(view)
    assert (found["arrived"].isna().sum() == 0) == (not (table(name).fate == "dropped").any())
    assert len(found) == len(packets(view_of(name, 1)))


@EVERY
@BOTH
def test_what_is_missing_was_thrown_away_by_the_sender_or_dropped_on_the_way(name: str, legs: int) -> None:
    frame = table(name, legs=legs)
    fates = frame.fate if legs == 1 else None
    found = losses(view_of(name, legs), fates)
    if name.endswith("_ws"):
        assert found.empty
        return
    if RUNS[name].parent == FOLDER:
        assert found["missing_before"].sum() == THROWN_AWAY.get(name, 0) + STATES_THROWN_AWAY.get(name, 0)
    datagrams = found[found["mode"] == "datagram"]
    assert datagrams["lost_behind"].sum() == (frame.fate == "dropped").sum()
    assert datagrams["seen"].sum() == (
        len(frame) if legs == 1 else (len(frame) + (frame.fate == "dropped").sum()) / 2
    )


def test_bytes_per_method_are_those_of_the_engines_own_profiler() -> None:
    view = view_of("hog_profiled", 1)
    found = summary(items(view, packets(view)), 1.0).set_index("method")["bytes"]
    assert dict(found[["state", "move", "chat"]]) == {"state": 29163, "move": 1480, "chat": 131}


def test_a_broadcast_counts_once_in_the_editor_and_once_a_receiver_on_the_wire() -> None:
    view = view_of("crowd_profiled", 1)
    found = summary(items(view, packets(view)), 1.0, ["method", "sender"])
    state = found[found["method"] == "state"].iloc[0]
    assert (state.calls, state.bytes, state.editor_calls, state.editor_bytes) == (180, 3249, 60, 1083)


def test_deltas_are_never_counted_by_the_editor() -> None:
    view = view_of("toobig_enet", 1)
    found = items(view, packets(view)).query("kind in ('sync', 'delta')")
    assert found["editor_bytes"].sum() == 27760


@EVERY
@BOTH
def test_the_summary_has_every_byte_of_the_nearest_legs(name: str, legs: int) -> None:
    view = view_of(name, legs)
    counted = pd.concat([items(view, packets(view)), overhead(view)])
    total = summary(counted, 1.0)
    assert total["wire_bytes"].sum() == view.units["wire"][view.near].sum()
    assert total["share"].sum() == pytest.approx(1.0)


@EVERY
def test_an_explanation_has_every_byte_of_its_packet_in_order(name: str) -> None:
    view = view_of(name, 1)
    for index in range(0, len(view.packets), 7):
        parts = explain(view, index).parts
        if len(parts) < 1000:
            inner = b"".join(part.data for part in parts if part.layer in {"SceneMultiplayer", "Variant"})
            assert inner == view.packets.payload[index]


@pytest.mark.parametrize("name", ["sync_enet", "shuffled_enet"])
def test_the_last_state_that_the_client_took_is_what_it_has(name: str) -> None:
    view = view_of(name, 2)
    sent = states(view, packets(view))
    passed_over = sent["note"] == TOO_OLD
    # In the one run datagrams overtake each other, in the other they do not.
    assert passed_over.any() == (name == "shuffled_enet")
    assert (sent["note"][~passed_over] == "").all()
    ends = [line for line in log(name) if "end" in line]
    assert ends
    compared = 0
    for end in ends:
        mine = sent[(sent["path"] == f"{end['end']}/Sync") & ~passed_over]
        taken = mine[mine["kind"] == "sync"]
        assert [described(value) for value in taken["values"].iloc[-1]] == [
            described(value_of(end["position"])),
            described(value_of(end["speed"])),
        ]
        until = pd.Timestamp(manifest(name)["t0"] + end["t"], unit="s", tz="UTC")
        arrived = view_packets(name)["delivered"].reindex(taken.index)
        # The frame in which the client wrote its end down may or may not have read the last one.
        assert abs((arrived < until).sum() - end["syncs"]) <= 1
        changed = mine[mine["kind"] == "delta"]
        for column, named in (("changed0", "hp"), ("changed1", "label"), ("changed2", "bag")):
            told = changed[column].dropna()
            value = int(told.iloc[-1]) if column == "changed0" else told.iloc[-1]
            assert described(value) == described(value_of(end[named]))
            compared += 1
    assert compared == 3 * len(ends)


def view_packets(name: str) -> pd.DataFrame:
    """Packets of both legs."""
    return packets(view_of(name, 2))


def test_states_of_spawned_scenes_have_the_names_of_their_properties() -> None:
    sent = states(view_of("spawner_enet", 1), packets(view_of("spawner_enet", 1)))
    ball = sent[(sent["path"] == "Main/Game/Scenes::Ball1/Sync") & (sent["kind"] == "sync")]
    assert set(ball["position.x"]) == {21.0, 22.0}
    turret = sent[sent["path"].astype(str).str.endswith("Tank/TurretSync")]
    assert turret["Turret:rotation"].iloc[-1] == 0.5


def test_round_trips_hold_the_delay_that_was_planted_and_halves_sum_to_the_engines_own() -> None:
    found = round_trips(view_of("lossy_enet", 1))
    half = found.groupby("answered_by", observed=True)["rtt_ms"]
    assert (half.quantile(0.05) >= 30).all()
    whole = half.median().sum()
    own = [line["rtt"] for line in log("lossy_enet") if line.get("info") == "enet"]
    assert abs(whole - np.median(own)) < 10


def test_relayed_calls_name_who_made_them() -> None:
    view = view_of("three_ws", 1)
    found = calls(view, packets(view))
    ids = game_ids(log("three_ws"))
    down = found[found["hop"] == "down"]
    assert set(down["sender"]) <= {ids["client1"], ids["client2"]}
    assert len(down) == (found["hop"] == "up").sum()
    assert (down["packet_bytes"] - down["size"] - down["path_bytes"] == 6).all()


@pytest.mark.parametrize("name", ["rpc_types_enet", "range_enet", "zlib_enet"])
def test_a_checksum_before_the_commands_changes_nothing(name: str) -> None:
    frame = table(name)
    number = log_of_connect(name)
    frame = frame.assign(payload=[with_checksum(data, number) for data in frame.payload])
    view = dissected(frame)
    assert not view.dissector.units.notes
    assert view.units["bytes"].sum() == frame.payload.map(len).sum()
    told, whole = calls(view, packets(view)), calls(view_of(name, 1), packets(view_of(name, 1)))
    assert list(map(key, told["args"])) == list(map(key, whole["args"]))
    assert list(told["method"]) == list(whole["method"])


def log_of_connect(name: str) -> int:
    """The number of the run's connection."""
    return view_of(name, 1).dissector.links[0].connect_id


def with_checksum(data: bytes, connection: int) -> bytes:
    """A datagram as a host with `enet_crc32` sends it: the sum is taken with the connection's number in its place."""
    header = 4 if data[0] & 0x80 else 2
    known = 0 if data[header] & 15 == 2 and not data[0] & 0x40 else connection
    whole = data[:header] + known.to_bytes(4, "big") + data[header:]
    return data[:header] + zlib.crc32(whole).to_bytes(4, "little") + data[header:]


#: Cut at every datagram of every run where the time is given; each day at every one of one run, and at some of others.
EXPLORE = os.environ.get("GDLAB_EXPLORE") == "1"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", RECORDED if EXPLORE else ["late_enet", "rpc_modes_enet", "three_ws", "spawner_enet"]
)
def test_a_capture_cut_at_any_datagram_is_still_dissected(name: str) -> None:
    frame = table(name)
    sizes = frame.payload.map(len)
    whole = calls(view_of(name, 1), packets(view_of(name, 1)))
    made = Counter(zip(whole["path"], whole["method"], map(key, whole["args"]), strict=True))
    for cut in range(1, len(frame), 1 if EXPLORE or name == "late_enet" else 17):
        for part in (slice(cut), slice(cut, None)):
            view = dissected(frame.iloc[part].reset_index(drop=True))
            assert view.units["bytes"].sum() == sizes.iloc[part].sum()
            found = packets(view)
            told = calls(view, found)
            states(view, found)
            losses(view)
            round_trips(view)
            # What a beginning holds is told as the whole tells it; behind a cut a path may be a number.
            if part.start is None:
                mine = Counter(zip(told["path"], told["method"], map(key, told["args"]), strict=True))
                assert not mine - made or set(told["path"][told["path"].str.startswith("#")])
            elif not name.endswith("_ws"):
                assert Counter(map(key, told["args"])).total() <= made.total()
