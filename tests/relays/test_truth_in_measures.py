"""Measures that are given a relay use what it knows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab import analysis, plots
from gdlab.analysis.arrivals import GAIN
from gdlab.files import truth_path
from tests.relays.games import numbered, udp_client
from tests.waiting import wait_until

ROUGH = gd.Link(delay_ms=20, jitter_ms=10, loss=0.05, rate_kbps=40, queue_ms=100, duplicate=0.05)


@pytest.fixture(scope="module")
def ride():
    return gd.relay.through(gd.sample("player-60hz"), up=ROUGH, seed=7)


def first_fates(truth: pd.DataFrame) -> pd.Series:
    return truth[truth["copy"] == 0].set_index("n")["fate"].astype(str)


def test_where_lost_names_each_fate(ride) -> None:
    parts = analysis.where_lost(ride.client, ride.server, relay=ride, seq="v.seq").set_index("place")
    truth = ride.truth
    passed = set(truth[truth.fate == "passed"].n)
    gone = first_fates(truth)[lambda fates: ~fates.index.isin(passed)]
    assert parts.index.tolist() == ["sender to relay", "relay: loss", "relay: queue", "relay to receiver"]
    assert parts.lost["relay: loss"] == (gone == "loss").sum() > 0
    assert parts.lost["relay: queue"] == (gone == "queue").sum() > 0
    assert parts.lost["sender to relay"] == parts.lost["relay to receiver"] == 0
    assert parts.entered["relay: queue"] == len(truth.n.unique()) - parts.lost["relay: loss"]


@pytest.mark.slow
def test_of_several_streams_the_relays_is_the_one_with_the_senders_numbers() -> None:
    """A relay with answers has the numbers both ways, of which the table alone cannot tell which is meant."""
    found = gd.course.mystery(66, canned=True)
    table = gd.sample("udp-drained")
    both = gd.relay.through(table, up=gd.Link(delay_ms=5), down=gd.Link(loss=0.2), seed=3)
    parts = analysis.where_lost(both.server, both.client, relay=both, seq="v.n").set_index("place")
    truth = both.truth
    lost = ((truth.way == "down") & (truth.fate == "loss")).sum()
    assert parts.lost["relay: loss"] == lost > 20
    with pytest.raises(ValueError, match="the one between these two"):
        analysis.where_lost(
            found.client.df.assign(**{"v.n": np.arange(len(found.client.df)) + 10**6}),
            found.server,
            relay=both,
            seq="v.n",
        )


@pytest.mark.slow
def test_findings_of_a_json_game_name_the_relay_without_being_told_the_field(ride) -> None:
    found = ride.server.findings(sender=ride.client, relay=ride)
    what = found[found.rule == "lost-where"].what.iloc[0]
    assert "in the relay, by its link's loss" in what
    assert "the queue before its bottleneck was full" in what


def test_a_relays_own_delay_needs_no_second_clock(ride) -> None:
    delays = analysis.one_way_delay(ride)
    passed = ride.truth[ride.truth.fate == "passed"].sort_values("sent", kind="stable")
    wanted = passed[["queue_ms", "serial_ms", "delay_drawn_ms", "order_ms"]].sum(axis=1)
    np.testing.assert_allclose(delays.delay_ms, wanted, atol=1e-5)
    assert (delays.error_ms == 0).all()
    assert delays.time.tolist() == passed.sent.tolist()


def test_jitter_of_a_relay_is_that_of_its_true_delays(ride) -> None:
    delay = analysis.one_way_delay(ride).delay_ms.to_numpy()
    wanted = [0.0]
    for step in np.abs(np.diff(delay)):
        wanted.append(wanted[-1] + (step - wanted[-1]) * GAIN)
    shown = analysis.jitter(ride).jitter_ms
    np.testing.assert_allclose(shown.iloc[1:], wanted[1:], atol=1e-3)


@pytest.mark.slow
def test_a_live_relay_and_what_it_saves_tell_the_same(tmp_path) -> None:
    with (
        gd.listen("udp://127.0.0.1:0") as server,
        gd.relay("udp://127.0.0.1:0", to=server.addresses[0], up=gd.Link(loss=0.1, delay_ms=2), seed=7) as px,
        udp_client(px) as client,
    ):
        for number in range(300):
            client.send(numbered(number))
        px.wait_sync(300)
        passed = int((px.truth.fate == "passed").sum())
        server.wait_sync(passed)
        wait_until(lambda: len(px.df) == 300 + passed)
        px.stop()
        path = px.to_csv(tmp_path / "run.csv")
        table, truth = px.with_truth()
        found = server.findings(seq="v.seq", relay=px, sender=px)
    assert truth.row_in.notna().all()
    assert (truth.row_out.notna() == (truth.fate == "passed")).all()
    assert table.payload.iloc[truth.row_in.astype(int)].tolist() == [numbered(n) for n in truth.n]
    again = gd.load(path)
    pd.testing.assert_frame_equal(
        again.truth, truth, check_categorical=False, check_dtype=False, check_exact=False, rtol=1e-6
    )
    assert again.findings().rule.tolist()[0] == "relay-not-network"
    pd.testing.assert_frame_equal(
        analysis.one_way_delay(again), analysis.one_way_delay(px), check_categorical=False
    )
    assert isinstance(found, pd.DataFrame)
    assert gd.load(tmp_path).df.shape == again.df.shape  # the truth beside it is no capture


def test_a_damaged_truth_is_named(tmp_path) -> None:
    path = gd.relay.through(gd.sample("player-60hz")).to_csv(tmp_path / "run.csv")
    assert gd.load(path).truth is None
    truth_path(path).write_text("way,client\nup,one\n")
    with pytest.raises(gd.GdlabError, match="should be the truth of a relay"):
        _ = gd.load(path).truth


def test_the_pictures_have_every_packet(ride) -> None:
    truth = ride.truth
    held = ride.plot.truth()
    passed = truth[truth.fate == "passed"]
    shown = held.lines[0].get_xydata()
    assert len(shown) == len(passed)
    assert shown[:, 1].max() == pytest.approx((passed.sent - passed.time).dt.total_seconds().max() * 1e3)
    words = [text.get_text() for text in held.get_legend().get_texts()]
    for fate in ("loss", "queue"):
        count = ((truth.fate == fate) & (truth["copy"] == 0)).sum()
        assert f"{fate} ({count})" in words
    diagonal = ride.plot.truth(kind="diagonal").lines[0].get_xydata()
    np.testing.assert_allclose(diagonal[:, 0], diagonal[:, 1])  # nothing here is late
    assert ride.plot.truth(kind="queue").lines[0].get_ydata().max() == truth.backlog_bytes.max() > 0
    with pytest.raises(ValueError, match="only a relay knows"):
        plots.truth(gd.sample("player-60hz"))
    with pytest.raises(ValueError, match="there are 'time'"):
        plots.truth(ride, kind="pie")
