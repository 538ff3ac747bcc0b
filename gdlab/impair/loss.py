"""Which packets are lost: the models a user names, and what decides for each packet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

import numpy as np

from gdlab.errors import LinkError
from gdlab.impair.streams import CHUNK, Stream

#: States as the truth table names them.
GOOD: Final = 0
BAD: Final = 1
#: One step of the chain in time.
GRID_NS: Final = 1_000_000
#: So many chunks back is looked for the last change of state; before that it is drawn anew.
_LOOK_BACK: Final = 64


@dataclass(frozen=True, slots=True)
class GilbertElliott:
    """Two states, each with its own share of losses; the state may change after every packet.

    Attributes
    ----------
    to_bad, to_good : how likely the state changes.
    loss_good, loss_bad : share lost in each state.
    starts_good : begin in the good state, as netem does, instead of in either as often as it occurs.
    """

    to_bad: float
    to_good: float
    loss_good: float = 0.0
    loss_bad: float = 1.0
    starts_good: bool = False

    def __post_init__(self) -> None:
        _check_shares(self, ("to_bad", "to_good", "loss_good", "loss_bad"))

    @property
    def loss(self) -> float:
        """Share that is lost in the long run."""
        moves = self.to_bad + self.to_good
        if moves == 0:
            return self.loss_good
        return (self.to_good * self.loss_good + self.to_bad * self.loss_bad) / moves


@dataclass(frozen=True, slots=True)
class Markov4:
    """Four states: received and lost within a burst (2, 3), received outside (1), lost alone (4).

    The transitions are those of netem's `loss state`: 1 to 3, 3 to 1, 3 to 2, 2 to 3, 1 to 4. From 4 it goes back
    to 1.
    """

    p13: float
    p31: float
    p32: float = 0.0
    p23: float = 1.0
    p14: float = 0.0

    def __post_init__(self) -> None:
        _check_shares(self, ("p13", "p31", "p32", "p23", "p14"))
        if self.p13 + self.p14 > 1 or self.p31 + self.p32 > 1:
            raise LinkError(f"{self}: the ways out of a state cannot be likelier than 1 together")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Packets lost by a list that is repeated: ``"0010"`` loses every fourth, the third first (1 is lost)."""

    pattern: str

    def __post_init__(self) -> None:
        if not self.pattern or set(self.pattern) - {"0", "1"} or len(self.pattern) > 1_000_000:
            raise LinkError(
                f"a pattern is a text of 0 (passes) and 1 (lost), such as '0010', not {self.pattern!r}"
            )


@dataclass(frozen=True, slots=True)
class Every:
    """Each n-th packet is lost, the n-th first."""

    n: int

    def __post_init__(self) -> None:
        if not isinstance(self.n, int) or self.n < 1:
            raise LinkError(f"every is {self.n!r}; give a whole number from 1 on")


LossModel: TypeAlias = GilbertElliott | Markov4 | Pattern | Every

_MODELS: Final = {model.__name__: model for model in (GilbertElliott, Markov4, Pattern, Every)}


def loss_from_json(values: Mapping[str, Any]) -> LossModel:
    """Understand a model as `Link.as_json` writes it."""
    kind = _MODELS.get(str(values.get("kind")))
    if kind is None:
        raise LinkError(f"no loss model {values.get('kind')!r}; there are {', '.join(_MODELS)}")
    made: LossModel = kind(**{name: value for name, value in values.items() if name != "kind"})
    return made


class Losing(Protocol):
    """Decides on packets one after the other."""

    state: int

    def loses(self, number: int, time_ns: int, fragments: int) -> bool:
        """Whether this packet is lost; called once for each, in order."""


class Independent:
    """Each packet by itself."""

    def __init__(self, stream: Stream, share: float) -> None:
        self.state = GOOD
        self._stream = stream
        self._share = share

    def loses(self, number: int, time_ns: int, fragments: int) -> bool:
        """See `Losing`."""
        return self._stream.at(number) < of_any(self._share, fragments)


class TwoStates:
    """`GilbertElliott` by packets.

    One number moves both states: a small one sets the state bad, a large one good, any other leaves it. That has the
    chain's law wherever the two chances are at most 1 together, and a property that drawing a flip has not: with more
    loss (at equal burst length) all packets are lost that were lost before.
    """

    def __init__(self, streams: Streams, model: GilbertElliott, state: int | None) -> None:
        self._loss, self._moves = streams.loss, streams.moves
        self._model = model
        if state in {GOOD, BAD}:
            self.state = state
        elif model.starts_good or model.to_bad + model.to_good == 0:
            self.state = GOOD
        else:
            share = model.to_bad / (model.to_bad + model.to_good)
            self.state = BAD if streams.start.at(0) < share else GOOD
        self._next = self.state
        self._one_number = model.to_bad + model.to_good <= 1

    def loses(self, number: int, time_ns: int, fragments: int) -> bool:
        """See `Losing`; by the state before the step, as netem does."""
        model = self._model
        state = self.state = self._next
        lost = self._loss.at(number) < of_any(model.loss_bad if state else model.loss_good, fragments)
        move = self._moves.at(number)
        if self._one_number:
            if move < model.to_bad:
                self._next = BAD
            elif move >= 1 - model.to_good:
                self._next = GOOD
        elif move < (model.to_good if state else model.to_bad):
            self._next = GOOD if state else BAD
        return lost


