"""Replaying a capture to a live game: as the clients, or as the server."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from gdlab import clock
from gdlab.analysis.source import Source, table_of
from gdlab.capture import html, load
from gdlab.capture.reframing import reframed
from gdlab.capture.tabular import Tabular
from gdlab.errors import ReplayError, WaitTimeout
from gdlab.facts import Statement
from gdlab.relays.editing import Edit
from gdlab.relays.rows import Rows
from gdlab.relays.schedule import Schedule, schedule
from gdlab.store import Limit, table
from gdlab.transports import LISTENERS, Address, parse, parse_remote
from gdlab.transports.relaying.process import RelayProcess
from gdlab.words import stated

_LIMIT: Final = Limit(bytes=256 * 2**20)
_LOOK_EVERY_S: Final = 0.02
_SENT: Final = np.dtype([("number", "<i8"), ("due", "<i8"), ("sent", "<i8")])


#: The replays of this process that hold a process of their own.
running: set[Replay] = set()


class _ReplayRows(Rows):
    """Rows of a replay; messages come whole, and times in place of truth."""

    def __init__(self, address: Address) -> None:
        super().__init__(address, _LIMIT, "raw")
        self._listening = None
        self.blocks: list[npt.NDArray[Any]] = []
        self.notes: list[Statement] = []
        self.finished = threading.Event()

    def truth(self, block: bytes) -> None:
        """What was sent, and when it was due."""
        self.blocks.append(np.frombuffer(block, _SENT))

    def told(self, values: dict[str, Any]) -> None:
        """See `Told`."""
        if "note" in values:
            key, more = values["note"]
            self.notes.append(Statement._make((key, tuple((name, value) for name, value in more))))
        elif "stopped" in values:
            self.finished.set()
        else:
            super().told(values)


class Replay(Tabular):
    """A replay that runs in its own process; made by `gdlab.replay`. A context manager: leaving the block stops it.

    Attributes
    ----------
    plan : what is sent, and when.
    address : where it sends to, or listens.
    """

    def __init__(self, plan: Schedule, address: Address, first: Mapping[str, object], speed: float) -> None:
        self.plan = plan
        self._speed = speed
        self._rows = _ReplayRows(address)
        self._builder = table.Builder()
        self._serves = bool(first["serve"])
        with tempfile.NamedTemporaryFile(prefix="gdlab-replay-", delete=False) as file:
            file.write(plan.data)
        self._file = Path(file.name)
        try:
            self._process = RelayProcess({**first, "schedule": file.name, "count": plan.count}, self._rows)
        except BaseException:
            self._file.unlink(missing_ok=True)
            raise
        self.address = self._process.address
        self._rows.front.endpoint = self.address
        running.add(self)

    @property
    def df(self) -> pd.DataFrame:
        """What was sent and what came back, with the usual columns."""
        return self._builder.build(self._rows.snapshots())

    @property
    def running(self) -> bool:
        """Whether it still sends, or waits for the last answers."""
        return self._process.running and not self._rows.finished.is_set()

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known: messages missing in the recording, answers that did not come."""
        return (*self.plan.notes, *map(stated, list(self._rows.notes)))

    @property
    def peers(self) -> dict[str, str]:
        """The recorded peers, and who plays them."""
        played = [
            client.store.endpoint if not self._serves else client.peer
            for client in self._rows.clients.values()
        ]
        return dict(zip(self.plan.peers, played, strict=False))

    @property
    def sent(self) -> pd.DataFrame:
        """Every message that was sent: `number` (of the plan), `due`, `sent`, `late_us`."""
        blocks = list(self._rows.blocks)
        records = np.concatenate(blocks) if blocks else np.empty(0, _SENT)
        data: dict[str, object] = {
            "number": records["number"],
            "due": pd.DatetimeIndex(records["due"].astype("datetime64[ns]"), tz="UTC"),
            "sent": pd.DatetimeIndex(records["sent"].astype("datetime64[ns]"), tz="UTC"),
            "late_us": (records["sent"] - records["due"]) / 1e3,
        }
        return pd.DataFrame(data)

    def timing(self) -> dict[str, float]:
        """How punctual it was: `n`, `p50_us`, `p99_us`, `max_us`, and the `speed` that was reached."""
        sent = self.sent
        if len(sent) < 2:
            return {"n": len(sent)}
        p50, p99 = np.percentile(sent["late_us"], [50, 99])
        took = float((sent["sent"].iloc[-1] - sent["sent"].iloc[0]).total_seconds())
        planned = (
            float(self.plan.due_ns[sent["number"].iloc[-1]] - self.plan.due_ns[sent["number"].iloc[0]]) / 1e9
        )
        reached = self._speed * planned / took if took else self._speed
        return {
            "n": len(sent),
            "p50_us": p50,
            "p99_us": p99,
            "max_us": sent["late_us"].max(),
            "speed": reached,
        }

    @property
    def provenance(self) -> dict[str, object]:
        """Where the table comes from; JSON-able."""
        return {
            "replay": {
                "address": self.address,
                "peers": self.peers,
                "timing": self.timing(),
                "notes": list(self.notes),
            },
            "clock": clock.DESCRIPTION,
        }

    async def wait(self, *, timeout: float = 60.0) -> Self:
        """Wait until everything has been sent, and the last answers have had their time: ``await replay.wait()``.

        Raises
        ------
        WaitTimeout : the deadline (seconds) came first. ReplayError : it could not go on.
        """
        import asyncio  # not before it is needed

        deadline = time.monotonic() + timeout
        while not self._over(timeout, deadline):
            await asyncio.sleep(_LOOK_EVERY_S)
        return self._ended()

    def wait_sync(self, *, timeout: float = 60.0) -> Self:
        """Wait as `wait` does, without `await`."""
        deadline = time.monotonic() + timeout
        while not self._over(timeout, deadline):
            time.sleep(_LOOK_EVERY_S)
        return self._ended()

    def _over(self, timeout_s: float, deadline: float) -> bool:
        if not self.running:
            return True
        if time.monotonic() > deadline:
            done = len(self.sent)
            raise WaitTimeout(
                f"{done} of {self.plan.messages} messages were sent after {timeout_s:g} s; "
                "a longer timeout= waits on",
                arrived=done,
                wanted=self.plan.messages,
            )
        return False

    def _ended(self) -> Self:
        self.stop()
        if not len(self.sent):
            raise ReplayError(
                "nothing was sent: " + ("; ".join(self.notes) or self._process.failure or "stopped")
            )
        return self

    def pause(self) -> None:
        """Send nothing more until `resume`; what follows is later by as much."""
        self._process.tell(pause=True)

    def resume(self) -> None:
        """Go on."""
        self._process.tell(pause=False)

    def step(self, messages: int = 1) -> None:
        """While paused, send so many messages."""
        self._process.tell(step=messages)

    def stop(self) -> None:
        """End it; what was sent and received stays."""
        running.discard(self)
        self._process.stop()
        self._file.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _text(self) -> str:
        timing = self.timing()
        state = "replays" if self.running else "replayed"
        where = f"at {self.address}" if self._serves else f"to {self.address}"
        text = f"{state} {len(self.sent)} of {self.plan.messages} {where}"
        if "p99_us" in timing:
            text += f", late by {timing['p99_us'] / 1e3:.2g} ms (99 %)"
            if self._speed * 0.95 > timing["speed"]:
                text += f"; could not keep speed {self._speed:g}: reached {timing['speed']:.3g}"
        return "; ".join([text, *self.notes])

    def __repr__(self) -> str:
        return f"<Replay: {self._text()}>"

    def _headline(self) -> html.Headline:
        return html.Headline("receiving" if self.running else "stopped", self._text(), "")


