"""What gdlab's log tells the person whose cell runs, and nobody else.

A library that leaves its log without a handler has Python write warnings to stderr, wherever they come from: one of a
thread then appears under whichever cell ran last. Here only what the cell's own thread is told stays, such as that a
capture was replaced because its arguments have changed. What happens elsewhere is a row, a status or an exception.
"""

from __future__ import annotations

import logging
import sys
import threading


class CellHandler(logging.Handler):
    """Writes warnings of the main thread to stderr, unless the program has set up a log of its own."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a record with a traceback is for the program's own log."""
        if logging.getLogger().handlers or record.exc_info or record.thread != threading.main_thread().ident:
            return
        try:
            print(record.getMessage(), file=sys.stderr)
        except Exception:  # noqa: BLE001 (as every handler: a log must not end what it tells of)
            self.handleError(record)


def set_up() -> None:
    """Give the log of gdlab its handler, once."""
    log = logging.getLogger("gdlab")
    if not any(isinstance(handler, CellHandler) for handler in log.handlers):
        log.addHandler(CellHandler())
