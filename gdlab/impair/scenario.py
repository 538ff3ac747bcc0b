"""Conditions that change: outages, spikes, ramps, and lists of them with their times."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from gdlab.errors import LinkError
from gdlab.impair.link import Link, changes_as_json, changes_from_json
from gdlab.impair.truth import WAYS

#: Steps of a ramp, and the most things that a scenario may do in one round.
RAMP_STEP_S: Final = 0.1
MAX_STEPS: Final = 100_000
#: A `Flap` at the end of a list without `repeat` goes on for so long.
_FLAP_S: Final = 3600.0

#: Changes of a link by field name, or of ``up`` and ``down`` apart.
Changes: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outage:
    """The line is down for `s` seconds. `hold` keeps what comes until it is up again, as a radio's buffer does."""

    s: float
    hold: bool = False
    way: str = "both"

    def __post_init__(self) -> None:
        _positive("Outage", self.s)
        ways_of(self.way)


@dataclass(frozen=True, slots=True)
class Spike:
    """For `s` seconds every packet takes `delay_ms` longer."""

    s: float
    delay_ms: float = 400.0
    way: str = "both"

    def __post_init__(self) -> None:
        _positive("Spike", self.s)
        _positive("Spike", self.delay_ms, "delay_ms")
        ways_of(self.way)


@dataclass(frozen=True, slots=True)
class Handover:
    """A move to another radio cell: nothing passes for `gap_ms`, what came is kept; then other conditions, if any."""

    gap_ms: float = 150.0
    then: Changes | None = None

    def __post_init__(self) -> None:
        _positive("Handover", self.gap_ms, "gap_ms")


@dataclass(frozen=True, slots=True)
class Flap:
    """The line goes down for `down_s` after each `up_s`, until the next entry of the list."""

    up_s: float
    down_s: float
    hold: bool = False

    def __post_init__(self) -> None:
        _positive("Flap", self.up_s, "up_s")
        _positive("Flap", self.down_s, "down_s")


class Ramp:
    """Values that change gradually to these within `s` seconds, both ways or separately by ``up=`` and ``down=``."""

    def __init__(self, s: float, **values: object) -> None:
        _positive("Ramp", s)
        if not values:
            raise LinkError("a Ramp needs a value to go to, such as Ramp(5, delay_ms=200)")
        self.s = s
        self.values: dict[str, Any] = values

    def __repr__(self) -> str:
        return f"Ramp({self.s:g}, {', '.join(f'{name}={value!r}' for name, value in self.values.items())})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ramp) and (self.s, self.values) == (other.s, other.values)

    def __hash__(self) -> int:
        return hash((self.s, tuple(sorted(self.values))))


Entry: TypeAlias = Outage | Spike | Handover | Flap | Ramp | Link | Changes | str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do at one time.

    Attributes
    ----------
    at_s : seconds from the scenario's beginning.
    do : ``set``, ``outage`` or ``spike``.
    way : ``up``, ``down`` or ``both``.
    fields : the fields to set; ``s`` and ``hold`` or ``delay_ms`` of the others. ``whole`` replaces the link.
    """

    at_s: float
    do: str
    way: str
    fields: dict[str, Any] = field(default_factory=dict)
    whole: bool = False
    client: int | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-able."""
        values = changes_as_json(self.fields)
        out: dict[str, Any] = {"at_s": self.at_s, "do": self.do, "way": self.way, "values": values}
        if self.whole:
            out["whole"] = True
        if self.client is not None:
            out["client"] = self.client
        return out

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Step:
        """Read back what `as_json` wrote."""
        return Step(
            float(data["at_s"]),
            str(data["do"]),
            str(data["way"]),
            changes_from_json(data["values"]),
            bool(data.get("whole")),
            data.get("client"),
        )


