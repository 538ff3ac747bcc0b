"""Whether a diagnosis of a hidden fault is right, and why or why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gdlab.course.answers import NotUnderstood, number, words
from gdlab.course.faults import KINDS, PLACES, Fault
from gdlab.course.observed import Part
from gdlab.words import worded

#: How far a size may be off, relative; sizes below the second number may be off by so much in their unit.
_WITHIN: Final = {"%": (0.1, 0.35), "ms": (0.15, 3.0)}
_NAMES: Final = {"up": "the way to the server", "server": "the server", "down": "the way back"}
_MISSING: Final = ("loss", "burst")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was answered, and what is right of it.

    Attributes
    ----------
    place, kind, size : as understood; None where they were not.
    right_place, right_kind, right_size : of each.
    text : why.
    """

    place: str | None
    kind: str | None
    size: float | None
    right_place: bool
    right_kind: bool
    right_size: bool
    text: str

    @property
    def right(self) -> bool:
        """Whether all of it is."""
        return self.right_place and self.right_kind and self.right_size


def judge(fault: Fault, observed: dict[str, Part], place: object, kind: object, size: object) -> Diagnosis:
    """Compare a diagnosis with the fault and with what the student's own captures show."""
    said_place = _named(place, dict(PLACES))
    said_kind = _named(kind, {name: (name, f"{name}s") for name in KINDS})
    unit = KINDS[fault.kind][0]
    try:
        said_size = number(size, unit)
        problem = ""
    except NotUnderstood as error:
        said_size, problem = None, worded("Size: {error}.", error=error)
    right_place, right_kind = said_place == fault.place, said_kind == fault.kind
    texts = [_of_place(said_place, fault, observed), _of_kind(said_kind, fault, observed[fault.place])]
    right_size = False
    if said_size is not None:
        right_size = _close(said_size, fault, observed[fault.place])
        # A size means nothing beside another kind of fault.
        if right_place and right_kind:
            texts.append(_of_size(said_size, fault, observed, right=right_size))
    elif problem:
        texts.append(problem)
    return Diagnosis(
        said_place, said_kind, said_size, right_place, right_kind, right_size, " ".join(filter(None, texts))
    )


def _named(answer: object, known: dict[str, tuple[str, ...]]) -> str | None:
    try:
        said = words(answer)
    except NotUnderstood:
        return None
    return next((name for name, forms in known.items() if said in forms), None)


def _of_place(said: str | None, fault: Fault, observed: dict[str, Part]) -> str:
    if said is None:
        return worded("Place: one of {places}.", places=", ".join(PLACES))
    up, down = observed["up"], observed["down"]
    counts = worded(
        "the client sent {sent}, the server got {got} of them and answered {answered}, {back} answers came back",
        sent=up.entered,
        got=up.left,
        answered=observed["server"].left,
        back=down.left,
    )
    delays = worded(
        "up the delay is {up.delay_ms:.0f}±{up.spread_ms:.0f} ms, back {down.delay_ms:.0f}±{down.spread_ms:.0f} ms",
        up=up,
        down=down,
    )
    order = worded(
        "the way to the server: {up.twice} came twice, {up.overtaken} were overtaken, the way back: {down.twice} came "
        "twice, {down.overtaken} were overtaken",
        up=up,
        down=down,
    )
    why = counts if fault.kind in _MISSING else delays if fault.kind in {"delay", "jitter"} else order
    if said == fault.place:
        return worded("Place: yes, {name}; {why}.", name=worded(_NAMES[said]), why=why)
    if fault.place == "server":
        return worded(
            "Place: not {name}. Count what came into the server's capture and what left it.",
            name=worded(_NAMES[said]),
        )
    if said == "server":
        return worded("Place: not the server. What left it is what came into it; {why}.", why=why)
    return worded("Place: not {name}. Compare both captures: {why}.", name=worded(_NAMES[said]), why=why)


