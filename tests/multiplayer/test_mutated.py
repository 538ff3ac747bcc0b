"""Whatever arrives: nothing raises, every byte is accounted for, and what comes out is bounded by what went in."""

from __future__ import annotations

import pandas as pd
import pytest

from gdlab.capture.multiplayer import Multiplayer
from tests.multiplayer.golden import PROJECT, names, table
from tests.multiplayer.mutated import batches


def survives(frame: pd.DataFrame, *, deep: bool) -> None:
    """Take a table apart; with `deep` make everything that can be made of it."""
    multiplayer = Multiplayer(frame, names=names())
    view = multiplayer.view
    sizes = frame["payload"].map(len)
    assert view.units["bytes"].sum() == sizes.sum()
    assert (view.units["bytes"] >= 0).all()
    # A packet is no larger than its datagrams, which unpack to at most 4096 bytes each.
    assert sum(map(len, view.packets.payload)) <= 4096 * len(frame) + sizes.sum()
    assert len(multiplayer.calls) <= len(multiplayer.packets) <= len(view.units["row"])
    multiplayer.sync()
    if deep:
        total = multiplayer.summary()["wire_bytes"].sum()
        # What only the far leg of a relay saw is counted, too.
        assert view.units["wire"][view.near].sum() <= total <= view.units["wire"].sum()
        for made in (multiplayer.wire(), multiplayer.enet(), multiplayer.round_trips(), multiplayer.losses()):
            assert len(made) <= 40 * len(frame) + 100
        multiplayer.findings()
        assert len(multiplayer.connections) == len(view.connections)
        assert repr(multiplayer)
        assert multiplayer._repr_html_()
        assert len(multiplayer.messages()) == len(multiplayer.packets)
        for index in multiplayer.packets.index[::17]:
            str(multiplayer.explain(int(index)))


@pytest.mark.parametrize("count", [300, pytest.param(6000, marks=pytest.mark.slow)])
def test_damaged_packets_raise_nothing_and_lose_no_byte(count: int) -> None:
    for number, frame in enumerate(batches(17, count, 1500)):
        survives(frame, deep=number % 2 == 0)


def test_a_project_is_not_asked_twice() -> None:
    frame = table("late_enet")
    assert len(Multiplayer(frame, project=PROJECT).calls) == len(Multiplayer(frame, names=names()).calls)
