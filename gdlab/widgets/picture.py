"""A picture that Python draws, from before the first drawing on."""

from __future__ import annotations

import base64
from typing import Any, Final

import ipywidgets

#: One transparent pixel: a page shows a broken picture where there are no bytes yet.
_BLANK: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR42mNgAAIAAAUAAen63NgAAAAASUVORK5CYII="
)


def picture(size_px: tuple[int, int]) -> Any:
    """Return the widget of a PNG of this width and height; its `value` are the bytes."""
    width, height = size_px
    return ipywidgets.Image(
        value=_BLANK, format="png", layout={"width": f"{width}px", "height": f"{height}px"}
    )
