"""The strip chart of game frames."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gdlab.plots import LiveFrames

NOW = 1_800_000_000_000_000_000
S = 1_000_000_000
NONE = np.empty(0, dtype=np.int64)


def game(name, ages_s, busy_ms):
    return name, NOW - (np.asarray(ages_s) * S).astype(np.int64), np.asarray(busy_ms, dtype=np.float64)


def heights(live, number=0):
    values = np.asarray(live.ax.lines[number].get_ydata())
    return values[~np.isnan(values)]


def test_a_bin_shows_its_longest_frame_and_empty_bins_are_gaps():
    live = LiveFrames(500, 200, seconds=10)
    live.update([game("a", [1.01, 1.02, 1.03, 5.0], [2, 120, 3, 7])], NONE, now_ns=NOW)
    assert sorted(heights(live)) == [7, 120]
    assert live.ax.get_ylim()[1] > 120
    assert Image.open(io.BytesIO(live.png())).size == (500, 200)


def test_each_game_has_its_line_and_name_up_to_six():
    live = LiveFrames(seconds=10)
    live.update([game(f"p{number}", [1.0], [number + 1]) for number in range(8)], NONE, now_ns=NOW)
    assert [heights(live, number).tolist() for number in range(6)] == [[n + 1] for n in range(6)]
    names = " ".join(word.get_text() for word in live._words)
    assert "p0" in names


def test_what_is_older_than_the_picture_is_left_out():
    live = LiveFrames(seconds=10)
    live.update([game("a", [11.0, 3600.0], [50, 50])], NONE, now_ns=NOW)
    assert len(heights(live)) == 0
    live.update([], NONE, now_ns=NOW)
    assert all(len(line.get_xdata()) == 0 for line in live._lines)


def test_errors_are_crosses_at_their_time():
    live = LiveFrames(seconds=10)
    live.update([game("a", [1.0], [5])], np.array([NOW - 2 * S, NOW - S], dtype=np.int64), now_ns=NOW)
    assert live._errors.get_xdata().tolist() == pytest.approx([-2, -1])


def test_a_dollar_in_a_name_is_no_formula():
    live = LiveFrames(seconds=10)
    live.update([game("$x_{$", [1.0], [5])], NONE, now_ns=NOW)
    assert live.png().startswith(b"\x89PNG")
