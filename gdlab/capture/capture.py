"""The Capture: endpoints and their stores, and their common lifetime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import pandas as pd

from gdlab import clock
from gdlab.capture import html
from gdlab.capture.lifetime import Lifetime
from gdlab.capture.status import Statistics, Status, describe
from gdlab.capture.tabular import Tabular
from gdlab.capture.totals import totals
from gdlab.capture.waiting import Waiting
from gdlab.cell_view import CellView, Html
from gdlab.messages import Peer
from gdlab.store import Limit, Snapshot, table
from gdlab.transports import (
    Address,
    Endpoint,
    EndpointOptions,
    MakeEndpoint,
    Reply,
    client,
    encode,
    listener,
)

if TYPE_CHECKING:  # what only some captures need is loaded by those
    from gdlab.files import SpillStatistics
    from gdlab.framing import FramingLike
    from gdlab.gdscript import Codec as ScriptCodec
    from gdlab.gdscript import Kind as ScriptKind
    from gdlab.gdscript import Script

#: The captures that run in this process. They are kept alive even if nobody holds them: their ports are taken.
running: set[Capture] = set()

#: Attributes for gdlab's own views and tools, which completion does not offer.
_PLUMBING: Final = frozenset(
    {"began_ns", "endpoints", "is_client", "options", "snapshots", "spill_folder", "version"}
)

#: How cells show captures; `gdlab.widgets` puts its live view there once it is loaded.
_view: Final[CellView[Capture]] = CellView()
show_with = _view.show_with

#: Called with each capture that starts, in the thread that starts it: the views wake up.
on_start: set[Callable[[Capture], None]] = set()


class Capture(Tabular, Waiting):
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
        #: The live view, kept here by `widgets.live`: as many cells as show a capture share one.
        self._view: Any = None
        #: Whether it goes to its peer, as `gdlab.connect` does, instead of waiting for peers.
        self.is_client = make is client
        if not running:
            clock.anew()
        self._life = Lifetime(addresses, limit, options or EndpointOptions(), make, spill, parts_s)
        self._builder = table.Builder()

    # ---- reading

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The listeners of this capture."""
        return self._life.endpoints

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that are bound, with their real ports."""
        return tuple(str(address) for address in self._life.addresses)

    @property
    def port(self) -> int:
        """The port of the first address: that of the listener, or the one connected to."""
        return self._life.addresses[0].port

    def __len__(self) -> int:
        """How many rows are kept, as `len(cap.df)`, without building the table."""
        return sum(len(snapshot) for snapshot in self.snapshots())

    def __dir__(self) -> list[str]:
        """What users call; not the plumbing that views and tools of gdlab read."""
        return [name for name in super().__dir__() if name not in _PLUMBING]

    @property
    def options(self) -> EndpointOptions:
        """What was chosen for its endpoints."""
        return self._life.options

    @property
    def spill_folder(self) -> Path | None:
        """The folder that all rows are written to while they arrive; None where they stay in memory only."""
        return self._life.spill_folder

    @property
    def parts_s(self) -> float | None:
        """How long a closed part in that folder is, in seconds; None for no parts."""
        return self._life.parts_s

    @property
    def began_ns(self) -> int:
        """When the capture began, UTC nanoseconds; shifted by the time for which it was stopped in between."""
        return self._life.began_ns

    @property
    def version(self) -> tuple[int, ...]:
        """Differs after every change of the rows."""
        return tuple(store.version for store in self._life.caught_up())

    @property
    def rewritten(self) -> int:
        """How often rows were withdrawn and written anew, because a framing was detected or changed."""
        return sum(store.rewritten for store in self._life.stores)

    def snapshots(self) -> list[Snapshot]:
        """Return the rows of each listener as they are now, for readers that follow them piece by piece."""
        return [store.snapshot() for store in self._life.caught_up()]

    @property
    def df(self) -> pd.DataFrame:
        """What has arrived so far, one row per message or event, in order of time; a snapshot that is yours to change.

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
        decoder = self._decoder
        return totals(self._life, 0 if decoder is None else decoder.nbytes)

    @property
    def until_ns(self) -> int:
        """The moment until which it listened, UTC nanoseconds; now, while it runs."""
        return self._life.until_ns

    @property
    def status(self) -> Status:
        """The state of the capture as text, and what to try where nothing arrives; `cap.status()` is the same."""
        life = self._life
        status = describe(life.endpoints, totals(life))
        if life.spill is None:
            return status
        told = f"{status.text}, {life.spill.statistics().rows} rows in {life.spill.folder}"
        return Status(status.light, told, life.spill.status or status.hint)

    @property
    def running(self) -> bool:
        """Whether any listener still receives."""
        return self._life.running

    # ---- steering

    def send(self, value: Any, to: str | Peer | None = None, *, codec: str = "auto") -> int:
        """Send a message.

        Parameters
        ----------
        value : bytes go as they are, text as UTF-8; anything else as `codec` writes it.
        to : the peer, as the column `peer` names it. Without it the message goes to every peer: those that are
            connected; with UDP those heard from in the last five minutes, else the last one.
        codec : `variant` (Godot's own form), `json`, `text`, `msgpack`, `cbor`, `osc`, or a struct format such as
            ``"<B type, H seq, 3f pos"``, which takes a dict with its names; the names are those of `decoded`. `auto`
            takes `variant` where a peer's framing is one of Variants, such as `put_var`, chosen or detected, and
            `json` elsewhere.

        Returns
        -------
        The number of peers it was sent to. Each is a row with the direction `out`.

        Raises
        ------
        NotSent : there is no peer to send to, the peer does not read, or the message does not fit. EndpointClosed : the
            capture has been stopped.
        TypeError, VariantEncodeError : `codec` cannot write this value.
        """
        from gdlab.framing import name_of

        outgoing = encode(value, codec, name_of(self.options.framing))
        return self._life.send(outgoing, None if to is None else str(to))

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
        message could not be sent. NotConnected : no connection could be made.
        """
        from gdlab.capture.selftest import send_test  # which few captures need

        packet = send_test(self, address)
        try:
            return packet.wait(timeout)
        finally:
            packet.close()

    def reframe(self, framing: FramingLike) -> Self:
        """Read the TCP streams again from their first byte, in another framing, and go on in it.

        The bytes of a stream are kept as they came, with the times of the reads: the rows are those that a capture
        with this framing from the start would have. What a reply has answered is not answered again. Bytes that were
        dropped, because a message was over its limit, are still missing.

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
        self._life.reframe(framing)
        return self

    def set_reply(self, reply: Reply | None, every: float | None = None) -> None:
        """Replace the reply rule of every endpoint; None answers nothing. With `every` it is sent unasked."""
        for endpoint in self._life.endpoints:
            endpoint.set_reply(reply, every)
        self._life.options = replace(self.options, reply=reply, every=every)

    @property
    def ping_s(self) -> float | None:
        """How often every peer is pinged, in seconds; None if not."""
        return self.options.ping

    def set_ping(self, seconds: float | None) -> None:
        """Ping every peer this often, to measure round trips; None stops it."""
        for endpoint in self._life.endpoints:
            endpoint.set_ping(seconds)
        self._life.options = replace(self.options, ping=seconds)

    def start(self) -> Self:
        """Listen at the capture's addresses; once more after `stop`, with a `gap` row for the time between.

        Raises
        ------
        PortInUse, PortForbidden, AddressError : an address cannot be bound; then none is.
        NotConnected : a client found nobody.
        """
        life = self._life
        with life.lock:
            if life.running:
                return self
            life.start(lambda: self.provenance)
            running.add(self)
            try:
                life.wait_ready()
            except BaseException:
                self.stop()
                raise
        for told in tuple(on_start):
            told(self)
        return self

    def stop(self) -> None:
        """Stop receiving and free the ports. The data stays; calling it again does nothing."""
        with self._life.lock:
            self._life.stop()
            running.discard(self)

    def after_fork(self) -> None:
        """In the child of a fork: what was received stays, and the parent alone goes on receiving."""
        self._life.after_fork()
        self._builder = table.Builder()
        self._decoder = None

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
            self._life.addresses,
            self.options,
            is_client=self.is_client,
            kind=kind,
            codec=codec,
            endpoint=endpoint,
        )

    # ---- showing

    @property
    def provenance(self) -> dict[str, object]:
        """What a file records about where its rows come from; JSON-able."""
        return {
            "endpoints": list(self.addresses),
            "began": pd.Timestamp(self.began_ns, tz="UTC").isoformat(),
            "running": self.running,
            "limit": str(self.limit),
            "statistics": asdict(self.statistics()),
            **self._decode_told(),
        }

    @property
    def spilled(self) -> SpillStatistics | None:
        """What is on the disk, where the capture was asked to keep its rows there."""
        spill = self._life.spill
        return spill.statistics() if spill else None

    def __repr__(self) -> str:
        return f"<Capture: {self.status.text}>"

    def _headline(self) -> html.Headline:
        status = self.status
        return html.Headline(status.light.value, status.text, status.hint)

    def _display_(self) -> Any:
        """What marimo shows: the live plots alone, which ask for what they draw; without them the HTML form."""
        alone = getattr(_view.of(self), "alone", None)
        return Html(self._repr_html_()) if alone is None else alone()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The live widget where there is one, with the forms that it has for those who cannot show it."""
        return _view.bundle(self, self._repr_html_, **options)
