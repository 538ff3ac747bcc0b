from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gdlab import analysis
from tests.traffic import PEER, merged, ping, pings, pong, table

MS = 1_000_000


@pytest.mark.parametrize("echo", [False, True])
def test_round_trips_are_exactly_the_time_between_ping_and_answer(echo):
    sent = np.arange(50) * 20 * MS
    rtt = np.random.default_rng(0).integers(1, 300 * MS, 50)  # answers overtake each other
    trips = analysis.round_trips(pings(sent, rtt, echo=echo))
    assert trips["seq"].tolist() == list(range(50))
    assert np.allclose(trips["rtt_ms"] * MS, rtt, atol=0.5)
    assert (trips["outcome"] == "answered").all()
    assert (trips["answers"] == 1).all()
    assert (trips["peer"] == PEER).all()


def test_lost_pings_stay_and_late_ones_are_pending_until_the_timeout():
    trips = analysis.round_trips(pings([0, 1000 * MS, 4000 * MS], [-1, 5 * MS, -1]), timeout_s=2)
    assert trips["outcome"].tolist() == ["lost", "answered", "pending"]
    assert trips["rtt_ms"].isna().tolist() == [True, False, True]


def test_an_answer_after_the_timeout_still_is_one():
    trips = analysis.round_trips(pings([0], [5000 * MS]), timeout_s=1)
    assert trips["outcome"].tolist() == ["answered"]
    assert trips["rtt_ms"].tolist() == [5000]


def test_a_duplicated_answer_counts_once_and_is_told():
    t = table([0, 5 * MS, 9 * MS], [ping(1, 7), pong(1, 7), pong(1, 7)], direction=["out", "in", "in"])
    trips = analysis.round_trips(t)
    assert trips["rtt_ms"].tolist() == [5]
    assert trips["answers"].tolist() == [2]


def test_the_games_own_pings_are_not_ours():
    t = table(
        [0, MS, 2 * MS, 3 * MS], [ping(1, 7), ping(1, 7), ping(2, 9), pong(2, 9)], direction=["in", "out"] * 2
    )
    assert len(analysis.round_trips(t)) == 0


def test_peers_and_endpoints_do_not_answer_for_each_other():
    whole = merged(
        table([0], ping(1, 7), direction="out", peer="a"),
        table([5 * MS], pong(1, 7), peer="b"),
        table([6 * MS], pong(1, 7), peer="a", endpoint="udp://[::1]:1"),
    )
    assert analysis.round_trips(whole)["rtt_ms"].isna().all()


def test_a_repeated_ping_is_a_ping_of_its_own():
    t = table([0, 3 * MS, 10 * MS, 12 * MS], [ping(1, 7), pong(1, 7)] * 2, direction=["out", "in"] * 2)
    assert analysis.round_trips(t)["rtt_ms"].tolist() == [3, 2]


def test_what_the_answerer_held_is_told_and_not_subtracted():
    t = table([0, 20 * MS], [ping(1, 7), pong(1, 7, r_us=1000, s_us=16500)], direction=["out", "in"])
    trips = analysis.round_trips(t)
    assert trips["rtt_ms"].tolist() == [20]
    assert trips["turnaround_ms"].tolist() == [15.5]


@pytest.mark.parametrize(
    "answer",
    [
        b'{"probe":"pong","seq":17,"t_us":123456789}',  # Godot's JSON.stringify
        b'{"probe":"pong","seq":17.0,"t_us":123456789.0}',  # after JSON.parse_string
        b'{"probe":"pong","r_us":5,"s_us":6,"seq":17,"t_us":123456789}',
        b'{"probe": "pong", "t_us": 123456789, "seq": 17, "hello": "world"}',
        b'{"probe": "pong", "seq": 17, "t_us": 1.23456789e8}',
    ],
)
def test_answers_are_understood_however_their_json_is_written(answer):
    t = table([0, MS], [ping(17, 123456789), answer], direction=["out", "in"])
    assert analysis.round_trips(t)["rtt_ms"].tolist() == [1]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b'{"probe"',
        b'{"probe": "ping", "seq": 1}                     ',
        b'{"probe": "ping", "seq": "1", "t_us": 123456789}',
        b'{"probe": "ping", "seq": 1.5, "t_us": 123456789}',
        b'{"probe": "ping", "seq": true, "t_us": 123456789}',
        b'{"probe": "ping", "seq": NaN, "t_us": 123456789}',
        b'{"probe": "ping", "seq": Infinity, "t_us": 12345}',
        b'{"probe": "pang", "seq": 1, "t_us": 123456789}',
        b'{"probe": ["ping"], "seq": 1, "t_us": 123456789}',
        b'{"probe": "ping", "seq": 99999999999999999999999999, "t_us": 1}',
        b'{"probe": "ping", "seq": 1, "t_us": 123456789}\xff\xfe',
        b'{"probe": "ping", "seq": 1,\n "t_us": 123456789',
        b'{"probe": "ping", ' + b"[" * 200,
        b'{"probe"' + b"x" * 60_000,
        b"\x00" * 40,
    ],
)
def test_what_is_no_probe_is_left_alone(payload):
    t = table([0, MS, 2 * MS], [payload, ping(1, 2), pong(1, 2)], direction=["out", "out", "in"])
    assert analysis.round_trips(t)["rtt_ms"].tolist() == [1]


