"""Two runs in one picture: each with its name, beginning at zero, with the numbers it has alone."""

from __future__ import annotations

import numpy as np
import pytest

import gdlab as gd
from gdlab import codecs
from tests.traffic import table


@pytest.fixture(scope="module")
def runs():
    return {"60 fps": gd.sample("udp-60fps"), "30 fps": gd.sample("udp-30fps")}


def names(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def drawn(ax, name):
    """The line that the legend calls so."""
    at = names(ax).index(name)
    look = ax.get_legend().legend_handles[at].get_color()
    (line,) = [line for line in ax.lines if line.get_color() == look and len(line.get_xdata())]
    return line


@pytest.mark.parametrize(
    "picture", ["latency", "jitter", "histogram", "percentiles", "rates", "sequence", "frame_phase"]
)
def test_each_run_is_named_in_the_legend(runs, picture):
    told = " ".join(names(getattr(gd.overlay(runs).plot, picture)()))
    assert "60 fps" in told
    assert "30 fps" in told


@pytest.mark.parametrize("picture", ["timeline", "overhead"])
def test_each_run_has_lanes_or_bars_of_its_own(runs, picture):
    same = {name: run.df.assign(endpoint="udp://127.0.0.1:4242") for name, run in runs.items()}
    labels = [
        text.get_text() for text in getattr(gd.overlay(same).plot, picture)(probes=True).get_yticklabels()
    ]
    for name in runs:
        assert any(label.startswith(name) for label in labels)


def test_each_run_is_folded_on_its_own_frames_and_numbered_alone(runs):
    told = names(gd.overlay(runs).plot.frame_phase())
    assert told == ["60 fps, 60.0 Hz", "30 fps, 30.0 Hz"]
    ax = gd.overlay(runs).plot.sequence()
    for name, run in runs.items():
        numbers = run.numbered()
        assert max(drawn(ax, name).get_ydata()) == numbers["seq"].max()


def test_each_run_begins_at_zero_and_has_its_own_values(runs):
    ax = gd.overlay(runs).plot.latency()
    assert ax.get_xlabel() == "time (s)"
    for name, run in runs.items():
        trips = run.round_trips().dropna(subset="rtt_ms")
        line = drawn(ax, name)
        assert np.sort(line.get_ydata()) == pytest.approx(np.sort(trips.rtt_ms))
        begins = (trips.time.min() - run.df.time.min()).total_seconds()
        assert min(line.get_xdata()) == pytest.approx(begins)


def test_measures_tell_the_runs_apart(runs):
    found = gd.overlay(runs).round_trips().groupby("peer", observed=True).rtt_ms.median()
    for name, run in runs.items():
        assert found[name] == run.round_trips().rtt_ms.median()


def test_fields_are_decoded_as_each_run_reads_them():
    old = table([0, 1_000_000_000], [b"\x01\x05", b"\x01\x06"], peer="127.0.0.1:1")
    codecs.remember(old, "<B type, B hp")
    new = table([5_000_000_000, 6_000_000_000], [b'{"hp": 7}', b'{"hp": 8.5}'], peer="127.0.0.1:2")
    ax = gd.overlay(old=old, new=new).plot.field("v.hp")
    assert list(drawn(ax, "old").get_ydata()) == [5, 6]
    assert list(drawn(ax, "new").get_ydata()) == [7, 8.5]
    assert list(drawn(ax, "new").get_xdata()) == [0, 1]


def test_peers_of_a_run_with_several_keep_their_names():
    several = table([0, 1, 2], peer=["127.0.0.1:1", "127.0.0.1:2", ""])
    found = gd.overlay(a=several, b=table([9], peer="127.0.0.1:3")).df
    assert found.peer.tolist() == ["a: 127.0.0.1:1", "b", "a: 127.0.0.1:2", ""]


def test_one_run_is_no_overlay(runs):
    with pytest.raises(ValueError, match="two runs at least, and 1 was given"):
        gd.overlay(only=runs["60 fps"])


def test_a_run_without_a_name_is_told_how_to_get_one(runs):
    with pytest.raises(TypeError, match="before=run1, after=run2"):
        gd.overlay(runs["60 fps"])