@dataclass(frozen=True, slots=True)
class Scenario:
    """Steps in order of time; repeated every `period_s` seconds where that is given."""

    steps: tuple[Step, ...]
    period_s: float | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-able."""
        return {"steps": [step.as_json() for step in self.steps], "period_s": self.period_s}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Scenario:
        """Read back what `as_json` wrote."""
        return Scenario(tuple(map(Step.from_json, data["steps"])), data["period_s"])


def ways_of(way: str) -> tuple[str, ...]:
    """Return the ways that a word names."""
    if way == "both":
        return WAYS
    if way not in WAYS:
        raise LinkError(f"way is {way!r}; there are 'up' (towards the server), 'down' and 'both'")
    return (way,)


def settings(changes: Changes, at_s: float = 0.0, *, whole: bool = False) -> list[Step]:
    """Take changes apart by way: ``{"delay_ms": 80, "up": {"loss": 0.1}}``.

    Raises
    ------
    LinkError : a field that no link has, or an impossible value.
    """
    both = {name: value for name, value in changes.items() if name not in WAYS}
    steps = []
    if both:
        Link().with_(both)
        steps.append(Step(at_s, "set", "both", both, whole))
    for way in WAYS:
        values = changes.get(way)
        if values is None:
            continue
        if isinstance(values, Link):
            steps.append(Step(at_s, "set", way, values.as_json(), whole=True))
        elif isinstance(values, Mapping):
            Link().with_(values)
            steps.append(Step(at_s, "set", way, dict(values), whole))
        else:
            raise LinkError(f"{way} is {values!r}; give a Link or a dict of its fields")
    return steps


def scenario(
    entries: Iterable[tuple[float, Entry]],
    *,
    repeat: bool | float = False,
    presets: Mapping[str, tuple[Link, Link]] | None = None,
) -> Scenario:
    """Read a list of ``(seconds, what)``.

    Parameters
    ----------
    entries : times from the beginning on, each with an `Outage`, `Spike`, `Handover`, `Flap`, `Ramp`, a `Link` for
        both ways, a dict of changes, or a preset's name.
    repeat : begin again after the last entry's time and length; a number is the period in seconds.
    presets : links, up and down, of the names.

    Raises
    ------
    LinkError : times that go back, something that is none of these, or too much of it.
    """
    listed = [(float(at), what) for at, what in entries]
    if any(at < 0 for at, _ in listed) or any(
        later[0] < earlier[0] for earlier, later in itertools.pairwise(listed)
    ):
        raise LinkError("the times of a scenario must be seconds from 0 on, in rising order")
    if not listed:
        raise LinkError('a scenario needs entries, such as [(0, "4g-good"), (10, Outage(1.5))]')
    period = repeat if isinstance(repeat, int | float) and not isinstance(repeat, bool) else None
    if period is not None and period < listed[-1][0]:
        raise LinkError(f"repeat is {period:g} s, but the last entry is at {listed[-1][0]:g} s")
    steps: list[Step] = []
    known: dict[str, dict[str, Any]] = {way: {} for way in WAYS}
    for place, (at, what) in enumerate(listed):
        until = listed[place + 1][0] if place + 1 < len(listed) else period
        steps += _steps(at, what, until, known, presets or {})
        if len(steps) > MAX_STEPS:
            raise LinkError(f"the scenario has over {MAX_STEPS} steps; make it shorter and repeat it")
    if repeat is True:
        period = (
            max(step.at_s + float(step.fields.get("s", 0.0)) for step in steps if step.do != "set")
            if any(step.do != "set" for step in steps)
            else 0.0
        )
        period = max(period, steps[-1].at_s)
        if period <= 0:
            raise LinkError("a scenario that repeats needs to last: give repeat= its period in seconds")
    return Scenario(tuple(sorted(steps, key=lambda step: step.at_s)), period)


def _steps(
    at: float,
    what: Entry,
    until: float | None,
    known: dict[str, dict[str, Any]],
    presets: Mapping[str, tuple[Link, Link]],
) -> list[Step]:
    if isinstance(what, Outage):
        return [Step(at, "outage", what.way, {"s": what.s, "hold": what.hold})]
    if isinstance(what, Spike):
        return [Step(at, "spike", what.way, {"s": what.s, "delay_ms": what.delay_ms})]
    if isinstance(what, Handover):
        gap = what.gap_ms / 1e3
        steps = [Step(at, "outage", "both", {"s": gap, "hold": True})]
        return steps + _remembered(settings(what.then, at + gap) if what.then else [], known)
    if isinstance(what, Flap):
        end = at + _FLAP_S if until is None else until
        count = int((end - at) / (what.up_s + what.down_s) + 1e-9)
        return [
            Step(
                at + k * (what.up_s + what.down_s) + what.up_s,
                "outage",
                "both",
                {"s": what.down_s, "hold": what.hold},
            )
            for k in range(min(count, MAX_STEPS + 1))
        ]
    if isinstance(what, Ramp):
        return _remembered(_ramp(at, what, known), known)
    if isinstance(what, Link):
        return _remembered([Step(at, "set", "both", what.as_json(), whole=True)], known)
    if isinstance(what, str):
        if what not in presets:
            raise LinkError(f"there is no preset {what!r}; there are {', '.join(presets)}")
        links = zip(WAYS, presets[what], strict=True)
        return _remembered([Step(at, "set", way, link.as_json(), whole=True) for way, link in links], known)
    if isinstance(what, Mapping):
        return _remembered(settings(what, at), known)
    raise LinkError(
        f"a scenario cannot do {what!r}; see `Outage`, `Spike`, `Handover`, `Flap`, `Ramp`, `Link`"
    )


def _remembered(steps: list[Step], known: dict[str, dict[str, Any]]) -> list[Step]:
    for step in steps:
        for way in ways_of(step.way):
            if step.whole:
                known[way] = dict(step.fields)
            else:
                known[way].update(step.fields)
    return steps


def _ramp(at: float, ramp: Ramp, known: dict[str, dict[str, Any]]) -> list[Step]:
    steps = []
    count = max(1, round(ramp.s / RAMP_STEP_S))
    if count > MAX_STEPS:
        raise LinkError(f"a ramp of {ramp.s:g} s has too many steps; make it shorter")
    plain = Link()
    for target in settings(ramp.values):
        for way in ways_of(target.way):
            begin = {}
            for name, value in target.fields.items():
                now = known[way].get(name, getattr(plain, name))
                if isinstance(value, bool) or not isinstance(value, int | float):
                    raise LinkError(f"a Ramp goes from number to number, and {name}={value!r} is none")
                begin[name] = value if now is None else float(now)
            for k in range(1, count + 1):
                share = k / count
                values = {
                    name: begin[name] + share * (value - begin[name]) for name, value in target.fields.items()
                }
                steps.append(Step(at + ramp.s * share, "set", way, values))
    return sorted(steps, key=lambda step: step.at_s)


def from_columns(
    times_s: Sequence[float], columns: Mapping[str, Sequence[Any]]
) -> list[tuple[float, Changes]]:
    """Entries out of a table's columns, such as ``up.delay_ms`` and ``loss``; missing values change nothing."""
    entries: list[tuple[float, Changes]] = []
    for row, at in enumerate(times_s):
        changes: dict[str, Any] = {}
        for name, values in columns.items():
            value = values[row]
            if value is None or value != value:
                continue
            value = value.item() if hasattr(value, "item") else value
            way, _, fieldname = name.rpartition(".")
            if way:
                ways_of(way)
                changes.setdefault(way, {})[fieldname] = value
            else:
                changes[fieldname] = value
        if changes:
            entries.append((float(at), changes))
    return entries


def _positive(what: str, value: Any, name: str = "s") -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise LinkError(f"{name} of {what} is {value!r}, but must be above 0")
