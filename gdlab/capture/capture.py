"""The Capture: endpoints and their stores, and their common lifetime."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import pandas as pd

from gdlab import clock
from gdlab.capture import html
from gdlab.capture.status import Statistics, Status, describe, diagnosis
from gdlab.capture.tabular import Tabular
from gdlab.errors import FolderUnusable, NotSent, WaitTimeout
from gdlab.facts import US, Fact, Reason
from gdlab.messages import Event, Peer
from gdlab.store import Limit, Room, Snapshot, Store, table
from gdlab.transports import (
    Address,
    Endpoint,
    EndpointOptions,
    MakeEndpoint,
    Reply,
    State,
    client,
    encode,
    listener,
)
from gdlab.words import sentence

if TYPE_CHECKING:  # what only some captures need is loaded by those
    from gdlab.files import Spill, SpillStatistics
    from gdlab.framing import FramingLike
    from gdlab.gdscript import Codec as ScriptCodec
    from gdlab.gdscript import Kind as ScriptKind
    from gdlab.gdscript import Script

#: How often a wait looks. Far below what a person notices, and a thousandth of a core.
_LOOK_EVERY_S = 0.02

#: The captures that run in this process. They are kept alive even if nobody holds them: their ports are taken.
running: set[Capture] = set()

#: Attributes for gdlab's own views and tools, which completion does not offer.
_PLUMBING: Final = frozenset(
    {"began_ns", "endpoints", "is_client", "options", "snapshots", "spill_folder", "version"}
)

#: Makes the live view of a capture; `gdlab.widgets` puts itself here once it is loaded.
_live_view: Callable[[Capture], Any] | None = None


#: Called with each capture that starts, in the thread that starts it: the views wake up.
on_start: set[Callable[[Capture], None]] = set()


def show_with(view: Callable[[Capture], Any] | None) -> None:
    """Have captures that a cell shows drawn by `view(capture)`, an object with `_repr_mimebundle_`."""
    global _live_view  # noqa: PLW0603 (one notebook, one way to show)
    _live_view = view


class _Html:
    """Shows itself as HTML."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_html_(self) -> str:
        return self._text


class _Goal(NamedTuple):
    """What is waited for."""

    messages: int
    before: int | None  #: how many were there before; None where all since the beginning count
    probes: bool


