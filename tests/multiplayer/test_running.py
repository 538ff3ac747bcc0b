"""Sums that follow the traffic agree with those of the whole."""

from __future__ import annotations

import pytest

from gdlab.capture.multiplayer import Multiplayer
from gdlab.multiplayer import running
from gdlab.multiplayer.dissector import Row
from gdlab.multiplayer.running import Running
from tests.multiplayer.golden import names, table


def rows(name: str) -> list[tuple[int, Row]]:
    frame = table(name)
    times = frame["time"].astype("int64")
    return [
        (int(when), Row(endpoint, peer, way == "out", data))
        for when, endpoint, peer, way, data in zip(
            times, frame.endpoint, frame.peer, frame.direction, frame.payload, strict=True
        )
    ]


@pytest.mark.parametrize("name", ["hog_profiled", "big_enet", "three_ws", "lossy_enet", "spawner_enet"])
def test_sums_of_pieces_are_those_of_the_whole(name: str) -> None:
    follower, given = Running(names()), rows(name)
    for at in range(0, len(given), 37):
        follower.feed(given[at : at + 37])
    whole = Multiplayer(table(name), names=names())
    calls = whole.summary(overhead=False).query("kind == 'rpc'")
    found = {(total.path, total.method): total for total in follower.totals() if total.kind == "rpc"}
    assert {(row.path, row.method): row.calls for row in calls.itertuples()} == {
        key: total.calls for key, total in found.items()
    }
    assert {(row.path, row.method): row.wire_bytes for row in calls.itertuples()} == {
        key: total.wire_bytes for key, total in found.items()
    }
    if not name.endswith("_ws"):  # an end that is not complete is in the whole only
        assert sum(total.wire_bytes for total in follower.totals()) == whole.view.units["wire"].sum()
    assert follower.packets == len(whole.packets)
    assert follower.label(follower.recent[-1])


def test_spawned_nodes_are_called_by_their_names() -> None:
    follower = Running(names())
    follower.feed(rows("spawner_enet"))
    told = {(total.kind, total.path) for total in follower.totals()}
    assert {("spawn", "Ball1"), ("sync", "Ball1"), ("despawn", "Ball0")} <= told


def test_what_takes_too_long_waits_and_is_not_lost() -> None:
    follower, given = Running(names()), rows("range_enet")
    follower.feed(given, budget_s=0.0)
    assert 0 < follower.waiting < len(given)
    while follower.waiting:
        follower.feed([], budget_s=0.0)
    assert follower.packets == len(Multiplayer(table("range_enet")).packets)


def test_memory_is_bounded_and_sums_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "KEPT_UNITS", 50)
    follower, given = Running(names()), rows("hog_profiled")
    for at in range(0, len(given), 20):
        follower.feed(given[at : at + 20])
    total = next(total for total in follower.totals() if total.method == "state")
    assert total.calls == 120
    monkeypatch.setattr(running, "MAX_WAITING", 10)
    late = Running()
    late.feed(given, budget_s=0.0)
    assert late.skipped == len(given) - 10
