"""What one stream connection speaks, without its socket."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from gdlab.facts import Fact
from gdlab.messages import Kind, Peer, TimeSource
from gdlab.payloads import Int64, UInt8
from gdlab.transports.address import Address
from gdlab.transports.effects import Effect, Effects
from gdlab.transports.encoding import Outgoing
from gdlab.transports.options import EndpointOptions

#: A connection that ends is given so long to take what waits and to end its side.
LINGER_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Link:
    """What a session knows of its connection.

    Attributes
    ----------
    address : of the endpoint. own_host : the address of this machine that the peer is connected to.
    """

    address: Address
    options: EndpointOptions
    peer: Peer
    own_host: str
    ipv6: bool = False


class Encoded(NamedTuple):
    """A message as it goes to the wire, and what its row has."""

    payload: bytes
    data: bytes
    kind: Kind
    wire_bytes: int
    fact: Fact | None = None


class ManyEncoded(NamedTuple):
    """Messages as they go to the wire one behind the other, and what their rows have.

    Attributes
    ----------
    payloads : one behind the other. sizes, wire_bytes : (n,) int64. kinds : (n,) codes of `kind`.
    """

    payloads: UInt8
    sizes: Int64
    kinds: npt.NDArray[np.int8]
    wire_bytes: Int64
    data: bytes


#: A message that was a read of its own: its payload; what it took on the wire; how it was cut out of its stream; its
#: kind, None where that follows from the payload. A bare tuple, as there is one for each message.
Whole: TypeAlias = tuple[bytes, int, str, Kind | None]


class Read(NamedTuple):
    """What one read of a connection brought; nothing where the peer has said that it sends nothing more."""

    chunk: bytes
    time_ns: int
    time_source: TimeSource


def rest_of(reads: Sequence[Read], size: int) -> list[Read]:
    """What is left of some reads behind their first bytes."""
    rest = []
    for read in reads:
        if size < len(read.chunk):
            rest.append(read._replace(chunk=read.chunk[size:]))
        size = max(0, size - len(read.chunk))
    return rest


class Session(ABC):
    """Turns chunks into effects, and messages into chunks; whoever calls it acts on the effects, see `effects`.

    Attributes
    ----------
    takes_ahead : whether it may take several reads at once, see `take_ahead`.
    """

    takes_ahead = False

    @abstractmethod
    def begin(self, time_ns: int) -> Effects:
        """The transport connection is there, since `time_ns`."""

    @abstractmethod
    def receive(
        self, chunk: bytes, time_ns: int, time_source: TimeSource, *, one_by_one: bool = True
    ) -> Effects:
        """Take the bytes of one read; `one_by_one` keeps its messages apart, as they are answered."""

    def whole(self, _chunk: bytes) -> Whole | None:
        """Take a read that is just one message, of which nothing is to be told and nothing to be answered.

        Returns
        -------
        None for any other read: nothing has happened then, and `receive` takes it.
        """
        return None

    def wholes(self, _chunk: bytes) -> Sequence[Whole] | None:
        """The same for a read that is some messages and nothing else."""
        return None

    def take_ahead(self, reads: list[Read]) -> tuple[Sequence[Effect], list[Read]]:
        """Take messages of several reads at once, where that is the same as taking them read by read.

        Parameters
        ----------
        reads : in their order, times of one source; nothing of them is to be answered.

        Returns
        -------
        messages : those that were taken. rest : what `receive` is still to be given.
        """
        return [], reads

    @abstractmethod
    def end(self) -> Effects:
        """The peer sends nothing more; it may still read."""

    @abstractmethod
    def take_leave(self, reason: Fact, code: int = 0, said: str = "") -> Effects:
        """End from our side, politely, with a code where the protocol has one."""

    @abstractmethod
    def encode(self, outgoing: Outgoing) -> Encoded:
        """Frame a message for the wire.

        Raises
        ------
        FramingError, NotSent : it cannot be sent.
        """

    def encode_many(self, outgoing: Sequence[Outgoing]) -> ManyEncoded | None:
        """Frame many messages at once; None where they are to be framed one by one, as one cannot be sent perhaps."""
        return None

    def encode_columns(
        self, payloads: UInt8, sizes: Int64, kinds: npt.NDArray[np.int8]
    ) -> ManyEncoded | None:
        """The same for messages in columns, as `ManyEncoded` has them."""
        return None

    @property
    @abstractmethod
    def held_bytes(self) -> int:
        """Bytes of messages that are not yet complete."""

    @property
    def waiting(self) -> tuple[int, int]:
        """Bytes that wait for the rest of their message, and of how many, where that is known."""
        return self.held_bytes, 0

    @property
    def request(self) -> bytes:
        """What the peer asked with before it was let in, as it came; empty where the protocol knows no request."""
        return b""

    @property
    def can_ask(self) -> bool:
        """Whether it is known how the peer takes its messages, so that it may be asked something of ours."""
        return True

    @property
    def takes_only_variants(self) -> bool:
        """Whether the peer would not understand any other message."""
        return False
