"""What a font can draw: names and messages of games are in every script, and matplotlib's own font is not."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.text import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Fonts with Chinese, Japanese and Korean characters, as systems name theirs; the first that is there is used.
CJK: Final = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "Arial Unicode MS",
)
#: Stands for a character that no font here has.
BOX: Final = "□"


@cache
def families() -> tuple[str, ...]:
    """The font that matplotlib writes with, and one for what it lacks, where there is one."""
    first = FontProperties().get_name()
    there = {entry.name for entry in fontManager.ttflist}
    return (first, *[name for name in CJK if name in there and name != first][:1])


@cache
def _drawn() -> frozenset[int]:
    """The code points that these fonts have."""
    fonts = [fontManager.findfont(FontProperties(family=name)) for name in families()]
    return frozenset().union(*(get_font(font).get_charmap() for font in fonts))


def drawable(text: str) -> str:
    """A text with `BOX` for each character that no font here has: matplotlib would warn of each, and draw the same."""
    if text.isascii():
        return text
    return "".join(c if ord(c) in _drawn() else BOX for c in text)


def dress(figure: Figure) -> None:
    """Give the second font to the texts of a figure that have other characters than ASCII's."""
    if len(families()) > 1:
        for text in figure.findobj(Text):
            if isinstance(text, Text) and not text.get_text().isascii():
                text.set_fontfamily(families())
