"""Capturing without a notebook, until the system asks to end: for servers, containers and systemd."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from gdlab.capture import Capture, listen

_STATUS_S = 1.0
_ENDING = (signal.SIGTERM, signal.SIGINT)


def capture(
    addresses: Sequence[str],
    *,
    spill: Path | None,
    parts: str | None = None,
    limit: str | None,
    host: str | None,
    seconds: float | None,
    framing: str,
    out: TextIO | None = None,
) -> int:
    """Capture until SIGTERM, Ctrl-C or the time is up; return the exit status.

    Parameters
    ----------
    spill : the folder that all rows are written to as they arrive.
    parts, limit, host, framing : as for `gdlab.listen`.
    seconds : how long; None for until it is asked to end.
    out : where the status goes: one line rewritten on a terminal, else a line per minute.

    Returns
    -------
    0 after an orderly end, 1 where an endpoint had failed or the disk had not taken all rows.
    """
    out = sys.stdout if out is None else out
    ended = threading.Event()
    before = _on_end(ended)
    try:
        with listen(*addresses, spill=spill, parts=parts, limit=limit, host=host, framing=framing) as cap:
            _tell(
                out, f"capturing on {', '.join(cap.addresses)}" + (f", rows go to {spill}" if spill else "")
            )
            _watch(cap, ended, seconds, out)
        return _told_at_end(cap, out)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_end(ended: threading.Event) -> dict[signal.Signals, Any]:
    """End in order when asked; gives what stood there before. Only the main thread may set such a thing."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, lambda *_: ended.set()) for number in _ENDING}


def _watch(cap: Capture, ended: threading.Event, seconds: float | None, out: TextIO) -> None:
    begun = time.monotonic()
    said = begun
    while not ended.is_set() and cap.running:
        left = _STATUS_S if seconds is None else min(_STATUS_S, begun + seconds - time.monotonic())
        if left <= 0:
            return
        ended.wait(left)
        now = time.monotonic()
        if out.isatty():
            out.write(f"\r\x1b[K{cap.status.text}")
            out.flush()
        elif now - said >= 60:
            said = now
            _tell(out, cap.status.text)


def _told_at_end(cap: Capture, out: TextIO) -> int:
    if out.isatty():
        out.write("\r\x1b[K")
    statistics = cap.statistics()
    _tell(
        out,
        f"ended: {statistics.received} messages received, {statistics.kernel_drops or 0} dropped by the system",
    )
    spilled = cap.spilled
    failed = statistics.errors > 0 and statistics.received == 0
    if spilled is not None:
        _tell(out, f"{spilled.rows} rows on the disk, {spilled.missed_rows} missed")
        failed = failed or bool(spilled.missed_rows or spilled.errors)
    return int(failed)


def _tell(out: TextIO, text: str) -> None:
    out.write(text + "\n")
    out.flush()
