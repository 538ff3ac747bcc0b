from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gdlab.analysis import frame_rate
from tests.traffic import START_NS, merged, pings, table

DATA = Path(__file__).parents[1] / "data" / "frames"
S = 1_000_000_000


def game(rng, fps, n=400, *, path_s=2e-4, wander_s=0.0, stalls=0):
    """Questions at random moments, answers at the next frame of a loop whose frames wander."""
    sent = np.sort(rng.uniform(0, n / 20, n))
    frames = np.cumsum(1 / fps + wander_s * rng.standard_normal(int(n / 20 * fps * 1.3) + 100)) + rng.uniform(
        0, 1 / fps
    )
    for at in rng.integers(0, len(frames), stalls):
        frames[at:] += 0.05
    ready = sent + path_s / 2
    answered = frames[np.searchsorted(frames, ready)] + rng.exponential(path_s / 2, n)
    return sent, np.maximum(answered - sent, 1e-5)


def found_in(sent, rtt):
    """The finding, from round trips as they are, without the detour over payloads."""
    time = pd.DatetimeIndex(
        (START_NS + (np.asarray(sent) * S).astype(np.int64)).view("datetime64[ns]"), tz="UTC"
    )
    trips = pd.DataFrame({"time": time, "endpoint": "udp://a", "peer": "b", "rtt_ms": np.asarray(rtt) * 1000})
    return frame_rate(table(), trips=trips)


def as_table(sent, rtt, **options):
    return pings((np.asarray(sent) * S).astype(np.int64), (np.asarray(rtt) * S).astype(np.int64), **options)


@pytest.mark.parametrize(("limit", "hz"), [(60, 60), (30, 30), (0, 145)])
def test_the_real_engines_frame_rate_is_found_within_one_percent(limit, hz):
    recorded = pd.read_csv(DATA / f"godot-max-fps-{limit}.csv")
    found = frame_rate(pings(recorded["sent_ns"], recorded["rtt_ns"]))
    assert found is not None
    assert found.hz == pytest.approx(hz, rel=0.01)
    assert found.wait_ms == pytest.approx(found.frame_ms / 2, rel=0.1)
    assert found.path_ms < 1.5
    assert found.share > 0.9
    assert found.chance < 1e-50
    assert found.n == 400


@pytest.mark.slow
def test_a_frame_rate_is_found_on_60_seeds():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        fps = rng.choice([30, 60, 145])
        found = found_in(*game(rng, fps, wander_s=2e-5, stalls=int(rng.integers(0, 5))))
        assert found is not None, seed
        assert found.hz == pytest.approx(fps, rel=0.01), seed


@pytest.mark.slow
def test_nothing_is_found_where_no_frame_delays_on_60_seeds():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        n = 400
        at_random, clocked = np.sort(rng.uniform(0, 20, n)), np.arange(n) / 50 + rng.normal(0, 1e-4, n)
        innocent = {
            "answers at once to questions at random": (at_random, rng.exponential(0.01, n)),
            "a network that delays evenly": (at_random, rng.uniform(0.001, 0.0177, n)),
            "questions at 50 Hz answered at once": (clocked, 1e-4 + rng.exponential(3e-4, n)),
            "questions at 50 Hz on a jittery path": (clocked, rng.exponential(0.01, n)),
            "a constant delay": (at_random, np.full(n, 0.0167)),
        }
        name = list(innocent)[seed % len(innocent)]
        assert found_in(*innocent[name]) is None, (seed, name)


def test_a_plain_50_hz_sender_is_no_frame_rate():
    assert frame_rate(table(np.arange(1000) * S // 50)) is None


def test_questions_on_the_grid_itself_prove_nothing():
    rng = np.random.default_rng(0)
    sent, _ = game(rng, 60)
    sent = np.arange(400) / 20 + 0.004
    rtt = (np.floor(sent * 60) + 1) / 60 - sent + rng.exponential(1e-4, 400)
    assert frame_rate(as_table(sent, rtt)) is None


def test_few_answers_find_nothing():
    rng = np.random.default_rng(0)
    sent, rtt = game(rng, 60)
    assert frame_rate(as_table(sent[:40], rtt[:40])) is None
    assert frame_rate(as_table(sent[:100], rtt[:100])) is not None
    assert frame_rate(table()) is None
    assert frame_rate(as_table(np.zeros(100), np.zeros(100))) is None


def test_each_peer_has_its_own():
    rng = np.random.default_rng(1)
    whole = merged(as_table(*game(rng, 60, 400), peer="a"), as_table(*game(rng, 30, 300), peer="b"))
    assert frame_rate(whole).peer == "a"
    assert frame_rate(whole, peer="b").hz == pytest.approx(30, rel=0.01)
    assert frame_rate(whole, peer="c") is None


def test_lost_answers_do_not_hide_it():
    rng = np.random.default_rng(2)
    sent, rtt = game(rng, 60)
    found = frame_rate(as_table(sent, np.where(rng.random(400) < 0.2, -1, rtt)))
    assert found.hz == pytest.approx(60, rel=0.01)


def test_a_slow_path_before_the_frame_is_told_from_the_wait():
    found = frame_rate(as_table(*game(np.random.default_rng(3), 60, path_s=0.004)))
    assert found.path_ms == pytest.approx(3, abs=1.5)
    assert found.wait_ms == pytest.approx(1000 / 120, rel=0.15)
