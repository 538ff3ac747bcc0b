"""What users write, as a type checker sees it; mypy reads this file, and the test beside it looks for `Any`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import pandas as pd

import gdlab as gd
from gdlab import analysis, plots

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def listening() -> None:
    cap = gd.listen("udp://127.0.0.1:4242", reply=b"pong", ping=0.1, limit="64MiB")
    assert_type(cap, gd.Capture)
    assert_type(cap.df, pd.DataFrame)
    assert_type(cap.port, int)
    assert_type(len(cap), int)
    assert_type(cap.wait_sync(10, timeout=1), gd.Capture)
    assert_type(cap.send(["CHAT", 1]), int)
    assert_type(cap.to_csv("run.csv"), Path)
    cap.stop()


def answering(message: gd.Message) -> bytes | None:
    assert_type(message.payload, bytes)
    return None if message.text == "quiet" else message.payload


def replying() -> gd.Capture:
    return gd.listen("ws://127.0.0.1:5000", reply=answering)


async def waiting(cap: gd.Capture) -> None:
    assert_type(await cap.wait(100), gd.Capture)


def measuring(cap: gd.Capture, run: gd.Recording, table: pd.DataFrame) -> None:
    assert_type(cap.rates(bin_s=0.5, by=("peer",)), pd.DataFrame)
    assert_type(run.sequence(seq="v.seq", bits=16), pd.DataFrame)
    assert_type(cap.frame_rate(), analysis.FrameRate | None)
    assert_type(analysis.jitter(run, sent="v.t_us"), pd.DataFrame)
    assert_type(analysis.measures(table), pd.DataFrame)
    assert_type(cap.compare(run), pd.DataFrame)
    assert_type(analysis.compare(cap, table, seq="v.seq"), pd.DataFrame)
    cap.rates(bins=3)  # type: ignore[call-arg]  # a misspelt argument is an error before the cell runs
    analysis.rates("run.csv")  # type: ignore[arg-type]


def drawing(cap: gd.Capture) -> None:
    axes: Axes = cap.plot.rates(bin_s=0.1)
    assert_type(plots.latency(cap, axes), "Axes")


def loading() -> None:
    run = gd.load("run.csv")
    assert_type(run, gd.Recording)
    assert_type(run.path, Path)
    assert_type(gd.sample(), pd.DataFrame)
    assert_type(gd.sample("udp-60fps"), gd.Recording)
    assert_type(gd.stop_all(), int)
    gd.dashboard(run)


def impairing() -> None:
    link = gd.Link(delay_ms=50)
    assert_type(link.with_({"delay_ms": 80}), gd.Link)
    assert_type(link.as_json(), dict[str, object])
    gd.Ramp(5, delay_ms=200)
    gd.Ramp("5", delay_ms=200)  # type: ignore[arg-type]


def relaying(cap: gd.Capture, run: gd.Recording) -> None:
    px = gd.relay(
        "udp://127.0.0.1:4242", to="udp://127.0.0.1:4243", scenario=[(0, "4g-good"), (10, gd.Outage(1.5))]
    )
    assert_type(px.df, pd.DataFrame)
    assert_type(gd.merge(cap, run), analysis.Merged)
    cap.multiplayer(names={"Main/Game": ["hello", "tick"]})
    cap.multiplayer(names=7)  # type: ignore[arg-type]


def preparing(cap: gd.Capture, run: gd.Recording) -> None:
    assert_type(gd.relay.presets(), pd.DataFrame)
    gd.relay.through(run, "4g-good", seed=3)
    gd.relay.through(run, speed=3)  # type: ignore[call-arg]
    gd.widgets.MessageTable(run, codec="json")
    gd.widgets.TimelinePanel(cap).mark("2026-01-01", pd.Timestamp(0))
    gd.widgets.MultiplayerTab(gd.relay("udp://127.0.0.1:0", to="udp://127.0.0.1:1"))
    gd.widgets.MessageGrid("run.csv")  # type: ignore[arg-type]
    gd.course.check("02.1", 16.7)
    assert_type(gd.variant.dumps({"seq": 1}), bytes)
