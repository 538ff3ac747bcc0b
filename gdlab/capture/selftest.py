"""A test packet from this computer to a listener of its own: it says whether the listener hears at all."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Protocol, Self
from weakref import WeakSet

import numpy as np

from gdlab import clock
from gdlab.errors import EndpointClosed, NotSent, WaitTimeout
from gdlab.store import Cursor, Limit, Snapshot
from gdlab.store.blocks import Block
from gdlab.transports import (
    LISTENERS,
    Address,
    EndpointOptions,
    MakeEndpoint,
    client,
    parse_known,
    parse_remote,
)

#: A packet that has not arrived after this long on the same computer will not come.
TIMEOUT_S: Final = 3.0
#: How often a caller that waits looks whether it has come, in seconds.
_LOOK_S: Final = 0.005
#: What a client that sends one message needs to keep.
_LIMIT: Final = Limit(rows=1000)
#: With any framing a test packet is shorter.
_MOST_BYTES: Final = 256


class _Tested(Protocol):
    """What of a capture is needed to test it, and to send by one."""

    def __init__(
        self,
        addresses: Sequence[Address],
        *,
        limit: Limit,
        options: EndpointOptions | None = None,
        make: MakeEndpoint,
    ) -> None: ...
    @property
    def addresses(self) -> tuple[str, ...]: ...
    @property
    def options(self) -> EndpointOptions: ...
    @property
    def running(self) -> bool: ...
    @property
    def status(self) -> object: ...

    is_client: bool

    def snapshots(self) -> Sequence[Snapshot]: ...
    def start(self) -> object: ...
    def send(self, value: Any) -> object: ...
    def stop(self) -> object: ...


#: Captures that only send a test packet: none of the user's, so that no list shows them.
_senders: WeakSet[_Tested] = WeakSet()


def is_sender(capture: _Tested) -> bool:
    """Whether a capture only sends a test packet."""
    return capture in _senders


class TestPacket:
    """One message on its way to a listener; made by `send_test`.

    Attributes
    ----------
    address : where it was sent. token : what it carries, to be known by.
    """

    __test__ = False  # pytest takes the name for a case

    def __init__(self, capture: _Tested, sender: _Tested, address: str, token: str) -> None:
        self.address = address
        self.token = token
        self._capture = capture
        self._sender = sender
        self._sent_ns = clock.now_ns()
        self._deadline = time.monotonic() + TIMEOUT_S
        self._cursor = Cursor(capture.snapshots())
        self.arrived_ms: float | None = None

    @classmethod
    def to(cls, capture: _Tested, sender: _Tested, address: str) -> Self:
        """Send it; the rows that are looked at later begin here."""
        token = secrets.token_hex(4)
        packet = cls(capture, sender, address, token)
        sender.send({"gdlab": "test packet", "token": token})
        return packet

    @property
    def state(self) -> str:
        """``arrived``, ``lost`` (it did not come in time), or ``on its way``."""
        if self.arrived_ms is None:
            self._look()
        if self.arrived_ms is not None:
            return "arrived"
        return "lost" if time.monotonic() > self._deadline else "on its way"

    def wait(self, timeout_s: float) -> float:
        """Milliseconds until it had arrived.

        Raises
        ------
        WaitTimeout : it did not arrive in time.
        """
        deadline = time.monotonic() + timeout_s
        while self.state != "arrived" and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        if self.arrived_ms is None:
            raise WaitTimeout(
                f"the test packet to {self.address} did not arrive within {timeout_s:g} s. Now: {self._capture.status}",
                arrived=0,
                wanted=1,
            )
        return self.arrived_ms

    def _look(self) -> None:
        for _, _, block in self._cursor.new(self._capture.snapshots()):
            found = _time_of(block, self.token.encode())
            if found is not None:
                self.arrived_ms = max(0.0, (found - self._sent_ns) / 1e6)

    def close(self) -> None:
        """Close the connection that it was sent by."""
        self._sender.stop()


def _time_of(block: Block, token: bytes) -> int | None:
    columns = block.columns
    for row in np.flatnonzero((columns.size >= len(token)) & (columns.size <= _MOST_BYTES)).tolist():
        start, size = int(columns.offset[row]), int(columns.size[row])
        if token in block.arena[start : start + size].tobytes():
            return int(columns.time_ns[row])
    return None


def send_test(capture: _Tested, address: str | None = None) -> TestPacket:
    """Send a message to a listener of this process, over the network as a game would.

    Parameters
    ----------
    capture : a capture that listens. address : one of its addresses; the first if left out.

    Returns
    -------
    TestPacket, which tells when it has arrived; close it then. In the capture it is a message like any other.

    Raises
    ------
    EndpointClosed : the capture is stopped. NotSent : it is a client, or the message could not be sent. NotConnected :
        no connection could be made.
    """
    if capture.is_client:
        raise NotSent("this capture is a client: what it is connected to can be tested with Send")
    if not capture.running:
        raise EndpointClosed("the listener is stopped; start it first")
    chosen = address or capture.addresses[0]
    target = _reachable(parse_known(chosen))
    options = EndpointOptions(
        framing=capture.options.framing,
        subprotocols=capture.options.subprotocols,
        max_message_bytes=capture.options.max_message_bytes,
    )
    # Not by `connect`, which would hand out, or stop, a client that the user has to this very address.
    sender = type(capture)(
        (parse_remote(str(target), schemes=LISTENERS),),
        limit=_LIMIT,
        options=options,
        make=client,
    )
    _senders.add(sender)
    try:
        sender.start()
        return TestPacket.to(capture, sender, str(target))
    except BaseException:
        sender.stop()
        raise


def _reachable(address: Address) -> Address:
    """Where this computer itself reaches a listener that is open to all."""
    host = {"lan": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104 (not bound)
    return replace(address, host=host)
