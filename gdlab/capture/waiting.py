"""Waiting until messages have arrived."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, NamedTuple, Self

from gdlab.capture.lifetime import Lifetime
from gdlab.capture.status import diagnosis
from gdlab.capture.totals import totals
from gdlab.errors import WaitTimeout
from gdlab.store import Store

#: How often a wait looks. Far below what a person notices, and a thousandth of a core.
_LOOK_EVERY_S: Final = 0.02


class _Wait(NamedTuple):
    """One wait, begun by `_begin`."""

    life: Lifetime
    messages: int
    #: How many were there before; None where all since the beginning count.
    before: int | None
    probes: bool
    timeout_s: float
    deadline: float

    def over(self) -> bool:
        """Whether what is waited for is there.

        Raises
        ------
        WaitTimeout : it is not, and the time is over or nothing receives any more.
        """
        life = self.life
        arrived = _received(life.caught_up(), probes=self.probes) - (self.before or 0)
        if arrived >= self.messages:
            return True
        if time.monotonic() > self.deadline or not life.running:
            text = diagnosis(
                life.endpoints,
                totals(life),
                arrived,
                self.messages,
                self.timeout_s,
                more=self.before is not None,
            )
            raise WaitTimeout(text, arrived=arrived, wanted=self.messages)
        return False


def _begin(
    life: Lifetime, messages: int | None, more: int | None, timeout_s: float, *, probes: bool
) -> _Wait:
    """Begin to wait for `messages` since the capture began (1 by default), or for `more` from now on.

    Raises
    ------
    TypeError : both were given.
    """
    deadline = time.monotonic() + timeout_s
    if more is None:
        return _Wait(life, 1 if messages is None else messages, None, probes, timeout_s, deadline)
    if messages is not None:
        raise TypeError(
            f"wait({messages}) counts all messages since the capture began, wait(more={more}) those from now on: "
            "give one of the two"
        )
    return _Wait(life, more, _received(life.caught_up(), probes=probes), probes, timeout_s, deadline)


def _received(stores: Sequence[Store], *, probes: bool) -> int:
    return sum(store.received if probes else store.of_the_peers for store in stores)


class Waiting:
    """What waits until messages have arrived at its endpoints."""

    _life: Lifetime

    async def wait(
        self,
        messages: int | None = None,
        *,
        more: int | None = None,
        timeout: float = 10.0,
        probes: bool = False,
    ) -> Self:
        """Wait for messages: until so many have been received since the capture began, or so many more from now on.

        ``await cap.wait(100)`` returns at once where 100 are there already, as when a cell is run for the second time;
        ``await cap.wait(more=100)`` waits for the next 100. Answers to gdlab's pings do not count.

        Parameters
        ----------
        messages : how many since the capture began; 1 by default.
        more : how many from this call on.
        timeout : seconds.
        probes : count answers to gdlab's pings as well.

        Returns
        -------
        The capture itself.

        Raises
        ------
        WaitTimeout : the deadline came first; the message says what is bound, what has arrived and what to try. What
            has arrived stays.
        TypeError : both were given.
        """
        import asyncio  # not before it is needed

        wait = _begin(self._life, messages, more, timeout, probes=probes)
        while not wait.over():
            await asyncio.sleep(_LOOK_EVERY_S)
        return self

    def wait_sync(
        self,
        messages: int | None = None,
        *,
        more: int | None = None,
        timeout: float = 10.0,
        probes: bool = False,
    ) -> Self:
        """Wait as `wait` does, without `await`. An interrupt (the stop button) ends the wait, not the capture."""
        wait = _begin(self._life, messages, more, timeout, probes=probes)
        while not wait.over():
            time.sleep(_LOOK_EVERY_S)
        return self
