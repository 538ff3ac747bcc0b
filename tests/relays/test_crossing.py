"""A recorded session through a network, at once: its captures and its truth are one story."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest

import gdlab as gd
from gdlab import analysis
from gdlab.errors import LinkError, RelayError
from gdlab.impair import Path
from gdlab.relays import TRUTH_SCHEMA, Crossing
from tests.relays.games import arrived

ROUGH = gd.Link(delay_ms=30, jitter_ms=20, loss=0.05, duplicate=0.05, reorder=0.05, reorder_ms=60)


def player() -> gd.Recording:
    return gd.sample("player-60hz")


def test_the_fates_are_those_of_a_live_relay_with_this_seed() -> None:
    ride = gd.relay.through(player(), up=ROUGH, seed=3)
    path = Path(3, ROUGH, gd.Link())
    rows = player().df
    wanted = [
        (copy.n, copy.copy, copy.fate, copy.release)
        for time_ns, size in zip(rows.time.astype("int64"), rows.size_bytes, strict=True)
        for copy in path.arrive(1, "up", time_ns, size)
    ]
    truth = ride.truth.sort_values(["n", "copy"])
    assert [column.name for column in TRUTH_SCHEMA] == truth.columns.tolist()
    assert truth[["n", "copy"]].to_numpy().tolist() == [[n, copy] for n, copy, _, _ in wanted]
    assert (truth.fate == "passed").tolist() == [fate == 0 for _, _, fate, _ in wanted]
    passed = truth[truth.fate == "passed"]
    assert passed.release.astype("int64").tolist() == [at for _, _, fate, at in wanted if fate == 0]
    assert (passed.late_us == 0).all()


def test_what_the_server_gets_is_what_passed() -> None:
    ride = gd.relay.through(player(), up=ROUGH, seed=3)
    passed = ride.truth[ride.truth.fate == "passed"].sort_values("sent", kind="stable")
    payloads = player().df.payload.tolist()
    got = ride.server.df
    assert got.payload.tolist() == [payloads[n] for n in passed.n]
    assert got.time.tolist() == passed.sent.tolist()
    assert ride.client.df.payload.tolist() == payloads
    counted = analysis.sequence(ride.server, seq="v.seq").iloc[0]
    lost = set(range(len(payloads))) - set(passed.n)
    assert counted.lost == len(lost) > 0


def test_rows_of_the_truth_are_rows_of_the_table() -> None:
    ride = gd.relay.through(player(), up=ROUGH, seed=3)
    truth, rows, payloads = ride.truth, ride.df, player().df.payload.tolist()
    assert truth.row_in.notna().all()
    assert (truth.row_out.isna() == (truth.fate != "passed")).all()
    assert rows.payload.iloc[truth.row_in.astype(int)].tolist() == [payloads[n] for n in truth.n]
    out = truth[truth.row_out.notna()]
    assert rows.payload.iloc[out.row_out.astype(int)].tolist() == [payloads[n] for n in out.n]
    assert Counter(out.row_out.tolist()).most_common(1)[0][1] == 1  # no row stands for two copies


def test_each_recorded_peer_is_a_client_with_fates_of_its_own() -> None:
    ride = gd.relay.through(gd.sample("three-players"), up=gd.Link(loss=0.3), seed=5)
    truth = ride.truth
    assert sorted(truth.client.unique()) == [1, 2, 3]
    lost = [
        set(truth[(truth.client == each) & (truth.fate == "loss") & (truth.n < 40)].n) for each in (1, 2, 3)
    ]
    assert len({frozenset(each) for each in lost}) == 3
    assert set(truth.peer) == set(gd.sample("three-players").df.peer)


def test_answers_travel_back() -> None:
    ride = gd.relay.through(gd.sample("udp-60fps"), up=gd.Link(delay_ms=10), down=gd.Link(delay_ms=70))
    delays = (ride.truth.sent - ride.truth.time).dt.total_seconds() * 1e3
    assert delays[ride.truth.way == "up"].round(6).unique().tolist() == [10]
    assert delays[ride.truth.way == "down"].round(6).unique().tolist() == [70]
    assert len(arrived(ride.client)) == (gd.sample("udp-60fps").df.direction == "out").sum()


def test_a_scenario_runs_from_the_first_packet_on() -> None:
    ride = gd.relay.through(player(), scenario=[(2, gd.Outage(1))], up=gd.Link(delay_ms=1))
    cut = ride.truth[ride.truth.fate == "cut"]
    seconds = (cut.time - ride.truth.time.iloc[0]).dt.total_seconds()
    assert len(cut) > 50
    assert 2 <= seconds.min() < seconds.max() < 3


def test_what_cannot_be_sent_through_is_refused_with_the_reason() -> None:
    with pytest.raises(RelayError, match="are no datagrams"):
        gd.relay.through(gd.sample("tcp-json"))
    with pytest.raises(RelayError, match="no message"):
        gd.relay.through(player().df.head(0))
    with pytest.raises(LinkError, match="wifi"):
        gd.relay.through(player(), "wify")


def test_it_shows_itself() -> None:
    ride = gd.relay.through(player(), "wifi", seed=7)
    assert isinstance(ride, Crossing)
    assert "through wifi" in repr(ride)
    assert "11 lost, seed 7" in repr(ride)
    assert "<table" in ride._repr_html_()
    assert "server" in repr(ride.server)
    assert isinstance(ride.server.rates(), pd.DataFrame)
