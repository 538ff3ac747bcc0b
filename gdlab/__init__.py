"""gdlab: see, measure and teach what a Godot 4 game does on the network.

::

    import gdlab as gd

    cap = gd.listen("udp://127.0.0.1:4242")   # running at once
    cap                                        # in a notebook: the live view
    cap.df                                     # what has arrived, as a DataFrame
    cap.to_csv("run1.csv")
    cap.stop()
"""

from __future__ import annotations

from importlib import metadata
from typing import Any

from gdlab import course, godot
from gdlab.capture import Capture, Recording, connect, listen, load, show_with, stop_all
from gdlab.capture import accessor as _accessor  # noqa: F401  # registers `df.gdlab`
from gdlab.capture.samples import sample
from gdlab.capture.sizes import sizes
from gdlab.checkup import doctor
from gdlab.errors import GdlabError
from gdlab.messages import Message
from gdlab.traffic import play
from gdlab.transports import replies

__all__ = [
    "Capture",
    "GdlabError",
    "Message",
    "Recording",
    "connect",
    "course",
    "doctor",
    "godot",
    "listen",
    "load",
    "play",
    "replies",
    "sample",
    "sizes",
    "stop_all",
]

__version__ = metadata.version("gdlab")


def _live(capture: Capture) -> Any:
    """Draw a capture that a cell shows; ipywidgets is loaded when this first happens."""
    try:
        from gdlab import widgets
    except ImportError:  # a kernel without ipywidgets: the HTML form remains
        show_with(None)
        return capture
    return widgets.live(capture)


show_with(_live)


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext gdlab``: the magics ``%%gdscript`` and ``%gdlab``, see `gdlab.magic`."""
    from gdlab import magic

    magic.register(shell)
