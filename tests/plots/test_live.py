from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gdlab import analysis
from gdlab.plots import LiveRates
from tests.plots.cases import CASES
from tests.some import some
from tests.traffic import table


@pytest.mark.parametrize("case", some(CASES, every=3))
def test_every_table_makes_a_picture_of_the_size_asked(case):
    live = LiveRates(500, 200)
    for _ in range(2):
        live.update(analysis.rates(CASES[case], top=5))
        assert Image.open(io.BytesIO(live.png())).size == (500, 200)


def test_the_newest_bin_stands_at_the_right_edge():
    live = LiveRates(seconds=5)
    live.update(analysis.rates(CASES["one peer"], bin_s=0.5))
    assert live.ax.lines[0].get_xdata()[-1] == pytest.approx(0, abs=1e-6)
    assert live.ax.get_xlim() == (-5, 0)


def test_a_blitted_picture_equals_one_drawn_from_scratch():
    fresh, used = LiveRates(theme="light"), LiveRates(theme="light")
    used.update(analysis.rates(CASES["fifty peers"], top=5))
    used.png()
    for live in (used, fresh):
        live.update(analysis.rates(CASES["one peer"], bin_s=0.5))
    pictures = [np.asarray(Image.open(io.BytesIO(live.png()))) for live in (used, fresh)]
    assert np.array_equal(*pictures)


def test_the_scale_grows_at_once_and_shrinks_late():
    live = LiveRates()

    def top(hz):
        live.update(analysis.rates(table(np.arange(hz) * (10**9 // hz)), bin_s=0.5))
        return live.ax.get_ylim()[1] / 1.05

    assert top(60) == 100
    assert top(900) == 1000
    assert top(400) == 1000
    assert top(60) == 100


def test_names_that_do_not_fit_are_left_out_and_none_is_cut():
    live = LiveRates(640, 200)
    live.update(analysis.rates(CASES["long names"]))
    live.png()
    assert sum(bool(word.get_text()) for word in live.ax.texts) >= 1
    for word in live.ax.texts:
        if word.get_text():
            assert word.get_window_extent().x1 <= 640


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="messages_hz"):
        LiveRates(value="speed")
    with pytest.raises(ValueError, match="pixels"):
        LiveRates(50, 50)
