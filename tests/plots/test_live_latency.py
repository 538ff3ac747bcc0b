"""The live picture of round trips."""

import io

import numpy as np
import pytest
from PIL import Image

from gdlab.plots import LiveLatency

NOW = 1_767_225_600_000_000_000


def trips(*pairs):
    """Pairs of seconds ago, and ms."""
    return (
        np.array([NOW - int(ago * 1e9) for ago, _ in pairs], np.int64),
        np.array([ms for _, ms in pairs], np.float64),
    )


def test_an_empty_picture_has_the_size_asked_for():
    live = LiveLatency(500, 200)
    live.update({}, now_ns=NOW)
    assert Image.open(io.BytesIO(live.png())).size == (500, 200)


def test_points_stand_where_they_were_and_old_ones_are_gone():
    live = LiveLatency(seconds=10)
    live.update({"a": trips((11, 99), (4, 2), (1, 3))}, now_ns=NOW)
    assert live.ax.lines[0].get_xdata() == pytest.approx([-4, -1])
    assert live.ax.lines[0].get_ydata() == pytest.approx([2, 3])
    assert live.ax.get_ylim()[1] / 1.05 == pytest.approx(5)
    live.update({}, now_ns=NOW)
    assert not len(live.ax.lines[0].get_xdata())


def test_more_peers_than_markers_share_the_last_one():
    live = LiveLatency(900, 200)
    live.update({f"peer {number}": trips((1, number)) for number in range(9)}, now_ns=NOW)
    assert len(live.ax.lines[5].get_xdata()) == 4
    assert live.ax.texts[5].get_text() == "✚ 4 others"


def test_a_blitted_picture_equals_one_drawn_from_scratch():
    fresh, used = LiveLatency(theme="light"), LiveLatency(theme="light")
    used.update({"b": trips((1, 0.3))}, now_ns=NOW)
    used.png()
    for live in (used, fresh):
        live.update({"a": trips((2, 0.2), (1, 0.4))}, now_ns=NOW)
    pictures = [np.asarray(Image.open(io.BytesIO(live.png()))) for live in (used, fresh)]
    assert np.array_equal(*pictures)


@pytest.mark.parametrize(("ms", "top"), [(0.001, 0.5), (0.5, 0.5), (0.51, 1), (3, 5), (900, 1000)])
def test_the_axis_is_the_next_round_number(ms, top):
    live = LiveLatency()
    live.update({"a": trips((1, ms))}, now_ns=NOW)
    assert live.ax.get_ylim()[1] / 1.05 == pytest.approx(top)


def test_a_picture_too_small_is_refused():
    with pytest.raises(ValueError, match="pixels"):
        LiveLatency(50, 50)