def replay(
    run: Source | str | Path,
    *,
    to: str | None = None,
    serve: str | None = None,
    pace: str = "time",
    speed: float = 1.0,
    hz: float | None = None,
    peer: str | None = None,
    start: float = 0.0,
    end: float | None = None,
    merge: bool = False,
    gaps: float | None = None,
    frames: float | None = None,
    loops: int = 1,
    framing: str = "auto",
    chunks: bool = False,
    subprotocols: tuple[str, ...] = (),
    edit: Edit | None = None,
    timeout: float = 10.0,
    linger: float = 0.3,
    host: str | None = None,
) -> Replay:
    """Send the messages of a capture again, to a live game.

    Parameters
    ----------
    run : a file, capture, recording or table of messages.
    to : play the clients: what came in is sent to this address, from one socket per recorded peer.
    serve : play the server: listen at this address, and send what went out to whoever connects.
    pace : ``"time"`` as recorded, by absolute times; ``"answer"`` each message when as many have come back as in the
        recording, or after `timeout` seconds; ``"rate"``, `hz` messages per second; ``"asap"``, as fast as the receiver
        takes them.
    speed : 2 is twice as fast.
    peer, start, end : only this peer; only these seconds of the recording.
    merge : one socket for all recorded peers.
    gaps : silences are cut to at most so many seconds.
    frames : each message waits for the next frame, of so many per second.
    loops : how many times to send it all.
    framing : TCP: how messages follow each other; by default as in the recording.
    chunks : TCP: send the bytes as they were read, piece by piece at the times of the reads, in place of messages.
    subprotocols : WebSocket: those to ask for.
    edit : a function that rewrites each payload, such as clocks and ids; or new values of fields, or functions of their
        old ones: ``{"id": 7, "hp": lambda old: old - 1}``, of JSON objects and Variant Dictionaries.
    linger : seconds for which answers are still taken after the last message.
    host : ``"lan"`` lets other machines connect (`serve`).

    Returns
    -------
    Replay, running; `wait_sync()` waits for its end. ``compare(run)`` compares it with what was recorded.

    Raises
    ------
    ReplayError : it cannot be replayed, with the reason: encrypted, an ENet session, nothing of that direction.
    AddressError, PortInUse : an address that cannot be used.
    """
    if (to is None) == (serve is None):
        raise ReplayError("say either to= (play the clients) or serve= (play the server)")
    if not 1 <= loops <= 100_000:
        raise ReplayError(f"loops is {loops!r}; give 1 to 100000")
    if serve is not None:
        address = parse(serve, host=host, schemes=LISTENERS)
    else:
        address = parse_remote(str(to), schemes=LISTENERS)
    messages = table_of(load(run) if isinstance(run, str | Path) else run)
    if chunks:
        if address.transport != "tcp":
            raise ReplayError(
                f"chunks=True sends a TCP stream as it was read; over {address.transport} messages are whole"
            )
        if framing != "auto" or edit is not None:
            raise ReplayError("chunks=True sends bytes as they were read: leave framing= and edit= out")
        messages, framing = reframed(messages, "raw"), "raw"
    plan = schedule(
        messages,
        serve=serve is not None,
        transport=address.transport,
        speed=speed,
        pace=pace,
        hz=hz,
        peer=peer,
        start=start,
        end=end,
        merge=merge,
        gaps=gaps,
        frames=frames,
        loops=loops,
        framing=framing,
        edit=edit,
    )
    first = {
        "mode": "replay",
        "transport": address.transport,
        "serve": serve is not None,
        "host": address.host,
        "port": address.port,
        "uri": str(address),
        "address": str(address),
        "pace": pace,
        "framings": list(plan.framings),
        "subprotocols": list(subprotocols),
        "timeout": timeout,
        "linger": linger,
    }
    return Replay(plan, address, first, speed)
