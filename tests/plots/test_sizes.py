"""The picture of sizes says what the table says."""

import io
from functools import cache

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from gdlab import plots
from gdlab import variant as v
from gdlab.sizes import measure

MESSAGE = {"id": 7, "x": 12.5, "y": -3.25, "t": 123456, "name": "p1"}
REPORTS = {
    "a message at a rate": lambda: measure(MESSAGE, rate_hz=20, peers=8, over="udp"),
    "a vector": lambda: measure(v.Vector2(1, 2)),
    "nothing": lambda: measure(None),
    "a long message": lambda: measure({f"key{i}": i for i in range(300)}, over="tcp"),
    "many messages": lambda: measure(
        [{"n": i, "f": i / 3} for i in range(40)], each=True, over="ws", rate_hz=60
    ),
    "an object": lambda: measure(v.EncodedObject(5)),
}
each = pytest.mark.parametrize("name", REPORTS)


@cache
def report_of(name):
    """Measured when a test asks, and not where tests are only collected."""
    return REPORTS[name]()


def bars(ax):
    """Widths of the full bars, from the top, by label."""
    names = [label.get_text() for label in ax.get_yticklabels()]
    return {names[round(p.get_y() + p.get_height() / 2)]: p.get_width() for p in ax.patches if p.get_x() == 0}


@each
def test_no_word_is_cut_or_covered(name):
    ax = plots.sizes(report_of(name))
    assert Image.open(io.BytesIO(ax._repr_png_())).size == (800, 420)
    whole = ax.figure.bbox
    left = ax.findobj(lambda artist: getattr(artist, "get_text", str)() == ax.get_title(loc="left") != "")
    shown = [t for t in (*ax.texts, ax.xaxis.label, *ax.get_yticklabels(), *left) if t.get_text()]
    boxes = [(t.get_text(), t.get_window_extent()) for t in shown]
    for number, (text, box) in enumerate(boxes):
        assert whole.x0 - 1 <= box.x0 < box.x1 <= whole.x1 + 1, text
        assert whole.y0 - 1 <= box.y0 < box.y1 <= whole.y1 + 1, text
        for other, its in boxes[:number]:
            assert not box.padded(-1).overlaps(its.padded(-1)), (text, other)


@each
def test_bars_are_the_figures_of_the_table(name):
    report = report_of(name)
    found = bars(plots.sizes(report))
    assert found["var_to_bytes"] == pytest.approx(report["variant"])
    assert ("JSON.stringify" in found) is (report["json"] == report["json"])


def test_headers_stand_behind_the_bytes():
    ax = plots.sizes(report_of("a message at a rate"))
    assert any((p.get_x(), p.get_width()) == (112, 28) for p in ax.patches)
    assert "112, 140 with headers" in [t.get_text() for t in ax.texts]
    assert "UDP" in ax.get_xlabel()


def test_a_bar_that_is_cut_says_its_length():
    texts = [t.get_text() for t in plots.sizes(report_of("a message at a rate")).texts]
    assert "1,008, longer than this axis" in texts
    assert any("at 20 messages/s to 8 peers: 7.04 to 24.6 kB/s" in text for text in texts)


def test_the_users_axes_are_drawn_on_and_given_back():
    figure = Figure()
    FigureCanvasAgg(figure)
    mine = figure.add_subplot()
    assert plots.sizes(report_of("a vector"), ax=mine) is mine
    figure.canvas.draw()
