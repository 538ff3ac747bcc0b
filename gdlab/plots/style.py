"""Colours that hold on a projector, for colour-blind readers, and in JupyterLab's light and dark themes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from matplotlib.colors import to_hex, to_rgb, to_rgba

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ThemeName = Literal["auto", "light", "dark"]


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of one theme.

    Attributes
    ----------
    background : behind everything; ``none`` is transparent.
    text, grid, muted : of words and axes, of grid lines, and of what is "the rest".
    warning : of what is missing or lost.
    series : of the groups, in order. Line styles and markers differ as well, so no group is told by colour
        only.
    """

    background: str
    text: str
    grid: str
    muted: str
    warning: str
    series: tuple[str, ...]


#: After Okabe and Ito, "Color Universal Design" (2008), without its yellow and shades too light on white.
#: A kernel cannot know which theme the browser shows; `auto` is transparent and keeps at least 3:1 contrast
#: (WCAG 2.1, 1.4.11) on white and on JupyterLab's dark grey alike. `light` and `dark` are crisper.
THEMES: Final[dict[str, Theme]] = {
    "auto": Theme(
        "none",
        "#767676",
        "#76767655",
        "#8a8a8a",
        "#d55e00",
        ("#2a7fc0", "#009e73", "#c0651f", "#b8679a", "#8f7400", "#5f7f8f"),
    ),
    "light": Theme(
        "#ffffff",
        "#222222",
        "#dddddd",
        "#767676",
        "#c04a00",
        ("#0072b2", "#00795a", "#b34d00", "#a64d82", "#7a6200", "#4c6472"),
    ),
    "dark": Theme(
        "#111111",
        "#e4e4e4",
        "#3a3a3a",
        "#9a9a9a",
        "#ff8a3d",
        ("#56b4e9", "#2fd0a0", "#f0a050", "#e39cc6", "#e0c95a", "#a9c1cf"),
    ),
}
#: Dash patterns in step with `Theme.series`.
DASHES: Final = ("-", "--", "-.", ":", (0, (6, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
#: The same as text.
DASH_TEXTS: Final = ("—", "- -", "-·-", "···", "— -", "-··-")
#: Groups that are told apart in one picture; the others are drawn as one.
GROUPS: Final = len(DASHES)


def luminance(colour: str) -> float:
    """Relative luminance of a colour, 0 (black) to 1 (white), as WCAG 2.1 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def theme_of(name: ThemeName, ax: Axes | None = None) -> Theme:
    """The theme of that name; for ``auto`` with Axes of the user's own, the one that suits their background.

    Raises
    ------
    ValueError
        If there is no such theme.
    """
    if name not in THEMES:
        raise ValueError(f"theme is one of {', '.join(THEMES)}, not {name!r}")
    if name != "auto" or ax is None:
        return THEMES[name]
    face = to_rgba(ax.get_facecolor())
    if face[3] == 0:
        return THEMES["auto"]
    return THEMES["dark" if luminance(to_hex(face)) < 0.18 else "light"]
