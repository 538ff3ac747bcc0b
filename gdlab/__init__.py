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

from importlib import import_module
from typing import TYPE_CHECKING

from gdlab import cell_log
from gdlab.capture import Capture, Recording, connect, listen, load, show_with, stop_all, tabular
from gdlab.capture import accessor as _accessor  # noqa: F401  # registers `df.gdlab`
from gdlab.errors import GdlabError, MissingDependency
from gdlab.messages import Message
from gdlab.sizes.call import sizes
from gdlab.transports import replies
from gdlab.words import language

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType
    from typing import Any

    from gdlab import analysis, course, godot, impair, variant, widgets
    from gdlab.analysis.merging_path import merge
    from gdlab.capture.overlay import overlay
    from gdlab.capture.samples import sample
    from gdlab.codecs import explain
    from gdlab.course.contents import lessons
    from gdlab.course.marks import marks
    from gdlab.course.roster import roster
    from gdlab.datasets.dataset import dataset
    from gdlab.diagnostics.doctor import doctor
    from gdlab.impair import Flap, Handover, Link, Outage, Ramp, Spike, Trace
    from gdlab.relays import Relay, relay, replay
    from gdlab.traffic import demo_game
    from gdlab.watching import debugger, together, watch
    from gdlab.widgets import Dashboard

__all__ = [
    "Capture",
    "Flap",
    "GdlabError",
    "Handover",
    "Link",
    "Message",
    "Outage",
    "Ramp",
    "Recording",
    "Spike",
    "Trace",
    "analysis",
    "connect",
    "course",
    "dashboard",
    "dataset",
    "debugger",
    "demo_game",
    "doctor",
    "explain",
    "godot",
    "impair",
    "language",
    "lessons",
    "listen",
    "load",
    "marks",
    "merge",
    "overlay",
    "relay",
    "replay",
    "replies",
    "roster",
    "sample",
    "sizes",
    "stop_all",
    "together",
    "variant",
    "watch",
    "widgets",
]

#: What a listener does not need, loaded when it is first used: where each name comes from, and what it is there
#: (empty: the module itself). Importing gdlab must cost little and never load ipywidgets or matplotlib.
_LATER = {
    "analysis": ("gdlab.analysis", ""),
    "course": ("gdlab.course", ""),
    "dataset": ("gdlab.datasets.dataset", "dataset"),
    "debugger": ("gdlab.watching", "debugger"),
    "demo_game": ("gdlab.traffic", "demo_game"),
    "doctor": ("gdlab.diagnostics", "doctor"),
    "explain": ("gdlab.codecs", "explain"),
    "godot": ("gdlab.godot", ""),
    "impair": ("gdlab.impair", ""),
    "lessons": ("gdlab.course.contents", "lessons"),
    "marks": ("gdlab.course.marks", "marks"),
    "merge": ("gdlab.analysis.merging_path", "merge"),
    "overlay": ("gdlab.capture.overlay", "overlay"),
    "relay": ("gdlab.relays", "relay"),
    "replay": ("gdlab.relays", "replay"),
    "roster": ("gdlab.course.roster", "roster"),
    "sample": ("gdlab.capture.samples", "sample"),
    "together": ("gdlab.watching", "together"),
    "variant": ("gdlab.variant", ""),
    "watch": ("gdlab.watching", "watch"),
    **{
        name: ("gdlab.impair", name)
        for name in ("Flap", "Handover", "Link", "Outage", "Ramp", "Spike", "Trace")
    },
}

cell_log.set_up()


def dashboard(*captures: Capture | Recording | Relay, folder: str | Path = ".") -> Dashboard:
    """Return the dashboard of this kernel: start listeners, see traffic, measure and save it with the mouse.

    Parameters
    ----------
    captures : to show, such as results of `listen`, `load` or `relay`; captures that run are shown anyway. The last
        one is followed.
    folder : where its CSV buttons write; by default the folder the notebook runs in.

    Returns
    -------
    `gdlab.widgets.Dashboard`, an ordinary ipywidget; the same one each time until it is closed, so that running the
    cell again is safe.

    Raises
    ------
    MissingDependency : ipywidgets is not installed.
    """
    shown: Dashboard = _widgets().dashboard(*captures, folder=folder)
    return shown


def __getattr__(name: str) -> Any:
    """Load what is used for the first time."""
    if name == "widgets":
        return _widgets()
    if name == "__version__":
        from importlib import metadata

        return metadata.version("gdlab")
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, member = _LATER[name]
    found = import_module(module)
    if module == "gdlab.watching":
        found.show_with(_live_watch)
    if module == "gdlab.relays":
        import_module("gdlab.relays.live_relay").show_with(_live_relay)
    value = globals()[name] = getattr(found, member) if member else found
    return value


def __dir__() -> list[str]:
    """What users call."""
    return [*__all__, "__version__"]


def _widgets() -> ModuleType:
    try:
        return import_module("gdlab.widgets")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "gdlab":
            raise
        raise MissingDependency(
            f"the dashboard needs {error.name}, which is not installed in this kernel's environment; install it with: "
            "pip install 'gdlab[lab]', then restart the kernel. Captures show themselves as HTML without it"
        ) from error


def _live(capture: Capture) -> Any:
    """Draw a capture that a cell shows; ipywidgets is loaded when this first happens."""
    try:
        return _widgets().live(capture)
    except MissingDependency:  # the HTML form remains
        show_with(None)
        return None


def _live_watch(watch: Any) -> Any:
    """Draw a watch that a cell shows."""
    try:
        return _widgets().watch_view(watch)
    except MissingDependency:  # the HTML form remains
        return None


def _live_relay(px: Any) -> Any:
    """Draw a relay that a cell shows."""
    try:
        return _widgets().relay_view(px)
    except MissingDependency:  # the HTML form remains
        return None


def _find_watch(capture: tabular.Tabular) -> Any:
    """Ask `gdlab.watching` for the watch of a capture, without loading it where there can be none."""
    beside = isinstance(capture, Recording) and capture.path.with_suffix(tabular.WATCH_SUFFIX).is_dir()
    return import_module("gdlab.watching").of(capture) if beside else None


show_with(_live)
tabular.find_watch = _find_watch  # until `gdlab.watching` is loaded, which puts its own there


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext gdlab``: the magics ``%%gdscript`` and ``%gdlab``, see `gdlab.magic`."""
    from gdlab import magic

    magic.register(shell)
