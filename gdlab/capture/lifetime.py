"""The lifetime of a capture's endpoints: bound, started, stopped and started again, each with its store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gdlab import clock
from gdlab.errors import FolderUnusable, NotSent
from gdlab.facts import US, Fact, Reason
from gdlab.messages import Event
from gdlab.store import Limit, Room, Store
from gdlab.transports import Address, Endpoint, EndpointOptions, MakeEndpoint, Outgoing, State

if TYPE_CHECKING:  # what only some captures need is loaded by those
    from gdlab.files import Spill
    from gdlab.framing import FramingLike

#: What a file says of where its rows come from, asked for when it is written.
Provenance = Callable[[], dict[str, object]]


class Lifetime:
    """Endpoints and their stores, from the first start to the last stop.

    Parameters
    ----------
    addresses : one for each endpoint. limit : of all their stores together.
    options : what was chosen for the endpoints.
    make : makes an endpoint at its address.
    spill_folder : where all rows are written to while they arrive; None keeps them in memory only.
    parts_s : how long a closed part in that folder is, in seconds; None for no parts.

    Attributes
    ----------
    lock : held while it starts or stops.
    began_ns : UTC nanoseconds; shifted by the time for which it was stopped in between.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        limit: Limit,
        options: EndpointOptions,
        make: MakeEndpoint,
        spill_folder: Path | None = None,
        parts_s: float | None = None,
    ) -> None:
        self.addresses = tuple(addresses)
        self.options = options
        self.spill_folder = spill_folder
        self.parts_s = parts_s
        self.spill: Spill | None = None
        self._make = make
        self._room = Room(limit, len(self.addresses))
        self.stores = tuple(Store(str(address), limit, self._room) for address in addresses)
        self.endpoints: tuple[Endpoint, ...] = ()
        self.began_ns = clock.now_ns()
        self._ended_ns: int | None = None
        self._provenance: Provenance | None = None
        self.lock = threading.RLock()

    @property
    def running(self) -> bool:
        """Whether any endpoint still receives."""
        return any(endpoint.state is State.LISTENING for endpoint in self.endpoints)

    def caught_up(self) -> tuple[Store, ...]:
        """The stores, with the rows of all that has arrived: an endpoint may leave it with the kernel for a while."""
        for endpoint in self.endpoints:
            endpoint.catch_up()
        return self.stores

    @property
    def until_ns(self) -> int:
        """Up to when it has received, UTC nanoseconds; now, while it runs."""
        return self._ended_ns or self._last_end_ns() or clock.now_ns()

    def _last_end_ns(self) -> int | None:
        """When the last endpoint ended by itself; None while one is there."""
        ends = [endpoint.ended_ns for endpoint in self.endpoints]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None

    def start(self, provenance: Provenance) -> None:
        """Bind the addresses and start receiving, not yet waiting for what the endpoints connect to.

        Once more after `stop`, with a `gap` row for the time between.

        Raises
        ------
        PortInUse, PortForbidden, AddressError : an address cannot be bound; then none is.
        FolderUnusable : rows cannot be kept there; then nothing is started either.
        """
        endpoints: list[Endpoint] = []
        options = self._shared_options()
        before = self.addresses
        try:
            for address, store in zip(self.addresses, self.stores, strict=True):
                endpoints.append(self._make(address, store, options))
            self.addresses = tuple(endpoint.address for endpoint in endpoints)
            spill = self.spill or self._new_spill(provenance)
            if self.spill is not None:
                self.spill.reopen(provenance())
        except BaseException:
            self.addresses = before
            for endpoint in endpoints:
                endpoint.close()
            raise
        self._note_pause()
        self._provenance = provenance
        for endpoint, store in zip(endpoints, self.stores, strict=True):
            store.endpoint = str(endpoint.address)
            endpoint.start()
        self.endpoints = tuple(endpoints)
        if spill is not None and self.spill is None:
            for store in self.stores:
                spill.add(store)
            self.spill = spill

    def wait_ready(self) -> None:
        """Wait until each endpoint can receive; a client until it is connected.

        Raises
        ------
        NotConnected : a client found nobody.
        """
        for endpoint in self.endpoints:
            endpoint.wait_ready()

    def _shared_options(self) -> EndpointOptions:
        """What each endpoint gets of what all may take together."""
        shares = max(1, sum(address.transport != "udp" for address in self.addresses))
        return replace(
            self.options,
            max_unsent_bytes=max(1, self.options.max_unsent_bytes // shares),
            max_held_bytes=max(1, self.options.max_held_bytes // shares),
        )

    def _new_spill(self, provenance: Provenance) -> Spill | None:
        if self.spill_folder is None:
            return None
        from gdlab.files import Spill

        try:
            return Spill(self.spill_folder, parts_s=self.parts_s, provenance=provenance())
        except OSError as error:
            raise FolderUnusable(
                f"rows cannot be kept in {self.spill_folder} (spill=): {error.strerror or error}. Expected: a "
                "folder that exists or can be made, on a disk that is there and can be written to. Nothing was started"
            ) from error

    def _note_pause(self) -> None:
        """Say in the table that nothing was received for a while; no endpoint's thread writes at this moment."""
        now_ns = clock.now_ns()
        if self._ended_ns is not None:
            for store in self.stores:
                pause_s = (now_ns - self._ended_ns) / 1e9
                store.append(now_ns, event=Event.GAP, fact=Fact.of(Reason.PAUSED, by=US, seconds=pause_s))
            self.began_ns += now_ns - self._ended_ns
            self._ended_ns = None

    def stop(self) -> None:
        """Stop receiving and free the ports; calling it again does nothing."""
        for endpoint in self.endpoints:
            endpoint.close()
        if self._ended_ns is None:
            self._ended_ns = self._last_end_ns() or clock.now_ns()
        if self.spill is not None:
            self.spill.close(None if self._provenance is None else self._provenance())

    def send(self, outgoing: Outgoing, peer: str | None) -> int:
        """Send a message to a peer, or to all; return to how many.

        Raises
        ------
        NotSent : no endpoint could send it; of several the last one says why.
        """
        if len(self.endpoints) == 1:
            return self.endpoints[0].send(outgoing, peer)
        sent, problem = 0, NotSent("this capture has no endpoint")
        for endpoint in self.endpoints:
            try:
                sent += endpoint.send(outgoing, peer)
            except NotSent as error:
                problem = error
        if not sent:
            raise problem
        return sent

    def reframe(self, framing: FramingLike) -> None:
        """Read the streams again from their first byte, in another framing, and go on in it."""
        for endpoint in self.endpoints:
            endpoint.reframe(framing)
        self.options = replace(self.options, framing=framing)
        with self.lock:
            if self.spill is not None and not self.running:  # what is on the disk follows
                self.spill.reopen()
                self.spill.close()

    def after_fork(self) -> None:
        """In the child of a fork: what was received stays, and the parent alone goes on receiving."""
        self.lock = threading.RLock()
        self._room.after_fork()
        for endpoint in self.endpoints:
            endpoint.after_fork()
        for store in self.stores:
            store.on_seal = None
        self.spill = None  # its files are the parent's
        if self._ended_ns is None:
            self._ended_ns = clock.now_ns()
