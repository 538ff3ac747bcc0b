"""What every plot must do, whatever the table."""

from __future__ import annotations

import io
from itertools import product

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from gdlab import analysis, plots
from gdlab.plots import decimate, style
from tests.plots.cases import CASES
from tests.some import some
from tests.traffic import merged, pings, table

DRAWN = {
    "rates": plots.RatesPlot,
    "latency": plots.LatencyPlot,
    "percentiles": plots.PercentilesPlot,
    "histogram": plots.HistogramPlot,
    "jitter": plots.JitterPlot,
    "sequence": plots.SequencePlot,
    "frame_phase": plots.FramePhasePlot,
    "overhead": plots.OverheadPlot,
    "timeline": plots.TimelinePlot,
    "ladder": plots.LadderPlot,
}
#: What each axis says it shows: a unit, or what is counted.
AXES = {
    "rates": ("(s)", "per second"),
    "latency": ("(s)", "(ms)"),
    "percentiles": ("percentile", "(ms)"),
    "histogram": ("(ms)", "per bin"),
    "jitter": ("(s)", "(ms)"),
    "sequence": ("(s)", "number of the message"),
    "frame_phase": ("(ms)", "(ms)"),
    "overhead": ("bytes per message", ""),
    "timeline": ("(s)", "peer"),
    "ladder": ("one message", "(s)"),
}
some_plots = pytest.mark.parametrize("name", some(DRAWN, every=4))
one_plot = pytest.mark.parametrize("name", some(DRAWN, every=len(DRAWN)))
#: The quick tests go diagonally, so that each plot and each table is among them.
each_plot_of_each_case = pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(*both.values[0], marks=both.marks)
        for both in some(product(DRAWN, CASES), every=len(CASES) + 1)
    ],
)


def words(ax):
    return [t for t in dict.fromkeys(ax.findobj(Text)) if t.get_text().strip() and t.get_visible()]


def size_when_drawn(ax, name, case):
    """Width and height of the picture in pixels; afterwards all words have their places.

    Where the tests of the report make the same picture, of the same table, only its layout is found here.
    """
    if name == "ladder" or case in REPORTED_IN_PARTS:
        return Image.open(io.BytesIO(ax._repr_png_())).size
    ax.figure.draw_without_rendering()
    return ax.figure.canvas.get_width_height()


#: A report leaves out most of the pictures of these.
REPORTED_IN_PARTS = ("empty", "one row", "only events", "one instant")


@each_plot_of_each_case
def test_every_table_makes_a_picture_that_says_what_it_shows_and_covers_no_word(name, case):
    ax = getattr(plots, name)(CASES[case])
    assert size_when_drawn(ax, name, case) == (800, 520 if name == "ladder" else 360)
    # Units stand on both axes, and the sample size in the caption.
    assert AXES[name][0] in ax.get_xlabel()
    assert AXES[name][1] in ax.get_ylabel()
    assert any(t.get_text().startswith("n = ") for t in words(ax))
    whole = ax.figure.bbox
    ticks = {t.get_text() for t in (*ax.get_xticklabels(), *ax.get_yticklabels())}
    ticks |= {t.get_text() for t in ax.texts if t.get_clip_on()}  # cut on purpose: excerpts of payloads
    boxes = [(t.get_text(), t.get_window_extent()) for t in words(ax) if t.get_text() not in ticks]
    for text, box in boxes:
        assert whole.x0 - 1 <= box.x0 < box.x1 <= whole.x1 + 1, text
        assert whole.y0 - 1 <= box.y0 < box.y1 <= whole.y1 + 1, text
    for number, (text, box) in enumerate(boxes):
        for other, its in boxes[:number]:
            assert not box.padded(-1).overlaps(its.padded(-1)), (text, other)


@one_plot
def test_an_update_makes_no_new_artists_and_leaves_the_layout(name):
    plot = DRAWN[name]()
    plot.update(CASES["one peer"])
    plot.ax.figure.png()
    before, place = (
        set(plot.ax.lines) | set(plot.ax.patches) | set(plot.ax.texts),
        plot.ax.get_position().bounds,
    )
    for case in ("probes", "only events", "numbered", "empty"):
        plot.update(CASES[case])
        plot.ax.figure.draw_without_rendering()
    assert set(plot.ax.lines) | set(plot.ax.patches) | set(plot.ax.texts) == before
    assert plot.ax.get_position().bounds == place


@some_plots
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


def test_rates_draws_the_numbers_of_the_analysis():
    ax = plots.rates(CASES["one peer"], bin_s=0.5)
    y = ax.lines[0].get_ydata()
    assert np.nanmedian(y) == 60
    assert ax.get_ylim()[1] >= np.nanmax(y)


