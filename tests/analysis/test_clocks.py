from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gdlab import analysis
from gdlab.analysis import clocks
from tests.traffic import PEER, START_NS, merged, ping, pings, pong, table

MS = 1_000_000


def said(seed, *, n=200, offset_us=0, drift_ppm=0.0, ms=(2.0, 2.0), wait_ms=0.0, held=True):
    """Probes of ours, their answers, and messages of a game with another clock: times, payloads, its times, delays.

    `ms` is the least time there and back.
    """
    rng = np.random.default_rng(seed)

    def theirs(ns):
        return ((START_NS + ns) / 1e3 + offset_us + drift_ppm * ns / 1e9).astype(np.int64)

    sent = np.sort(rng.integers(0, 30_000 * MS, n))
    there, back = ((least * MS + rng.exponential(MS, n)).astype(np.int64) for least in ms)
    wait = rng.integers(0, int(wait_ms * MS) + 1, n)
    received, returned = theirs(sent + there), theirs(sent + there + wait)
    asked = [ping(i, s // 1000) for i, s in enumerate(sent)]
    more = [
        {"r_us": r, "s_us": s} if held else {}
        for r, s in zip(received.tolist(), returned.tolist(), strict=True)
    ]
    answers = [pong(i, s // 1000, **m) for i, (s, m) in enumerate(zip(sent, more, strict=True))]
    of_game = np.sort(rng.integers(0, 30_000 * MS, n // 2))
    delay = (ms[1] * MS + rng.exponential(MS, n // 2)).astype(np.int64)
    unknown = np.full(n, np.nan)
    return [
        (sent, asked, unknown, unknown),
        (sent + there + wait + back, answers, unknown, unknown),
        (of_game + delay, [b"state"] * len(of_game), theirs(of_game).astype(float), delay / MS),
    ]


def tables(parts, peers):
    """What several peers said as three tables: our probes, the answers, messages of the game."""
    for role, direction in zip(zip(*parts, strict=True), ("out", "in", "in"), strict=True):
        times, payloads, theirs, truth = zip(*role, strict=True)
        yield table(
            np.concatenate(times),
            [each for some in payloads for each in some],
            peer=[peer for peer, some in zip(peers, times, strict=True) for _ in some],
            direction=direction,
            v__t=np.concatenate(theirs),
            truth=np.concatenate(truth),
        )


def sides(seed, *, peer=PEER, **more):
    """What one peer said, in three tables."""
    return list(tables([said(seed, **more)], [peer]))


@pytest.mark.slow
def test_offset_drift_and_delay_are_within_the_stated_error_on_200_seeds():
    parts, truths = [], {}
    for seed in range(200):
        rng = np.random.default_rng(seed + 1000)
        offset = int(rng.integers(0, 10**9)) - START_NS // 1000  # a game counts from its start
        drift = rng.uniform(-50, 50)
        truths[f"{seed}"] = offset, drift
        more = {"ms": rng.uniform(0.1, 20, 2), "wait_ms": rng.choice([0, 16.7])}
        parts.append(said(seed, n=100, offset_us=offset, drift_ppm=drift, **more))
    whole = merged(*tables(parts, list(truths)))
    found = analysis.clock_offsets(whole).set_index("peer")
    assert len(found) == 200
    assert (found["n"] == 100).all()
    for peer, (offset, drift) in truths.items():
        row = found.loc[peer]
        at_s = (row["time"].value - START_NS) / 1e9
        assert abs(row["offset_us"] - (offset + drift * at_s)) <= row["error_us"], peer
        assert abs(row["drift_ppm"] - drift) <= row["drift_error_ppm"], peer
    ways = analysis.one_way_delay(whole, sent="v.t")
    truth = whole.loc[whole["truth"].notna(), ["time", "peer", "truth"]]
    both = ways.merge(truth, on=["time", "peer"], validate="one_to_one")
    assert len(both) == 200 * 50
    # Two microseconds: the times in the messages are whole ones, and at these sizes floats end at 0.25.
    assert (np.abs(both["delay_ms"] - both["truth"]) <= both["error_ms"] + 0.002).all()


@pytest.mark.parametrize("drift", [-100, 0, 80])
def test_a_drift_that_could_not_be_told_widens_the_error(drift):
    # Six exchanges at the beginning, messages for half a minute after them: only the error can be honest there.
    parts = sides(7, n=400, offset_us=10**6, drift_ppm=drift, ms=(1, 1))
    early = [part[part["time"] < parts[0]["time"].iloc[6]] for part in parts[:2]]
    whole = merged(*early, parts[2])
    row = analysis.clock_offsets(whole).iloc[0]
    assert abs(row["drift_ppm"] - drift) <= row["drift_error_ppm"]
    assert row["drift_error_ppm"] >= 100
    ways = analysis.one_way_delay(whole, sent="v.t")
    assert (
        np.abs(ways["delay_ms"] - parts[2].sort_values("time")["truth"].to_numpy()) <= ways["error_ms"]
    ).all()
    assert ways["error_ms"].iloc[-1] > ways["error_ms"].iloc[0] + 2


FRAME_US = 1e6 / 60
#: Least way there and back, mean and tail of what comes on top, game frame, our frame; in microseconds.
CASES = {
    "LAN": (150, 150, 40, 0, 0, 0),
    "Wi-Fi": (800, 800, 600, 0.05, 0, 0),
    "one machine at 60 fps": (20, 20, 15, 0, FRAME_US, 0),
    "LAN at 60 fps": (150, 150, 40, 0, FRAME_US, 0),
    "60 fps on both ends": (800, 800, 600, 0.05, FRAME_US, FRAME_US),
    "lopsided WAN": (30_000, 10_000, 500, 0, 0, 0),
}


def exchanges(case, seed, offset_us, drift_ppm, n=200, lasted_s=20):
    """Four times of each exchange in microseconds, as the two clocks show them."""
    there, back, more, tail, frame, our_frame = CASES[case]
    rng = np.random.default_rng(seed)

    def way(least):
        return (
            least + rng.exponential(more, n) + np.where(rng.random(n) < tail, rng.exponential(20_000, n), 0)
        )

    def next_frame(at, length, phase):
        return at if not length else np.ceil((at - phase) / length) * length + phase

    sent = np.sort(rng.uniform(0, lasted_s * 1e6, n))
    arrived = sent + way(there)
    # The game reads and answers in its next frame, and takes both times then.
    received = next_frame(arrived, frame, rng.uniform(0, FRAME_US))
    returned = received + rng.uniform(2, 60, n)
    came = next_frame(returned + way(back), our_frame, rng.uniform(0, FRAME_US))

    def theirs(at):
        return np.round(at + offset_us + drift_ppm * at / 1e6).astype(np.int64)

    return (
        np.round(sent).astype(np.int64),
        theirs(received),
        theirs(returned),
        np.round(came).astype(np.int64),
    )


def of_fastest(sent, received, returned, back):
    """The stated error of NTP's way with the fastest of each of 20 parts, which a game's frames make slow."""
    path = (back - sent) - (returned - received)
    offset = ((received - sent) + (returned - back)) / 2.0
    best = np.array([part[np.argmin(path[part])] for part in np.array_split(np.arange(len(sent)), 20)])
    x, y = sent[best] / 1e6, offset[best]
    slope, level = np.polyfit(x, y, 1)
    return float(path[best].max() / 2 + np.abs(y - level - slope * x).max()) + 1.0


def of_peers(*times):
    """What is told of the clocks of several peers by the four times of the exchanges with each; (peers, n) each."""
    peers, n = times[0].shape
    each = np.arange(peers)
    return clocks.Clocks.of(
        pd.DataFrame(index=each), each, np.repeat(each, n), *(some.ravel() for some in times)
    )


@pytest.mark.parametrize("case", CASES)
def test_the_truth_is_always_inside_and_frames_make_the_interval_no_wider(case):
    drawn = [np.random.default_rng(seed + 5000) for seed in range(200)]
    truths = [(float(rng.integers(-(10**9), 10**9)), float(rng.uniform(-80, 80))) for rng in drawn]
    times = [exchanges(case, seed, *truth) for seed, truth in enumerate(truths)]
    found = of_peers(*map(np.stack, zip(*times, strict=True)))
    assert found.told.all()
    now = []
    for seed, (offset, drift) in enumerate(truths):
        line = found.line(seed)
        at = np.linspace(line.first, line.last, 20)
        stated = line.offset_us + line.drift_ppm * (at - line.time) / 1e6
        assert (np.abs(stated - offset - drift * at / 1e6) <= line.error_us).all(), (case, seed)
        assert abs(line.drift_ppm - drift) <= line.drift_error_ppm, (case, seed)
        now.append(line.error_us)
    before = [of_fastest(*each) for each in times]
    if case in ("one machine at 60 fps", "LAN at 60 fps"):
        assert np.mean(now) <= np.mean(before) / 4
    assert np.mean(now) <= 1.05 * np.mean(before)


def test_a_clock_that_was_set_meanwhile_is_not_told():
    sent, received, returned, back = exchanges("LAN", 1, 1000.0, 0.0)
    later = sent > sent[100]
    jump = np.where(later, -500_000, 0)
    pair = [
        np.stack(each) for each in ((sent, sent), (received, received + jump), (returned, returned + jump))
    ]
    assert of_peers(*pair, np.stack((back, back))).told.tolist() == [True, False]


def test_without_an_offset_it_refuses_and_says_what_is_valid():
    unheld = merged(*sides(0, held=False))
    for nothing in (table(), pings([0, MS], [5, 5]), unheld):
        assert len(analysis.clock_offsets(nothing)) == 0
        with pytest.raises(ValueError, match=r"round_trips.*jitter"):
            analysis.one_way_delay(nothing)


def test_an_answer_that_cannot_be_is_left_out():
    sent = np.arange(20) * 100 * MS
    lies = [pong(i, s // 1000, r_us=100, s_us=50) for i, s in enumerate(sent)]
    whole = merged(
        table(sent, [ping(i, s // 1000) for i, s in enumerate(sent)], direction="out"), table(sent + MS, lies)
    )
    assert len(analysis.clock_offsets(whole)) == 0
