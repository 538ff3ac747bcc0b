"""Packets stand in the order in which the games got them, whatever order the datagrams came in."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from gdlab.multiplayer.calls import calls
from gdlab.multiplayer.dissector import Dissector, Row
from gdlab.multiplayer.losses import lost_rows
from gdlab.multiplayer.tables import packets
from gdlab.multiplayer.view import View
from tests.multiplayer.golden import RECORDED, game_ids, key, log, manifest, names, table
from tests.multiplayer.test_golden import view_of
from tests.some import some
from tests.variant.golden import value_of

#: Scenarios in which a game writes down each call it gets, and refuses none.
SCENARIOS = {"traffic", "crowd", "hog", "big", "three"}
Sequence = list[tuple[Any, ...]]


def received(name: str) -> dict[tuple[int, int], Sequence]:
    """The calls that games got, in order, by sender and receiver."""
    said = log(name)
    ids = game_ids(said)
    found: dict[tuple[int, int], Sequence] = defaultdict(list)
    for line in said:
        if "got" in line and line["from"] != ids[line["who"]]:  # not what call_local does without a packet
            arguments = key(map(value_of, line["args"])) if "args" in line else line["n"]
            found[line["from"], ids[line["who"]]].append((line["node"], line["got"], arguments))
    return found


def told(name: str, view: View) -> dict[tuple[int, int], Sequence]:
    """The same of a view."""
    found: dict[tuple[int, int], Sequence] = defaultdict(list)
    table_ = calls(view, packets(view))
    for row in table_[(table_["hop"] != "up") & table_["delivered"].notna()].itertuples():
        arguments = row.args[0] if manifest(name)["scenario"] == "big" else key(row.args)
        found[int(row.sender), int(row.receiver)].append((row.path, row.method, arguments))
    return found


PLAYED = [name for name in RECORDED if name.endswith("_enet") and manifest(name)["scenario"] in SCENARIOS]


@pytest.mark.parametrize("name", some([*PLAYED, "crowd_profiled", "hog_profiled"], every=3))
def test_calls_are_delivered_in_the_order_in_which_the_games_got_them(name: str) -> None:
    got, have = received(name), told(name, view_of(name, 2))
    assert got
    # Two clients' calls may come in either order; those of one sender to one receiver may not.
    assert {way: have[way] for way in got} == got


def test_datagrams_that_overtook_each_other_are_put_back() -> None:
    view = view_of("jitter_enet", 2)
    found = packets(view)
    sure = found[(found["mode"] == "reliable").to_numpy()]
    raw = sure[sure["sender"] == 1].sort_values("arrived")
    sequences = view.units["sequence"][np.array(view.packets.unit)[raw.index]]
    assert (np.diff(sequences) < 0).any(), "the capture has them out of order"
    part = sure[(sure["sender"] == 1) & (sure["channel"] == 0)]
    sequences = view.units["sequence"][np.array(view.packets.unit)[part.index]]
    assert (np.diff(sequences) > 0).all()
    assert (part["delivered"] >= part["arrived"]).all()
    assert part["delivered"].is_monotonic_increasing
    late = found[found["delivered"].isna()]
    assert set(late["mode"]) == {"unreliable_ordered"}
    assert len(late) == 10


def test_a_copy_is_what_is_delivered_where_the_first_was_dropped() -> None:
    frame = table("lossy_enet")
    dissector = Dissector()
    rows = zip(frame.endpoint, frame.peer, frame.direction, frame.payload, strict=True)
    dissector.feed(Row(endpoint, peer, way == "out", data) for endpoint, peer, way, data in rows)
    times = frame["time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    view = View(dissector, times, names(), list(frame.payload), gone=lost_rows(frame.fate))
    got, have = received("lossy_enet"), told("lossy_enet", view)
    assert {way: have[way] for way in got} == got
    found = packets(view)
    again = found[(found["mode"] == "reliable") & (found["resent"] > 0)]
    assert (again["delivered"] > again["time"]).sum() > 5
