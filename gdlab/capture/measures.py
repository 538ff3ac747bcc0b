"""The measures as methods: `cap.rates()`, `rec.rates()` and `df.gdlab.rates()` are `analysis.rates` itself."""

from __future__ import annotations

import functools
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

import pandas as pd

if TYPE_CHECKING:
    from gdlab.sizes import SizeReport


class _Names:
    """`gdlab.analysis` by name: whoever only listens needs no measure."""

    def __getattr__(self, name: str) -> str:
        return name


#: Only type checkers look in there. Under TYPE_CHECKING they would, too, but too late to infer the methods' types.
_FOR_CHECKERS: bool = False

if _FOR_CHECKERS:
    from gdlab import analysis
else:
    analysis = cast("Any", _Names())

P = ParamSpec("P")
R = TypeVar("R")

#: The section of a docstring that lists the parameters: its heading, then its entries.
_PARAMETERS = re.compile(r"    Parameters\n    -+\n((?:    .*\n|\n(?=        ))*)")
#: The first entry: its names, what is said of it in the line, the lines below it.
_FIRST = re.compile(r"    (\w+)((?:, \w+)*)( : .*\n)((?:        .*\n)*)")


def taken(measure: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """Make a method of a measure: the object takes the place of its first argument, everything else stays.

    The method has the measure's own signature, so that a notebook shows its arguments, and its docstring without the
    first argument. It is made when it is first looked at, by a call or by a notebook.
    """
    return cast("Callable[Concatenate[Any, P], R]", _Later(cast("str", measure)))


class _Later:
    """Stands for a method until it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, one: object, owner: type) -> Any:
        setattr(Measures, self._name, _method(getattr(import_module("gdlab.analysis"), self._name)))
        return getattr(owner if one is None else one, self._name)


def _method(measure: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:

    @functools.wraps(measure)
    def method(self: Any, /, *args: P.args, **options: P.kwargs) -> R:
        return measure(self, *args, **options)

    method.__doc__ = without_first_parameter(measure.__doc__ or "")
    return method


def without_first_parameter(doc: str) -> str:
    """Return a docstring (NumPy form) without the entry of the first parameter, and without a section left empty."""
    section = _PARAMETERS.search(doc)
    first = _FIRST.match(section[1]) if section else None
    if section is None or first is None:
        return doc
    others = first[2].removeprefix(", ")
    entries = (f"    {others}{first[3]}{first[4]}" if others else "") + section[1][first.end() :]
    heading = section[0][: -len(section[1])]
    kept = heading + entries if entries.strip() else ""
    return doc[: section.start()] + kept + doc[section.end() :].lstrip("\n" if not kept else "")


class Measures(ABC):
    """What is measured of messages; each method is the function of `gdlab.analysis` of the same name."""

    @property
    @abstractmethod
    def df(self) -> pd.DataFrame:
        """The table, with the columns of `gdlab.messages.SCHEMA`; yours to change."""

    # How much, how fast.
    rates = taken(analysis.rates)
    overhead = taken(analysis.overhead)
    conversations = taken(analysis.conversations)
    visitors = taken(analysis.visitors)

    # How evenly, how late.
    inter_arrival = taken(analysis.inter_arrival)
    jitter = taken(analysis.jitter)
    round_trips = taken(analysis.round_trips)
    response_times = taken(analysis.response_times)
    latency = taken(analysis.latency)
    clock_offsets = taken(analysis.clock_offsets)
    one_way_delay = taken(analysis.one_way_delay)
    delay_above_least = taken(analysis.delay_above_least)
    frame_rate = taken(analysis.frame_rate)
    probes = taken(analysis.probes)
    playout = taken(analysis.playout)

    # What is missing.
    sequence = taken(analysis.sequence)
    numbered = taken(analysis.numbered)
    where_lost = taken(analysis.where_lost)
    merge = taken(analysis.merge)

    # All of it.
    measures = taken(analysis.measures)
    compare = taken(analysis.compare)
    findings = taken(analysis.findings)

    def sizes(
        self,
        *,
        rate_hz: float | None = None,
        peers: int | None = None,
        over: str | None = None,
        double: bool = False,
    ) -> SizeReport:
        """What the messages cost in memory, in other encodings and on the wire; see `gdlab.sizes`.

        Parameters
        ----------
        rate_hz : messages per second, to each peer; adds bytes per second.
        peers : receivers, 1 by default.
        over : ``udp``, ``tcp`` or ``ws``; all three by default.
        double : in a double-precision build of Godot.
        """
        from gdlab.sizes.call import sizes

        return sizes(self, rate_hz=rate_hz, peers=peers, over=over, double=double)