class BadTimes:
    """Two states on a grid of time: outages of `burst_ms` on average, whatever the packet rate.

    The state at any moment is found without the moments before it: it is what the last deciding number set.
    """

    def __init__(self, streams: Streams, share: float, burst_ms: float, began_ns: int) -> None:
        self.state = GOOD
        self._moves = streams.moves
        self._start = streams.start
        self._began_ns = began_ns
        self._share = share
        self._to_good = 1 - math.exp(-1 / burst_ms)
        self._to_bad = 1 - math.exp(-share / (burst_ms * (1 - share))) if share else 0.0
        self._chunk = -1
        self._states: list[int] = []

    def loses(self, number: int, time_ns: int, fragments: int) -> bool:
        """See `Losing`."""
        step = max(0, time_ns - self._began_ns) // GRID_NS
        chunk = step // CHUNK
        if chunk != self._chunk:
            self._states = self._of_chunk(chunk)
            self._chunk = chunk
        self.state = self._states[step % CHUNK]
        return self.state == BAD

    def _of_chunk(self, chunk: int) -> list[int]:
        state = self._before(chunk)
        set_to = self._set_to(chunk)
        last = np.maximum.accumulate(np.where(set_to >= 0, np.arange(CHUNK), -1))
        states: list[int] = np.where(last >= 0, set_to[np.maximum(last, 0)], state).tolist()
        return states

    def _set_to(self, chunk: int) -> Any:
        moves = self._moves.chunk(chunk)
        return np.where(moves < self._to_bad, BAD, np.where(moves >= 1 - self._to_good, GOOD, -1))

    def _before(self, chunk: int) -> int:
        for earlier in range(chunk - 1, max(-1, chunk - 1 - _LOOK_BACK), -1):
            set_to = self._set_to(earlier)
            decided = np.flatnonzero(set_to >= 0)
            if len(decided):
                return int(set_to[decided[-1]])
        return BAD if self._start.at(max(0, chunk - _LOOK_BACK)) < self._share else GOOD


class FourStates:
    """`Markov4`."""

    def __init__(self, streams: Streams, model: Markov4, state: int | None) -> None:
        self._loss = streams.loss
        self._model = model
        self.state = state if state in {1, 2, 3, 4} else 1

    def loses(self, number: int, time_ns: int, fragments: int) -> bool:
        """See `Losing`."""
        draw, model = self._loss.at(number), self._model
        if self.state == 1:
            self.state = 4 if draw < model.p14 else 3 if draw < model.p14 + model.p13 else 1
        elif self.state == 2:
            self.state = 3 if draw < model.p23 else 2
        elif self.state == 3:
            self.state = 2 if draw < model.p32 else 1 if draw < model.p32 + model.p31 else 3
        else:
            self.state = 1
        return self.state >= 3


class Listed:
    """`Pattern` and `Every`: no chance in it."""

    def __init__(self, pattern: str) -> None:
        self.state = GOOD
        self._pattern = pattern

    def loses(self, number: int, time_ns: int, fragments: int) -> bool:
        """See `Losing`."""
        return self._pattern[number % len(self._pattern)] == "1"


class EveryNth:
    """`Every`."""

    def __init__(self, n: int) -> None:
        self.state = GOOD
        self._n = n

    def loses(self, number: int, time_ns: int, fragments: int) -> bool:
        """See `Losing`."""
        return number % self._n == self._n - 1


class Streams:
    """The random numbers of the loss of one client and way."""

    __slots__ = ("loss", "moves", "start")

    def __init__(self, seed: int, client: int, way: str) -> None:
        self.loss = Stream(seed, client, way, "loss")
        self.moves = Stream(seed, client, way, "state")
        self.start = Stream(seed, client, way, "start")


def deciding(
    streams: Streams,
    *,
    loss: float,
    burst: float | None,
    burst_ms: float | None,
    model: LossModel | None,
    began_ns: int,
    state: int | None = None,
) -> Losing:
    """What decides on the packets of a link; `state` goes on with that of a decider of the same kind."""
    if isinstance(model, GilbertElliott):
        return TwoStates(streams, model, state)
    if isinstance(model, Markov4):
        return FourStates(streams, model, state)
    if isinstance(model, Pattern):
        return Listed(model.pattern)
    if isinstance(model, Every):
        return EveryNth(model.n)
    if burst_ms is not None and 0 < loss < 1:
        return BadTimes(streams, loss, burst_ms, began_ns)
    if burst is not None and 0 < loss < 1:
        return TwoStates(streams, GilbertElliott(min(1.0, loss / (burst * (1 - loss))), 1 / burst), state)
    return Independent(streams.loss, loss)


def of_any(share: float, fragments: int) -> float:
    """How likely at least one of so many is lost."""
    return share if fragments == 1 else 1 - (1 - share) ** fragments


def _check_shares(model: object, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(model, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise LinkError(f"{name} of {type(model).__name__} is {value!r}, but must be from 0 to 1")