def _of_kind(said: str | None, fault: Fault, part: Part) -> str:
    if said is None:
        return worded("Kind: one of {kinds}.", kinds=", ".join(KINDS))
    if said == fault.kind:
        return worded("Kind: yes, {what}.", what=_shows(said))
    if fault.kind == "burst" and said == "loss":
        return worded(
            "Kind: something is missing, but look at the numbers: {run:.1f} in a row on average. Losses that know "
            "nothing of each other come in runs of {chance:.2f}.",
            run=part.run,
            chance=1 / max(0.01, part.left / max(1, part.entered)),
        )
    if fault.kind == "loss" and said == "burst":
        return worded(
            "Kind: something is missing, but {run:.2f} in a row on average is what chance alone gives.",
            run=part.run,
        )
    if fault.kind == "jitter" and said == "delay":
        return worded(
            "Kind: it is late, but not by the same: the standard deviation is {spread:.0f} ms, that of the other way "
            "about 1 ms.",
            spread=part.spread_ms,
        )
    if fault.kind == "delay" and said == "jitter":
        return worded(
            "Kind: all are late by the same: the standard deviation is only {spread:.1f} ms.",
            spread=part.spread_ms,
        )
    if fault.kind == "reorder" and said in _MISSING:
        return worded("Kind: nothing is missing there; some come after their turn. Count distinct numbers.")
    if fault.kind == "reorder" and said in {"delay", "jitter"}:
        return worded("Kind: most take what they always took; only some are late, and others overtake them.")
    if fault.kind == "duplicate":
        return worded("Kind: compare the number of rows with the number of different messages.")
    return worded(
        "Kind: not {said} ({what}): that is not what the captures show there.", said=said, what=_shows(said)
    )


def _shows(kind: str) -> str:
    """How a kind of fault shows itself."""
    return _parts(kind)[0]


def _parts(kind: str) -> list[str]:
    """How a kind of fault shows itself; and what its size is, where that is not a share."""
    return re.split(": ?|：", worded(KINDS[kind][1]))  # noqa: RUF001  # Chinese has a colon of its own


def _close(said: float, fault: Fault, part: Part) -> bool:
    relative, least = _WITHIN[KINDS[fault.kind][0]]
    measured = part.size(fault.kind)
    wanted = [measured] if fault.kind == "jitter" else [measured, float(fault.set_to)]
    return any(abs(said - each) <= max(relative * each, least) for each in wanted)


def _of_size(said: float, fault: Fault, observed: dict[str, Part], *, right: bool) -> str:
    part, unit = observed[fault.place], KINDS[fault.kind][0]
    measured = part.size(fault.kind)
    if right:
        values = {"measured": measured, "unit": unit, "messages": part.entered}
        if fault.kind == "jitter":
            return worded("Size: yes, {measured:.1f} {unit} here, of {messages} messages.", **values)
        return worded(
            "Size: yes, {measured:.1f} {unit} here, of {messages} messages; set were {set_to} {unit}, the rest is "
            "chance.",
            **values,
            set_to=fault.set_to,
        )
    if unit == "%":
        if _near(100 * said, measured):
            return worded("Size: that is the share; in per cent it is a hundred times that.")
        if _near(said, measured * part.entered / 100):
            return worded(
                "Size: that is how many. How many per cent is that of {messages}?", messages=part.entered
            )
        if fault.kind in _MISSING and _near(100 - said, measured):
            return worded("Size: that is what arrived. What is missing?")
        return worded("Size: not that much. Per cent of the messages that came to this part of the way.")
    if _near(1000 * said, measured):
        return worded("Size: in seconds. And in milliseconds?")
    if fault.kind == "delay" and _near(said, observed["up"].delay_ms + observed["down"].delay_ms):
        return worded("Size: that is the round trip. How long does this one way take?")
    if fault.kind == "jitter" and _near(said, part.delay_ms):
        return worded("Size: that is the delay's median. Its standard deviation says how much it varies.")
    return worded("Size: not that much. {what}, of this way alone.", what=_parts(fault.kind)[1].capitalize())


def _near(value: float, wanted: float) -> bool:
    return abs(value - wanted) <= 0.08 * abs(wanted)
