"""Recorded links: files that say when a packet may leave."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gdlab.errors import LinkError

#: Opportunities of a trace that are read: 20 minutes at 10 Mbit/s.
MAX_OPPORTUNITIES: Final = 1_000_000
_MAX_BYTES: Final = 16 * 2**20


class Trace:
    """Ways to get the `trace` of a `Link`."""

    @staticmethod
    def mahimahi(path: str | Path) -> tuple[int, ...]:
        """Read a file of mahimahi's `mm-link`: a line per 1,500 bytes that may leave, with the millisecond of it.

        Raises
        ------
        LinkError : not of that form, or too long.
        """
        where = Path(path)
        if where.stat().st_size > _MAX_BYTES:
            raise LinkError(f"{where.name} has over {_MAX_BYTES >> 20} MiB; cut it into pieces")
        times: list[int] = []
        for number, line in enumerate(where.read_text(encoding="ascii", errors="replace").splitlines(), 1):
            text = line.strip()
            if not text:
                continue
            if not text.isdigit() or len(text) > 12:
                raise LinkError(
                    f"{where.name}, line {number}: {text[:40]!r} is no whole number of milliseconds"
                )
            times.append(int(text))
            if len(times) > MAX_OPPORTUNITIES:
                raise LinkError(f"{where.name} has over {MAX_OPPORTUNITIES} lines; cut it into pieces")
        if not times or times != sorted(times) or times[-1] <= 0:
            raise LinkError(f"{where.name}: the milliseconds must rise and end above 0")
        return tuple(times)
