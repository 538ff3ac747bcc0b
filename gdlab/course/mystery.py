"""A fault that is hidden in a path, for a student to find: where it is, of what kind, and how large."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gdlab.analysis.source import HasTable
from gdlab.capture import Capture, connect, listen
from gdlab.course.diagnosis import judge
from gdlab.course.faults import KINDS, PLACES, Fault, fault_of, number_of
from gdlab.course.grades import Grade, write
from gdlab.course.observed import Part, observe
from gdlab.course.verdicts import Verdict
from gdlab.impair.streams import Stream
from gdlab.messages import Message
from gdlab.relays import Crossing, Relay, relay
from gdlab.words import worded

#: Messages that are sent, and how many per second.
MESSAGES: Final = 600
RATE: Final = 100
#: A canned mystery begins here: 2026-01-01, noon UTC.
_BEGAN_NS: Final = 1_767_268_800_000_000_000
#: The slowest fault takes less.
_QUIET_S: Final = 0.6
_LOOK_EVERY_S: Final = 0.02
_PLAYS_WITHIN_S: Final = 60.0
_ANSWERED_AFTER_NS: Final = 200_000


class _Server:
    """Answers each number once, and where the fault is in it, not all of them."""

    def __init__(self, seed: int, fault: Fault) -> None:
        self._seen: set[int] = set()
        self._fates = Stream(seed, 0, "mystery", "server")
        self._share = fault.set_to / 100 if fault.place == "server" else 0.0

    def answer(self, payload: bytes) -> bytes | None:
        number = json.loads(payload)["n"]
        if number in self._seen:
            return None
        self._seen.add(number)
        return None if self._fates.at(number) < self._share else payload


class Mystery:
    """A client, a server, and a path between them with one fault; made by `mystery`.

    Attributes
    ----------
    seed : what was given. canned : whether its captures were computed, without a socket.
    client, server : what each of the two captured; ``{"n": 0}`` to ``{"n": 599}`` went to the server, which sends back
        what it gets, each number once. Both have the same clock.
    """

    client: HasTable
    server: HasTable

    def __init__(self, seed: int | str, *, canned: bool) -> None:
        self.seed = seed
        self.canned = canned
        self._number = number_of(seed)
        self._fault = fault_of(self._number)
        self._grade = Grade(str(seed), self._number, "canned" if canned else "relay")
        self._relay: Relay | None = None
        self._observed: dict[str, Part] | None = None
        self.played = canned
        if canned:
            self._make()
        else:
            self._start()

    # ---- the two ways to have one

    def _make(self) -> None:
        server = _Server(self._number, self._fault)

        def answer(payload: bytes) -> tuple[bytes, int] | None:
            answered = server.answer(payload)
            return None if answered is None else (answered, _ANSWERED_AFTER_NS)

        leaving = [
            (_BEGAN_NS + n * 1_000_000_000 // RATE, 1, "up", _payload(n).encode()) for n in range(MESSAGES)
        ]
        up, down = self._fault.link("up"), self._fault.link("down")
        found = Crossing(leaving, {1: "player:50000"}, up=up, down=down, seed=self._number, answer=answer)
        self.client, self.server = found.client, found.server

    def _start(self) -> None:
        server = _Server(self._number, self._fault)

        def reply(message: Message) -> bytes | None:
            return server.answer(message.payload)

        self._listener = listen("udp://127.0.0.1:0", reply=reply)
        self._caller: Capture | None = None
        try:
            self._relay = relay(
                "udp://127.0.0.1:0",
                to=self._listener.addresses[0],
                up=self._fault.link("up"),
                down=self._fault.link("down"),
                seed=self._number,
            )
            self._caller = connect(self._relay.address)
        except BaseException:
            self.stop()
            raise
        self.client, self.server = self._caller, self._listener

    async def play(self) -> Self:
        """Send the messages, and wait for the last answers: a few seconds. A canned mystery has been played already."""
        began = time.monotonic()
        for n in range(0 if self.played else MESSAGES):
            await asyncio.sleep(max(0.0, began + n / RATE - time.monotonic()))
            self._send(n)
        while not self._settled():
            await asyncio.sleep(_LOOK_EVERY_S)
        self._end()
        return self

    def play_sync(self) -> Self:
        """Play as `play` does, without `await`."""
        began = time.monotonic()
        for n in range(0 if self.played else MESSAGES):
            time.sleep(max(0.0, began + n / RATE - time.monotonic()))
            self._send(n)
        while not self._settled():
            time.sleep(_LOOK_EVERY_S)
        self._end()
        return self

    def _send(self, n: int) -> None:
        if self._caller is None:
            raise RuntimeError("this mystery was stopped before it was played; make it again")
        self._caller.send(_payload(n))
        self._quiet_from = time.monotonic()
        self._seen = -1

    def _settled(self) -> bool:
        """Whether nothing has come any more for a while."""
        if self.played or self._caller is None:
            return True
        now, count = time.monotonic(), len(self._caller.df) + len(self._listener.df)
        if count != self._seen:
            self._seen, self._quiet_from = count, now
        return now - self._quiet_from > _QUIET_S

    def _end(self) -> None:
        self.stop()
        self.played = True

    def stop(self) -> None:
        """Stop what runs; what was captured stays."""
        if self.canned:
            return
        for each in (self._caller, self._relay, self._listener):
            if each is not None:
                each.stop()
        self._caller = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ---- the answer

    def check(self, place: object = ..., kind: object = ..., size: object = ...) -> Verdict:
        """Say whether a diagnosis is right, and why or why not. No input raises an error.

        Parameters
        ----------
        place : ``"up"`` (the way to the server), ``"server"`` or ``"down"`` (the way back).
        kind : ``"loss"``, ``"burst"``, ``"delay"``, ``"jitter"``, ``"duplicate"`` or ``"reorder"``.
        size : per cent of what came to the place; for a delay its median, for jitter its standard deviation, in ms.

        Returns
        -------
        Verdict, true where all three are right. Every diagnosis is noted for the grade file.
        """
        if not self.played:
            return Verdict.of_mystery(None, worded("First let it happen: await m.play()"))
        if ... in (place, kind, size):
            return Verdict.of_mystery(
                None,
                worded(
                    "Say where (place: {places}), what (kind: {kinds}) and how much (size).",
                    places=", ".join(PLACES),
                    kinds=", ".join(KINDS),
                ),
            )
        found = judge(self._fault, self.observed(), place, kind, size)
        verdict = Verdict.of_mystery(found.right, found.text)
        self._grade.note(found)
        return verdict

    def observed(self) -> dict[str, Part]:
        """What the captures show of each part of the way; what `check` compares with."""
        if self._observed is None:
            self._observed = observe(self.client, self.server)
        return self._observed

    @property
    def grade(self) -> dict[str, object]:
        """What was asked, what was answered, and what was measured; JSON-able. The truth is in it once found."""
        solved = self._fault if self._grade.solved else None
        return self._grade.as_json(self.observed() if self.played else {}, solved)

    def save(self, path: str | Path | None = None) -> Path:
        """Write the grade file, which `check` has filled, as JSON.

        Parameters
        ----------
        path : by default ``mystery-SEED.json`` in this folder. A file of this name is replaced.
        """
        return write(path, self.grade)

    def __repr__(self) -> str:
        how = "a canned capture" if self.canned else "behind a relay"
        state = (
            f"{MESSAGES} messages were sent: m.client and m.server have what each side saw"
            if self.played
            else "not played yet: await m.play()"
        )
        return f"<Mystery {self.seed!r}, {how}; {state}. Where is the fault, what is it, how large?>"


def mystery(seed: int | str, *, canned: bool = False) -> Mystery:
    """Hide a fault between a client and a server, for somebody to find it.

    One thing is wrong: on the way to the server, in it, or on the way back. The two programs' captures show all of it.

    Parameters
    ----------
    seed : decides on the fault; a student's name, say, so that each gets a different one, always the same.
    canned : compute the captures at once, where sockets or processes are not allowed; else a client, a relay and a
        server run here, and ``await m.play()`` lets them talk for some seconds.

    Returns
    -------
    Mystery.

    Examples
    --------
    ::

        m = gd.course.mystery("ada")
        await m.play()
        gd.analysis.where_lost(m.client, m.client, relay=m.server, seq="v.n")
        m.check(place="up", kind="loss", size=8)
        m.save()
    """
    if (
        isinstance(seed, bool)
        or not isinstance(seed, int | str)
        or (isinstance(seed, str) and not seed.strip())
    ):
        raise ValueError(f"seed is {seed!r}; give a name or a whole number, such as 'ada' or 7")
    return Mystery(seed, canned=canned)


def _payload(n: int) -> str:
    return json.dumps({"n": n})
