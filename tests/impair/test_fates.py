"""Fates belong to packet numbers: not to moments, batches or other stages."""

from __future__ import annotations

import functools
import itertools
import json
from dataclasses import replace
from pathlib import Path as File

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdlab.impair import Also, Copy, Fate, GilbertElliott, Link, Path, settings
from gdlab.impair.streams import CHUNK, Stream
from tests.impair.walk import START_NS, lost, lost_by, through, walk

GOLDEN = File(__file__).parent / "golden.json"
ROUGH = Link(
    delay_ms=40, jitter_ms=10, loss=0.02, burst=3, duplicate=0.01, damage=0.01, reorder=0.01, reorder_ms=12
)


def summary(link: Link) -> dict[str, list[int]]:
    copies = walk(link, 1000, rate=50)
    return {
        "lost": sorted(lost(copies)),
        "copies": [copy.n for copy in copies if copy.copy],
        "damaged": [copy.n for copy in copies if copy.also & Also.DAMAGED],
        "reordered": [copy.n for copy in copies if copy.also & Also.REORDERED],
        "delay_us": [copy.delay // 1000 for copy in copies if copy.fate == Fate.PASSED][::20],
    }


def test_a_thousand_fates_are_those_written_down() -> None:
    golden = json.loads(GOLDEN.read_text())
    assert summary(ROUGH) == golden["rough"]
    assert (
        summary(replace(ROUGH, jitter="gamma", jitter_over_ms=50, burst=None, burst_ms=30))
        == golden["in time"]
    )


def test_any_word_of_a_stream_is_found_alone() -> None:
    together = Stream(7, 1, "up", "loss").span(0, 3 * CHUNK)
    for number in (0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 17):
        assert Stream(7, 1, "up", "loss").at(number) == together[number]
    # The same words that the generator gives one after the other.
    key = Stream(7, 1, "up", "loss")._key
    words = np.random.Philox(key=key).random_raw(3 * CHUNK)
    np.testing.assert_array_equal(together, (words >> np.uint64(11)) * 2.0**-53)


@functools.cache
def steady() -> list[Copy]:
    """Packets that come at even times."""
    return walk(ROUGH, 200)


@pytest.mark.slow
@given(st.lists(st.floats(0, 3), min_size=200, max_size=200))
def test_timing_changes_no_fate(pauses: list[float]) -> None:
    times = START_NS + np.cumsum(np.array(pauses) * 1e6).astype(np.int64)
    copies = through(Path(7, ROUGH, ROUGH), times.tolist())
    assert [(c.n, c.copy, c.fate, c.also, c.delay) for c in copies] == [
        (c.n, c.copy, c.fate, c.also, c.delay) for c in steady()
    ]


def test_a_stage_that_is_switched_on_leaves_the_draws_of_the_others() -> None:
    plain = Link(delay_ms=40, jitter_ms=10, loss=0.05)
    first = {c.n: (c.fate, c.delay) for c in walk(plain, 2000) if not c.copy}
    for more in (
        {"duplicate": 0.2},
        {"damage": 0.2},
        {"reorder": 0.2, "reorder_ms": 5.0},
        {"slot_ms": (2, 8)},
    ):
        again = {c.n: (c.fate, c.delay) for c in walk(plain.with_(more), 2000) if not c.copy}
        assert again == first, more


@pytest.mark.slow
@pytest.mark.parametrize("burst", [None, 3.0])
def test_more_loss_keeps_every_earlier_loss(burst: float | None) -> None:
    sets = [set(lost_by(Link(loss=share, burst=burst), 20_000)) for share in (0.005, 0.01, 0.02, 0.1)]
    for fewer, more in itertools.pairwise(sets):
        assert fewer < more


def test_clients_and_ways_and_seeds_have_fates_of_their_own() -> None:
    link = Link(loss=0.1)
    path = Path(7, link, link)
    times = range(START_NS, START_NS + 1000)
    sets = [lost(through(path, times, client=client, way=way)) for client in (1, 2) for way in ("up", "down")]
    sets.append(lost(walk(link, 1000, seed=8)))
    assert len({frozenset(each) for each in sets}) == 5


def test_a_changed_setting_goes_on_with_the_streams() -> None:
    link = Link(loss=0.05)
    path = Path(7, link, link)
    copies = through(path, range(START_NS, START_NS + 500))
    for step in settings({"delay_ms": 30}):
        path.do(step, START_NS + 500)
    copies += through(path, range(START_NS + 500, START_NS + 1000))
    assert lost(copies) == lost(walk(link, 1000))
    assert {copy.setting for copy in copies} == {0, 1}


@pytest.mark.slow
def test_the_loss_of_a_two_state_model_is_what_it_was_asked_for() -> None:
    model = GilbertElliott(0.02, 0.4, loss_good=0.01, loss_bad=0.6)
    share = len(lost_by(Link(loss_model=model), 100_000)) / 100_000
    assert share == pytest.approx(model.loss, rel=0.06)
