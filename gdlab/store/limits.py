"""How much a store may keep before its oldest block goes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gdlab.errors import GdlabError

_UNITS = {
    "": ("rows", 1),
    "rows": ("rows", 1),
    "b": ("bytes", 1),
    "kb": ("bytes", 10**3),
    "mb": ("bytes", 10**6),
    "gb": ("bytes", 10**9),
    "kib": ("bytes", 2**10),
    "mib": ("bytes", 2**20),
    "gib": ("bytes", 2**30),
    "s": ("seconds", 1),
    "min": ("seconds", 60),
    "h": ("seconds", 3600),
}


class LimitError(GdlabError, ValueError):
    """A limit that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Bounds of a store; None means unbounded in that respect.

    Attributes
    ----------
    rows : messages and events kept.
    bytes : memory kept, payloads and columns together.
    seconds : age of the oldest message kept, against the newest.
    """

    rows: int | None = None
    bytes: int | None = None
    seconds: float | None = None

    @classmethod
    def parse(cls, text: int | str | Limit) -> Limit:
        """Understand `100_000` (rows), `"64MiB"`, `"10min"`, or several: `"10min, 64MiB"`.

        Raises
        ------
        LimitError : not of that form, or not above zero.
        """
        if isinstance(text, Limit):
            return text
        bounds: dict[str, int] = {}
        for part in str(text).split(","):
            match = re.fullmatch(r"\s*([\d_]+(?:\.\d+)?)\s*([A-Za-z]*)\s*", part)
            unit = match and _UNITS.get(match[2].lower())
            if not match or not unit:
                raise LimitError(
                    f"the limit {text!r} is not understood: give rows (100_000), memory ('64MiB') or age ('10min'), "
                    f"or several with commas; units are {', '.join(name for name in _UNITS if name)}"
                )
            amount = int(float(match[1].replace("_", "")) * unit[1])
            if amount < 1:
                raise LimitError(f"the limit {text!r} keeps nothing; it must be above zero")
            bounds[unit[0]] = amount
        return cls(**bounds)

    def __str__(self) -> str:
        parts = []
        if self.rows is not None:
            parts.append(f"{self.rows} rows")
        if self.bytes is not None:
            parts.append(f"{self.bytes / 2**20:g} MiB")
        if self.seconds is not None:
            parts.append(f"{self.seconds:g} s")
        return ", ".join(parts) or "none"


#: Enough for five million small messages, and far below what a laptop has.
DEFAULT_LIMIT = Limit(bytes=512 * 2**20)
