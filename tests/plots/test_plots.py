"""What every plot must do, whatever the table."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from gdlab import plots
from gdlab.plots import style
from tests.plots.cases import CASES

DRAWN = {"rates": plots.RatesPlot, "latency": plots.LatencyPlot}
each_plot = pytest.mark.parametrize("name", DRAWN)
each_case = pytest.mark.parametrize("case", CASES)


def words(ax):
    return [t for t in dict.fromkeys(ax.findobj(Text)) if t.get_text().strip() and t.get_visible()]


@each_plot
@each_case
def test_every_table_makes_a_picture_in_which_no_word_is_cut_or_covered(name, case):
    ax = getattr(plots, name)(CASES[case])
    picture = Image.open(io.BytesIO(ax._repr_png_()))
    assert picture.size == (800, 360)
    whole = ax.figure.bbox
    ticks = {t.get_text() for t in (*ax.get_xticklabels(), *ax.get_yticklabels())}
    boxes = [(t.get_text(), t.get_window_extent()) for t in words(ax) if t.get_text() not in ticks]
    for text, box in boxes:
        assert whole.x0 - 1 <= box.x0 < box.x1 <= whole.x1 + 1, text
        assert whole.y0 - 1 <= box.y0 < box.y1 <= whole.y1 + 1, text
    for number, (text, box) in enumerate(boxes):
        for other, its in boxes[:number]:
            assert not box.padded(-1).overlaps(its.padded(-1)), (text, other)


@each_plot
@each_case
def test_units_stand_on_both_axes_and_the_sample_size_in_the_caption(name, case):
    ax = getattr(plots, name)(CASES[case])
    assert "(s)" in ax.get_xlabel()
    assert any(unit in ax.get_ylabel() for unit in ("(ms)", "per second", "bytes"))
    assert any(t.get_text().startswith("n = ") for t in words(ax))


@each_plot
def test_an_update_makes_no_new_artists_and_leaves_the_layout(name):
    plot = DRAWN[name]()
    plot.update(CASES["one peer"])
    plot.ax.figure.png()
    before, place = set(plot.ax.lines) | set(plot.ax.texts), plot.ax.get_position().bounds
    for case in CASES.values():
        plot.update(case)
        plot.ax.figure.png()
    assert set(plot.ax.lines) | set(plot.ax.texts) == before
    assert plot.ax.get_position().bounds == place


@each_plot
def test_the_users_axes_are_drawn_on_and_given_back(name):
    figure = Figure()
    FigureCanvasAgg(figure)
    mine = figure.add_subplot()
    assert getattr(plots, name)(CASES["probes"], ax=mine) is mine
    figure.canvas.draw()


def contrast(a, b):
    high, low = sorted((style.luminance(a), style.luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("theme", "background"),
    [("auto", "#ffffff"), ("auto", "#111111"), ("light", "#ffffff"), ("dark", "#111111")],
)
def test_words_and_lines_stand_out_from_the_background(theme, background):
    colours = style.THEMES[theme]
    assert contrast(colours.text, background) >= 4
    for colour in (*colours.series, colours.warning):
        assert contrast(colour, background) >= 3, colour


def test_an_unknown_theme_is_refused():
    with pytest.raises(ValueError, match="auto, light, dark"):
        plots.rates(CASES["empty"], theme="solarized")


def test_the_automatic_theme_follows_the_users_axes():
    figure = Figure()
    ax = figure.add_subplot(facecolor="black")
    assert style.theme_of("auto", ax) is style.THEMES["dark"]
    ax.set_facecolor("white")
    assert style.theme_of("auto", ax) is style.THEMES["light"]
    ax.set_facecolor("none")
    assert style.theme_of("auto", ax) is style.THEMES["auto"]


def test_pyplot_is_never_loaded():
    code = "import sys, gdlab.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_rates_draws_the_numbers_of_the_analysis():
    ax = plots.rates(CASES["one peer"], bin_s=0.5)
    y = ax.lines[0].get_ydata()
    assert np.nanmedian(y) == 60
    assert ax.get_ylim()[1] >= np.nanmax(y)


def test_rates_leaves_a_hole_where_messages_are_missing():
    ax = plots.rates(CASES["a gap"], bin_s=0.5)
    x, y = ax.lines[0].get_xdata(), ax.lines[0].get_ydata()
    assert np.isnan(y[(x > 5.5) & (x < 8.5)]).all()
    assert "messages missing" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_latency_says_which_measure_it_shows():
    assert plots.latency(CASES["probes"]).get_title(loc="left") == "Round-trip time of probes"
    assert "says nothing about delay" in plots.latency(CASES["one peer"]).get_title(loc="left")


def test_latency_shows_lost_probes():
    ax = plots.latency(CASES["probes"])
    caption = next(t.get_text() for t in words(ax) if t.get_text().startswith("n = "))
    assert "pings lost" in caption
    assert "lost" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_a_value_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="messages_hz"):
        plots.rates(CASES["empty"], value="speed")
