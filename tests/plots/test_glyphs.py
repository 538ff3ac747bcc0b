"""Names and messages in other scripts: drawn where a font has them, and else told by a box, without a warning."""

import pytest
from matplotlib.text import Text

from gdlab.plots import glyphs, ladder
from tests.traffic import table


@pytest.fixture(autouse=True)
def forget():
    """What fonts there are is asked once for a process."""
    yield
    glyphs.families.cache_clear()
    glyphs._drawn.cache_clear()


def words(axes):
    axes.figure.png()  # a missing glyph is a warning, and that an error here
    return [text for text in axes.figure.findobj(Text) if text.get_text().startswith("hi")]


def greeted():
    return ladder(table([0, 1000], ["hi 你好".encode(), b"hi there"]))


def test_what_no_font_has_becomes_a_box(monkeypatch):
    monkeypatch.setattr(glyphs, "CJK", ())
    glyphs.families.cache_clear()
    glyphs._drawn.cache_clear()
    assert [text.get_text() for text in words(greeted())] == ["hi □□", "hi there"]
    assert glyphs.drawable("Åda → naïve µs, 99 %") == "Åda → naïve µs, 99 %"


def test_a_second_font_draws_what_the_first_has_not(monkeypatch):
    # Any other font will do: what it has is drawn, by texts that need it and by no others.
    second = "DejaVu Sans Mono"
    monkeypatch.setattr(glyphs, "CJK", ("no such font", second))
    monkeypatch.setattr(glyphs, "_drawn", lambda: frozenset(map(ord, "hi 你好there")))
    glyphs.families.cache_clear()
    assert glyphs.families() == ("DejaVu Sans", second)
    axes = greeted()
    glyphs.dress(axes.figure)
    foreign, plain = [text for text in axes.figure.findobj(Text) if text.get_text().startswith("hi")]
    assert foreign.get_text() == "hi 你好"
    assert tuple(foreign.get_fontfamily()) == ("DejaVu Sans", second)
    assert tuple(plain.get_fontfamily()) != ("DejaVu Sans", second)
