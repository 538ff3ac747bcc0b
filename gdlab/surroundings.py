"""What the Python that runs gdlab can do: in a browser there are no threads, sockets or processes."""

from __future__ import annotations

import sys
import threading
from functools import cache

from gdlab.errors import NotPossibleHere


@cache
def have_threads() -> bool:
    """Whether a thread can be started; where it cannot, there are no sockets and no processes, either."""
    if sys.platform == "emscripten":
        return False
    thread = threading.Thread(target=_nothing, name="gdlab try", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return False
    thread.join()
    return True


def demand(what: str) -> None:
    """Let only a Python go on that has threads and sockets.

    Parameters
    ----------
    what : cannot be done elsewhere, as the beginning of a sentence: ``"gd.listen needs"``.

    Raises
    ------
    NotPossibleHere : this one has not; it names the way out.
    """
    if not have_threads():
        raise NotPossibleHere(
            f"{what} threads and sockets, and this Python has none, as in a browser. What works here are samples and "
            "loaded files: gd.sample(), gd.load(). To listen to a game, install gdlab on a computer: "
            "pip install 'gdlab[lab]'"
        )


def _nothing() -> None:
    pass