def test_empty_tables_give_empty_results_of_the_same_dtypes():
    full = pings([0], [1])
    for measure in (analysis.round_trips, analysis.response_times, analysis.probes):
        for nothing in (table(), table([0], b"", event="open")):
            assert len(measure(nothing)) == 0
            assert measure(nothing).dtypes.astype(str).to_dict() == measure(full).dtypes.astype(str).to_dict()


@pytest.mark.slow
def test_round_trips_of_generated_traffic_are_the_truth_on_200_seeds():
    parts, truth = [], {}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 100))
        sent = np.sort(rng.choice(10_000 * MS, n, replace=False))
        rtt = np.where(rng.random(n) < 0.1, -1, rng.integers(0, 400 * MS, n))
        truth[f"{seed}"] = rtt
        parts.append(pings(sent, rtt, peer=f"{seed}", echo=bool(rng.integers(2))))
        again = rng.choice(np.flatnonzero(rtt >= 0), min(3, int((rtt >= 0).sum())), replace=False)
        answers = [pong(i, sent[i] // 1000) for i in again]
        parts.append(table(sent[again] + rtt[again] + 1, answers, peer=f"{seed}"))  # duplicated on the way
        noise = int(rng.integers(0, 20))
        parts.append(table(rng.integers(0, 10_000 * MS, noise), rng.bytes(33), peer=f"{seed}"))
    trips = analysis.round_trips(merged(*parts).sample(frac=1, random_state=0))
    assert trips["time"].is_monotonic_increasing
    assert trips["answers"].sum() - trips["rtt_ms"].notna().sum() == sum(
        min(3, (r >= 0).sum()) for r in truth.values()
    )
    found = dict(iter(trips.groupby("peer", observed=True)))
    for peer, rtt in truth.items():
        got = found[peer].sort_values("seq")["rtt_ms"]
        assert np.allclose(got * MS, np.where(rtt < 0, np.nan, rtt), atol=0.5, equal_nan=True), peer


def test_response_times_pair_an_outgoing_message_with_the_next_incoming_one():
    t = table([0, 3 * MS, 10 * MS, 11 * MS], [b"?", b"!"] * 2, direction=["out", "in"] * 2)
    responses = analysis.response_times(t)
    assert responses["response_ms"].tolist() == [3, 1]
    assert responses["prompted"].tolist() == [1, 1]


def test_a_peer_that_speaks_unasked_has_no_response_times():
    asked = table([0, 100 * MS], b"?", direction="out")
    streaming = table(np.arange(60) * 16 * MS + 1, b"state")
    assert len(analysis.response_times(merged(asked, streaming))) == 0


def test_a_measure_never_changes_its_table():
    t = pings(np.arange(10) * MS, np.full(10, 5 * MS))
    before = t.copy(deep=True)
    for measure in (
        analysis.round_trips,
        analysis.response_times,
        analysis.rates,
        analysis.inter_arrival,
        analysis.jitter,
    ):
        measure(t)
    pd.testing.assert_frame_equal(t, before)


def test_a_payload_column_and_a_column_of_objects_say_the_same():
    payloads = pytest.importorskip("gdlab.payloads")
    rng = np.random.default_rng(5)
    t = merged(
        pings(np.arange(300) * 20 * MS, np.where(rng.random(300) < 0.1, -1, rng.integers(1, 9 * MS, 300))),
        table(rng.integers(0, 6000 * MS, 300), b"noise of the same size as a probe, nearly", peer="b"),
    )
    column = payloads.PayloadArray._from_sequence(t["payload"].to_numpy())
    with_column = t.assign(payload=column)
    for measure in (
        analysis.round_trips,
        analysis.probes,
        analysis.jitter,
        analysis.sequence,
        analysis.findings,
    ):
        pd.testing.assert_frame_equal(measure(with_column), measure(t))
    empty = table().assign(payload=payloads.PayloadArray._from_sequence([]))
    assert len(analysis.round_trips(empty)) == 0