def test_rates_has_a_line_for_each_value_of_a_column():
    types = np.array(["move", "chat", "move", None], object)
    table = CASES["one peer"]
    table = table.assign(**{"v.type": types[np.arange(len(table)) % 4]})
    ax = plots.rates(table, by="v.type", bin_s=0.5)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["move", "chat", "no v.type"]
    assert np.nanmedian(ax.lines[0].get_ydata()) == 30
    together = plots.rates(table, by=(), bin_s=0.5)
    assert np.nanmedian(together.lines[0].get_ydata()) == 60
    assert "all messages" in "".join(text.get_text() for text in together.texts)


def test_rates_names_the_rest_of_many_values():
    table = CASES["one peer"]
    ax = plots.rates(table.assign(n=np.arange(len(table)) % 9), by="n", bin_s=0.5)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["0", "1", "2", "3", "4", "all others together"]


def test_rates_leaves_a_hole_where_messages_are_missing():
    ax = plots.rates(CASES["a gap"], bin_s=0.5)
    x, y = ax.lines[0].get_xdata(), ax.lines[0].get_ydata()
    assert np.isnan(y[(x > 5.5) & (x < 8.5)]).all()
    assert "messages missing" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_latency_says_which_measure_it_shows():
    assert plots.latency(CASES["probes"]).get_title(loc="left") == "Round-trip time of probes"
    assert "says nothing about delay" in plots.latency(CASES["one peer"]).get_title(loc="left")


def test_latency_names_pings_that_nothing_answers_and_what_to_do():
    def texts(rtt_ms):
        sent = np.arange(100) * 50_000_000
        probes = pings(sent, np.asarray(rtt_ms) * 1_000_000)
        ax = plots.latency(merged(probes, table([60_000_000_000], b"end")))
        return [text.get_text() for text in ax.texts], ax

    told, _ = texts([-1] * 100)
    assert any("Nothing answers the pings (100 sent, 0 answered)" in text for text in told)
    assert any('cap.gdscript("echo")' in text for text in told)
    # Most are lost, so that the median lies beyond all answers: no number is made of that.
    told, ax = texts([5] * 30 + [-1] * 70)
    assert not any("Nothing answers" in text for text in told)
    shown = [*told, *(ax.get_title(loc=side) for side in ("left", "center", "right"))]
    assert any("n = 30" in text and "70 pings lost" in text for text in shown)
    assert not any("inf" in text.split() for text in shown)


def test_latency_shows_lost_probes():
    ax = plots.latency(CASES["probes"])
    caption = next(t.get_text() for t in words(ax) if t.get_text().startswith("n = "))
    assert "pings lost" in caption
    assert "lost" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_a_value_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="messages_hz"):
        plots.rates(CASES["empty"], value="speed")


def test_the_distribution_stops_where_ten_values_are_left():
    ax = plots.percentiles(CASES["one peer"])
    assert ax.lines[0].get_xdata()[-1] == pytest.approx(10 / 599, rel=0.01)
    assert len(plots.percentiles(CASES["one row"]).lines[0].get_xdata()) == 0


def test_lost_probes_end_the_distribution_early():
    share = plots.percentiles(CASES["probes"]).lines[0].get_xdata()
    assert share[-1] == pytest.approx(11 / 399, rel=0.01)


def steps(ax):
    return [patch.get_data() for patch in ax.patches if patch.get_visible() and not patch.get_fill()]


def test_the_histogram_counts_every_value_once_and_no_lost_probe():
    ax = plots.histogram(CASES["probes"])
    ((counts, edges, _),) = steps(ax)
    trips = analysis.round_trips(CASES["probes"])["rtt_ms"].dropna()
    assert counts.sum() == len(trips)
    assert (counts == np.histogram(trips, edges)[0]).all()
    assert len(np.unique(np.diff(edges).round(9))) == 1
    assert "11 pings lost, not in it" in next(t.get_text() for t in words(ax) if t.get_text().startswith("n"))


def test_the_histogram_of_many_peers_is_one_of_each_of_the_largest_and_one_of_the_rest():
    ax = plots.histogram(CASES["fifty peers"])
    assert len(steps(ax)) == 6
    assert sum(counts.sum() for counts, _, _ in steps(ax)) == 50 * 99
    assert "45 others" in ax.get_legend().get_texts()[-1].get_text()


def test_the_histogram_of_a_few_very_long_delays_still_shows_the_short_ones():
    gaps = np.concatenate([np.full(500, 10**6), [0, 4 * 10**9]])
    ax = plots.histogram(table(np.cumsum(gaps)))
    assert ax.get_xscale() == "log"
    ((counts, edges, _),) = steps(ax)
    assert counts.sum() == len(gaps) - 1
    assert counts[0] == 1  # the one of no length
    assert edges[-1] >= 4000