class Capture(Tabular):
    """What one or more listeners receive, from the moment they were started; made by `gdlab.listen`.

    A capture is a context manager: leaving the block stops it and keeps the data.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        *,
        limit: Limit,
        options: EndpointOptions | None = None,
        spill: Path | None = None,
        parts_s: float | None = None,
        make: MakeEndpoint = listener,
    ) -> None:
        self.limit = limit
        #: The folder that all rows are written to while they arrive; None keeps them in memory only.
        self.spill_folder = spill
        #: How long a closed part in that folder is, in seconds; None for no parts.
        self.parts_s = parts_s
        self._spill: Spill | None = None
        #: What was chosen for its endpoints.
        self.options = options or EndpointOptions()
        #: The live view, kept here by `widgets.live`: as many cells as show a capture share one.
        self._view: Any = None
        self._addresses = tuple(addresses)
        self._make = make
        #: Whether it goes to its peer, as `gdlab.connect` does, instead of waiting for peers.
        self.is_client = make is client
        self._room = Room(limit, len(self._addresses))
        self._stores = tuple(Store(str(address), limit, self._room) for address in addresses)
        self._endpoints: tuple[Endpoint, ...] = ()
        if not running:
            clock.anew()
        self._began_ns = clock.now_ns()
        self._ended_ns: int | None = None
        self._builder = table.Builder()
        self._lock = threading.RLock()

    # ---- reading

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The listeners of this capture."""
        return self._endpoints

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that are bound, with their real ports."""
        return tuple(str(address) for address in self._addresses)

    @property
    def port(self) -> int:
        """The port of the first address: that of the listener, or the one connected to."""
        return self._addresses[0].port

    def __len__(self) -> int:
        """How many rows are kept, as `len(cap.df)`, without building the table."""
        return sum(len(snapshot) for snapshot in self.snapshots())

    def __dir__(self) -> list[str]:
        """What users call; not the plumbing that views and tools of gdlab read."""
        return [name for name in super().__dir__() if name not in _PLUMBING]

    @property
    def began_ns(self) -> int:
        """When the capture began, UTC nanoseconds; moved on by the time it was stopped in between."""
        return self._began_ns

    @property
    def version(self) -> tuple[int, ...]:
        """Differs after every change of the rows."""
        self._catch_up()
        return tuple(store.version for store in self._stores)

    def _catch_up(self) -> None:
        """Have the rows of all that has arrived: an endpoint may leave datagrams with the kernel for a while."""
        for endpoint in self._endpoints:
            endpoint.catch_up()

    @property
    def rewritten(self) -> int:
        """How often rows were taken back, and written otherwise, as a framing was found out or chosen anew."""
        return sum(store.rewritten for store in self._stores)

    def snapshots(self) -> list[Snapshot]:
        """Return the rows of each listener as they are now, for readers that follow them piece by piece."""
        self._catch_up()
        return [store.snapshot() for store in self._stores]

    @property
    def df(self) -> pd.DataFrame:
        """What has arrived so far, one row a message or event, in order of time; a snapshot that is yours to change.

        While you hold the last table, the next one costs only the rows that are new.
        """
        table = self._builder.build(self.snapshots())
        self._remember(table)
        return table

    def tail(self, rows: int = 10) -> pd.DataFrame:
        """Return the last rows, without building the whole table."""
        return table.build([snapshot.tail(rows) for snapshot in self.snapshots()]).tail(rows)

    @property
    def statistics(self) -> Statistics:
        """The counters as they are now; `cap.statistics()` is the same."""
        self._catch_up()
        stores = [store.statistics() for store in self._stores]
        endpoints = [endpoint.statistics() for endpoint in self._endpoints]
        drops = [endpoint.kernel_drops for endpoint in endpoints if endpoint.kernel_drops is not None]
        now_ns = clock.now_ns()
        last_ns = max(store.last_received_ns for store in stores)
        problem_ns, problem = self._problem()
        return Statistics(
            seconds=(self.until_ns - self._began_ns) / 1e9,
            received=sum(store.received - store.probes.received for store in stores),
            received_bytes=sum(store.received_bytes - store.probes.received_bytes for store in stores),
            sent=sum(store.sent - store.probes.sent for store in stores),
            sent_bytes=sum(store.sent_bytes - store.probes.sent_bytes for store in stores),
            peers=sum(store.peers for store in stores),
            errors=sum(store.errors for store in stores),
            kernel_drops=sum(drops) if drops else None,
            evicted_rows=sum(store.evicted_rows for store in stores),
            rows_kept=sum(store.rows_kept for store in stores),
            bytes_kept=sum(store.bytes_kept for store in stores),
            receive_buffer_bytes=min((endpoint.receive_buffer_bytes for endpoint in endpoints), default=0),
            last_received_s=max(0.0, (now_ns - last_ns) / 1e9) if last_ns else None,
            connections=sum(endpoint.connections for endpoint in endpoints),
            waiting_bytes=sum(endpoint.waiting_bytes for endpoint in endpoints),
            awaited_bytes=max((endpoint.awaited_bytes for endpoint in endpoints), default=0),
            unsent_bytes=sum(endpoint.unsent_bytes for endpoint in endpoints),
            problem=problem,
            problem_s=(now_ns - problem_ns) / 1e9 if problem else None,
            pings_sent=sum(store.probes.sent for store in stores),
            answers_received=sum(store.probes.received for store in stores),
        )

    def _problem(self) -> tuple[int, str]:
        """The last thing that went wrong: when, and in words."""
        problems = [store.last_problem for store in self._stores if store.last_problem is not None]
        time_ns, fact = max(problems, key=lambda one: one[0], default=(0, None))
        return time_ns, "" if fact is None else sentence(fact)

    @property
    def until_ns(self) -> int:
        """Up to when it has listened, UTC nanoseconds; now, while it runs."""
        return self._ended_ns or self._last_end_ns() or clock.now_ns()

    def _last_end_ns(self) -> int | None:
        """When the last endpoint ended by itself; None while one is there."""
        ends = [endpoint.ended_ns for endpoint in self._endpoints]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None

    @property
    def status(self) -> Status:
        """How the capture is, in words, and what to try where nothing arrives; `cap.status()` is the same."""
        status = describe(self._endpoints, self.statistics())
        if self._spill is None:
            return status
        told = f"{status.text}, {self._spill.statistics().rows} rows in {self._spill.folder}"
        return Status(status.light, told, self._spill.status or status.hint)

    @property
    def running(self) -> bool:
        """Whether any listener still receives."""
        return any(endpoint.state is State.LISTENING for endpoint in self._endpoints)

    # ---- waiting

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
        import asyncio

        goal = self._goal(messages, more, probes=probes)
        deadline = time.monotonic() + timeout
        while not self._has(goal, deadline, timeout):
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
        goal = self._goal(messages, more, probes=probes)
        deadline = time.monotonic() + timeout
        while not self._has(goal, deadline, timeout):
            time.sleep(_LOOK_EVERY_S)
        return self

    def _received(self, *, probes: bool) -> int:
        self._catch_up()
        return sum(store.received if probes else store.of_the_peers for store in self._stores)

    def _goal(self, messages: int | None, more: int | None, *, probes: bool) -> _Goal:
        if more is None:
            return _Goal(1 if messages is None else messages, None, probes)
        if messages is not None:
            raise TypeError(
                f"wait({messages}) counts all messages since the capture began, wait(more={more}) those from now on: "
                "give one of the two"
            )
        return _Goal(more, self._received(probes=probes), probes)

    def _has(self, goal: _Goal, deadline: float, timeout_s: float) -> bool:
        arrived = self._received(probes=goal.probes) - (goal.before or 0)
        if arrived >= goal.messages:
            return True
        if time.monotonic() > deadline or not self.running:
            text = diagnosis(
                self._endpoints,
                self.statistics,
                arrived,
                goal.messages,
                timeout_s,
                more=goal.before is not None,
            )
            raise WaitTimeout(text, arrived=arrived, wanted=goal.messages)
        return False

    # ---- steering

    def send(self, value: Any, to: str | Peer | None = None, *, codec: str = "auto") -> int:
        """Send a message.

        Parameters
        ----------
        value : bytes go as they are, text as UTF-8; anything else as `codec` writes it.
        to : the peer, as the column `peer` names it. Without it every peer is sent to: those that are connected, with
            UDP those that were heard in the last five minutes, else the last one.
        codec : `variant` (Godot's own form), `json`, `text`, `msgpack`, `cbor`, or a struct format such as
            ``"<B type, H seq, 3f pos"``, which takes a dict with its names; the names are those of `decoded`. `auto`
            takes `variant` where a peer's framing is one of Variants, such as `put_var`, chosen or found out, and
            `json` elsewhere.

        Returns
        -------
        To how many peers it was sent. Each is a row with the direction `out`.

        Raises
        ------
        NotSent : nobody is there, nobody reads, or it does not fit. EndpointClosed : the capture has been stopped.
        TypeError, VariantEncodeError : `codec` cannot write this value.
        """
        from gdlab.framing import name_of

        outgoing = encode(value, codec, name_of(self.options.framing))
        peer = None if to is None else str(to)
        if len(self._endpoints) == 1:
            return self._endpoints[0].send(outgoing, peer)
        sent, problem = 0, NotSent("this capture has no endpoint")
        for endpoint in self._endpoints:
            try:
                sent += endpoint.send(outgoing, peer)
            except NotSent as error:
                problem = error
        if not sent:
            raise problem
        return sent

    def send_test(self, address: str | None = None, *, timeout: float = 5.0) -> float:
        """Send a test packet to this listener, over the network as a game would, and wait for it.

        Parameters
        ----------
        address : one of its addresses; the first if left out. timeout : seconds to wait at most.

        Returns
        -------
        Milliseconds until it had arrived. In the capture it is a message like any other.

        Raises
        ------
        WaitTimeout : it did not arrive. EndpointClosed : the capture is stopped. NotSent : it is a client, or the
        message could not be sent. NotConnected : nobody could be connected to.
        """
        from gdlab.capture.selftest import send_test  # which makes a capture of its own to send by

        packet = send_test(self, address)
        try:
            return packet.wait(timeout)
        finally:
            packet.close()

    def reframe(self, framing: FramingLike) -> Self:
        """Read the TCP streams again from their first byte, in another framing, and go on in it.

        The bytes of a stream are kept as they came, with the times of the reads: the rows are those that a capture
        with this framing from the start would have. What a reply has answered is not answered again. Bytes that were
        dropped, because a message was over its limit, are missing still.

        Parameters
        ----------
        framing : as for `gdlab.listen`.

        Returns
        -------
        The capture itself.

        Raises
        ------
        FramingError : there is no such framing.
        """
        for endpoint in self._endpoints:
            endpoint.reframe(framing)
        self.options = replace(self.options, framing=framing)
        with self._lock:
            if self._spill is not None and not self.running:  # what is on the disk follows
                self._spill.reopen()
                self._spill.close()
        return self

    def set_reply(self, reply: Reply | None, every: float | None = None) -> None:
        """Replace the reply rule of every endpoint; None answers nothing. With `every` it is said by itself."""
        for endpoint in self._endpoints:
            endpoint.set_reply(reply, every)
        self.options = replace(self.options, reply=reply, every=every)

    @property
    def ping_s(self) -> float | None:
        """How often every peer is pinged, in seconds; None if not."""
        return self.options.ping

    def set_ping(self, seconds: float | None) -> None:
        """Ping every peer this often, to measure round trips; None stops it."""
        for endpoint in self._endpoints:
            endpoint.set_ping(seconds)
        self.options = replace(self.options, ping=seconds)

    def start(self) -> Self:
        """Listen at the capture's addresses; once more after `stop`, with a `gap` row for the time between.

        Raises
        ------
        PortInUse, PortForbidden, AddressError : an address cannot be bound; then none is.
        NotConnected : a client found nobody.
        """
        with self._lock:
            if self.running:
                return self
            endpoints: list[Endpoint] = []
            options = self._endpoint_options()
            try:
                for address, store in zip(self._addresses, self._stores, strict=True):
                    endpoints.append(self._make(address, store, options))
                spill = self._spill or self._new_spill()
                if self._spill is not None:
                    self._spill.reopen(self.provenance)
            except BaseException:
                for endpoint in endpoints:
                    endpoint.close()
                raise
            self._note_pause()
            self._addresses = tuple(endpoint.address for endpoint in endpoints)
            for endpoint, store in zip(endpoints, self._stores, strict=True):
                store.endpoint = str(endpoint.address)
                endpoint.start()
            self._endpoints = tuple(endpoints)
            if spill is not None and self._spill is None:
                for store in self._stores:
                    spill.add(store)
                self._spill = spill
            running.add(self)
            try:
                for endpoint in endpoints:
                    endpoint.wait_ready()
            except BaseException:
                self.stop()
                raise
        for told in tuple(on_start):
            told(self)
        return self

    def _endpoint_options(self) -> EndpointOptions:
        """What each endpoint gets of what all may take together."""
        shares = max(1, sum(address.transport != "udp" for address in self._addresses))
        return replace(
            self.options,
            max_unsent_bytes=max(1, self.options.max_unsent_bytes // shares),
            max_held_bytes=max(1, self.options.max_held_bytes // shares),
        )

    def _new_spill(self) -> Spill | None:
        if self.spill_folder is None:
            return None
        from gdlab.files import Spill

        try:
            return Spill(self.spill_folder, parts_s=self.parts_s, provenance=self.provenance)
        except OSError as error:
            raise FolderUnusable(
                f"rows cannot be kept in {self.spill_folder} (spill=): {error.strerror or error}. Expected: a "
                "folder that exists or can be made, on a disk that is there and can be written to. Nothing was started"
            ) from error

    def _note_pause(self) -> None:
        """Say in the table that nothing was received for a while; no endpoint's thread writes at this moment."""
        now_ns = clock.now_ns()
        if self._ended_ns is not None:
            for store in self._stores:
                pause_s = (now_ns - self._ended_ns) / 1e9
                store.append(now_ns, event=Event.GAP, fact=Fact.of(Reason.PAUSED, by=US, seconds=pause_s))
            self._began_ns += now_ns - self._ended_ns
            self._ended_ns = None

    def stop(self) -> None:
        """Stop receiving and free the ports. The data stays; calling it again does nothing."""
        with self._lock:
            for endpoint in self._endpoints:
                endpoint.close()
            if self._ended_ns is None:
                self._ended_ns = self._last_end_ns() or clock.now_ns()
            if self._spill is not None:
                self._spill.close()
            running.discard(self)

    def after_fork(self) -> None:
        """In the child of a fork: what was received stays, and the parent alone goes on receiving."""
        self._lock = threading.RLock()
        self._builder = table.Builder()
        self._decoder = None
        self._room.after_fork()
        for endpoint in self._endpoints:
            endpoint.after_fork()
        for store in self._stores:
            store.on_seal = None
        self._spill = None  # its files are the parent's
        if self._ended_ns is None:
            self._ended_ns = clock.now_ns()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ---- the other side

    def gdscript(
        self, kind: ScriptKind = "send", *, codec: ScriptCodec = "auto", endpoint: str | None = None
    ) -> Script:
        """Write the game's side of this capture: GDScript to put on a Node, with the right address and framing.

        Where gdlab is the client (`gdlab.connect`) it is a server, otherwise a client.

        Parameters
        ----------
        kind : ``"send"`` sends ten messages per second and prints what comes; ``"echo"`` answers gdlab's pings
            (``ping=``) and sends all else back; ``"probe"`` measures round trips itself, which gdlab must answer
            (``reply=gdlab.replies.probe_answer``); ``"web"`` sends from a web export, by WebSocket.
        codec : what it sends and expects: ``"text"``, ``"json"``, ``"variant"`` or ``"bytes"``; ``"auto"`` goes by the
            framing, and is JSON where that leaves it open.
        endpoint : of several: its address, or its transport.

        Returns
        -------
        Text, which a notebook shows as a block of code.

        Raises
        ------
        GdscriptError : no game can do that; the message says why, and what can be done.
        """
        from gdlab.capture.gdscript_for import snippet

        return snippet(
            self._addresses, self.options, is_client=self.is_client, kind=kind, codec=codec, endpoint=endpoint
        )

    # ---- showing

    @property
    def provenance(self) -> dict[str, object]:
        """What a file says of where its rows come from; JSON-able."""
        return {
            "endpoints": list(self.addresses),
            "began": pd.Timestamp(self._began_ns, tz="UTC").isoformat(),
            "running": self.running,
            "limit": str(self.limit),
            "statistics": asdict(self.statistics()),
        }

    @property
    def spilled(self) -> SpillStatistics | None:
        """What is on the disk, where the capture was asked to keep its rows there."""
        return self._spill.statistics() if self._spill else None

    def __repr__(self) -> str:
        return f"<Capture: {self.status.text}>"

    def _headline(self) -> html.Headline:
        status = self.status
        return html.Headline(status.light.value, status.text, status.hint)

    def _display_(self) -> Any:
        """What marimo shows: the live plots alone, which ask for what they draw; without them the HTML form."""
        view = _live_view(self) if _live_view is not None else None
        alone = getattr(view, "alone", None)
        return _Html(self._repr_html_()) if alone is None else alone()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any] | tuple[dict[str, Any], dict[str, Any]]:
        """The live widget where there is one, with the forms that it has for those who cannot show it."""
        plain = {"text/plain": repr(self), "text/html": self._repr_html_()}
        if _live_view is None:
            return plain
        view = _live_view(self)
        bundle = None if view is None else view._repr_mimebundle_(**options)
        if bundle is None:
            return plain
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/plain": plain["text/plain"]}, metadata