@pytest.mark.parametrize("ns", some([0, 1, 10**6, 10**15], every=2))
def test_the_histogram_of_one_value(ns):
    ax = plots.histogram(table([0, ns]))
    ((counts, edges, _),) = steps(ax)
    assert counts.sum() == 1
    assert edges[0] <= ns / 1e6 <= edges[-1]
    ax.figure.png()


def test_fold_draws_the_frame_that_was_found():
    ax = plots.frame_phase(CASES["probes"])
    assert ax.get_title(loc="left") == "Answers come once per frame: 60.0 Hz"
    assert ax.get_xlim()[1] == pytest.approx(1000 / 60, rel=0.001)
    moment, rtt = ax.lines[0].get_data()
    wait = (1000 / 60 - moment)[moment < 14]
    assert np.median(np.abs(rtt[moment < 14] - wait)) < 1


def test_fold_on_a_rate_of_the_users_own():
    assert plots.frame_phase(CASES["probes"], hz=50).get_title(loc="left") == "Round trips folded on 50 Hz"
    with pytest.raises(ValueError, match="rate"):
        plots.frame_phase(CASES["probes"], hz=0)


def test_sequence_marks_what_is_lost_where_it_is_missing():
    ax = plots.sequence(CASES["numbered"])
    lost = next(line for line in ax.lines if line.get_marker() == "x")
    assert sorted(np.round(lost.get_ydata())) == [20, 21, 22, 150, 222]
    assert "5 lost of 300" in next(t.get_text() for t in words(ax) if t.get_text().startswith("n = "))
    assert "1 duplicate" in next(t.get_text() for t in words(ax) if t.get_text().startswith("n = "))


def test_overhead_bars_are_as_long_as_the_analysis_says():
    ax = plots.overhead(CASES["one peer"])
    widths = [bars[0].get_width() for bars in ax.containers]
    assert widths == [60, 0, 8, 20]


def test_the_ladder_shows_payloads_as_they_are_and_no_formulas():
    ax = plots.ladder(table([0, 1, 2], [b"$x^2$", b"\x00\xff", b"a\nb"]))
    shown = [t.get_text() for t in ax.texts if t.get_text()]
    assert r"\$x^2\$" in shown
    assert "00 ff" in shown
    assert "a·b" in shown
    ax.figure.png()


def test_a_million_points_become_as_many_as_pixels():
    x = np.arange(1_000_000.0)
    y = np.sin(x / 1e5)
    y[123_456] = 9.0
    assert len(decimate.dots(x, y)[0]) <= 600 * 240
    few_x, few_y = decimate.line(x, y)
    assert len(few_x) <= 2000
    assert few_y.max() == 9.0
    assert (np.diff(few_x) >= 0).all()


@pytest.mark.parametrize("name", ["latency", "histogram", "percentiles"])
def test_no_percentile_is_stated_of_fewer_values_than_it_needs(name):
    def caption(values):
        ax = getattr(plots, name)(table(np.cumsum(np.full(values + 1, 10**6))))
        dashed = [
            line.get_visible()
            for line in ax.lines
            if line.get_linestyle() == "--" and len(line.get_xdata()) == 2
        ]
        return next(t.get_text() for t in words(ax) if t.get_text().startswith("n = ")), any(dashed)

    few, line = caption(19)
    assert "%" not in few
    assert "median" not in few
    assert not line
    assert "1.00 ms" in caption(20)[0]


HOSTILE = ["$x^2$", r"$\frac{1", "\x00\x1b[31m\u202e\n" + "a" * 300]


@one_plot
@pytest.mark.filterwarnings("error")
def test_peers_with_any_name_are_written_as_they_are(name):
    payloads = [b'{"probe": "ping", "seq": %d, "t_us": %d}' % (i, 10_000 * i) for i in range(300)]
    times = np.arange(300) * 10**7
    ax = getattr(plots, name)(table(times, payloads, peer=[HOSTILE[i % 3] for i in range(300)]))
    ax.figure.png()
    legend = ax.get_legend()
    said = [t.get_text() for t in (*words(ax), *(legend.get_texts() if legend else ()))]
    assert all(text.replace("\n", "x").isprintable() for text in said)
    assert not any("$" in text.replace(r"\$", "") for text in said)
    alone = getattr(plots, name)(table(times, payloads, peer=HOSTILE[0], endpoint="$e$ \x00"))
    alone.figure.png()


def test_addresses_are_shortened_so_that_they_still_differ():
    ax = plots.timeline(CASES["long names"])
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert len(set(names)) == 3
    assert all(len(name) <= 28 for name in names)


def test_a_sentence_instead_of_a_picture_is_not_crossed_out_by_the_grid():
    plot = plots.RatesPlot()
    widths = []
    for case in ("empty", "one peer", "empty"):
        plot.update(CASES[case])
        plot.ax.figure.png()
        widths.append({line.get_linewidth() for line in plot.ax.get_xgridlines()})
    assert widths == [{0.0}, {0.7}, {0.0}]
