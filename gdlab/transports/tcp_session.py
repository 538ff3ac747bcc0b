"""What a TCP connection speaks: a framed byte stream."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from gdlab import framing
from gdlab.facts import PEER, US, Fact, Reason
from gdlab.framing import FramingLike, Read, StreamReader, Taken, fact_of
from gdlab.messages import Event, TimeSource, guess_kind, wire_bytes
from gdlab.payloads import Int64, UInt8
from gdlab.transports.effects import Again, Effect, Effects, Finish, Later, Noted, Opened, Withdrawn
from gdlab.transports.encoding import VARIANT_FRAMINGS, Outgoing
from gdlab.transports.session import Encoded, Link, ManyEncoded, Session, Whole, rest_of
from gdlab.transports.session import Read as Arrival
from gdlab.transports.stream_rows import StreamRows
from gdlab.transports.text_or_binary import TEXT, guess_kinds

if TYPE_CHECKING:
    from gdlab.framing.prefix import PrefixFramer

#: A peer that is quiet for so long, while its framing is still to be found out, waits for an answer.
_SETTLE_S: Final = 0.05

#: Nothing is answered: it has been before.
_NEVER: Final = 1 << 63


class TcpSession(Session):
    """A framed byte stream.

    With the framing `auto` the first message's row has the evidence of what was guessed. A guess that fails is taken
    back: the rows of the stream are written anew, as they came. Until the framing is known, messages are sent
    without any.
    """

    takes_ahead = True

    def __init__(self, link: Link) -> None:
        self._most = link.options.max_message_bytes
        self._reader = StreamReader(link.options.framing, max_frame_bytes=self._most)
        self._over = False
        self._settles = False
        self._is_encrypted = False
        self._arrived = 0
        self._time_source = TimeSource.USER  # of the last read
        self._overhead = wire_bytes("tcp", 0, ipv6=link.ipv6)
        # What tells whole messages, as soon as that will not change, and nothing is to be told with the next one.
        self._plain: PrefixFramer | None = None
        self._word = ""  # of its messages
        self._rows = StreamRows(self._overhead)

    def begin(self, time_ns: int) -> Effects:
        """Ready at once: TCP knows no handshake beyond the system's own."""
        yield Opened(Fact(Reason.OPENED, PEER), time_ns)

    def receive(
        self, chunk: bytes, time_ns: int, time_source: TimeSource, *, one_by_one: bool = True
    ) -> Effects:
        """Take the bytes of one read."""
        self._arrived += 1
        self._time_source = time_source
        payload = self._reader.whole(chunk)
        if payload is not None:
            return iter((self._rows.of_one(payload, len(chunk), time_ns, time_source, self._reader.name),))
        return self._receive(chunk, time_ns, one_by_one=one_by_one)

    def _receive(self, chunk: bytes, time_ns: int, *, one_by_one: bool) -> Effects:
        taken = self._reader.receive(chunk, time_ns, columns=True)
        # Where rows are written anew, those of earlier reads have been answered.
        yield from self._written(taken, one_by_one=one_by_one, since_ns=time_ns if taken.withdrawn else 0)
        if not (self._reader.is_settled or self._settles or self._over):
            yield self._settle_later()

    def whole(self, chunk: bytes) -> Whole | None:
        """Take a read that is just one frame."""
        plain = self._plain
        if plain is None:
            plain = self._reader.plain_framer if self._rows.has_told else None
            if plain is None:
                return None
            self._plain, self._word = plain, self._reader.name
        payload = plain.whole(chunk)
        return None if payload is None else (payload, self._overhead + len(chunk), self._word, None)

    def wholes(self, chunk: bytes) -> Sequence[Whole] | None:
        """Take a read that is just some frames; `whole` has been asked before."""
        payloads = self._plain.wholes(chunk) if self._plain is not None else None
        if not payloads:
            return None
        word, wire = self._word, self._overhead + (len(chunk) - sum(map(len, payloads))) // len(payloads)
        return [(payload, wire + len(payload), word, None) for payload in payloads]

    def take_ahead(self, reads: list[Arrival]) -> tuple[Sequence[Effect], list[Arrival]]:
        """Take messages of several reads at once, which costs less; each has the time of the read that completed it."""
        lacks, first = self._reader.lacks, reads[0]
        if not self._reader.is_settled or not self._rows.has_told or lacks > len(first.chunk):
            return [], reads
        taken: list[Effect] = []
        if lacks:
            taken += self._receive(first.chunk[:lacks], first.time_ns, one_by_one=False)
            reads = [first._replace(chunk=first.chunk[lacks:]), *reads[1:]]
        many = self._reader.receive_together([Read(chunk, time_ns) for chunk, time_ns, _ in reads])
        if many is None:
            return taken, reads
        taken.append(self._rows.of_together(many, first.time_source))
        return taken, rest_of(reads, many.size)

    def end(self) -> Effects:
        """The peer's last byte has come."""
        yield from self._written(self._reader.end())
        yield self._finish(Fact(Reason.PEER_CLOSED, PEER))

    def take_leave(self, reason: Fact, code: int = 0, said: str = "") -> Effects:
        """End the stream, which knows no code; what waits still goes out."""
        yield from self._written(self._reader.end())
        yield self._finish(reason, at_once=True)

    def encode(self, outgoing: Outgoing) -> Encoded:
        """Frame a message as the peer frames its own."""
        reader = self._reader
        payload = outgoing.in_framing(reader.name).payload
        data = framing.encode("raw" if reader.framing is None else reader.framing, payload)
        return Encoded(payload, data, guess_kind(payload), self._overhead + len(data))

    def encode_many(self, outgoing: Sequence[Outgoing]) -> ManyEncoded | None:
        """Frame many messages at once, where their lengths are written before them."""
        reader = self._reader
        header = framing.length_header(reader.framing)
        if header is None:
            return None
        payloads = [one.in_framing(reader.name).payload for one in outgoing]
        sizes = list(map(len, payloads))
        if max(sizes) >> 8 * header.size:
            return None
        heads = map(header.pack, sizes)
        data = b"".join([part for pair in zip(heads, payloads, strict=True) for part in pair])
        joined, lengths = np.frombuffer(b"".join(payloads), np.uint8), np.array(sizes, np.int64)
        wires = lengths + (header.size + self._overhead)
        return ManyEncoded(joined, lengths, guess_kinds(joined, lengths), wires, data)

    def encode_columns(
        self, payloads: UInt8, sizes: Int64, kinds: npt.NDArray[np.int8]
    ) -> ManyEncoded | None:
        """Frame many messages in columns, where their lengths are written before them, and text goes out as it is."""
        header = framing.length_header(self._reader.framing)
        if header is None or int(sizes.max()) >> 8 * header.size:
            return None
        if self.takes_only_variants and bool((kinds == TEXT).any()):
            return None
        size = int(sizes[0])
        if bool((sizes == size).all()):
            made = np.empty((len(sizes), header.size + size), np.uint8)
            made[:, : header.size] = np.frombuffer(header.pack(size), np.uint8)
            made[:, header.size :] = payloads.reshape(len(sizes), size)
            data = made.tobytes()
        else:
            whole, at = payloads.tobytes(), 0
            pieces: list[bytes] = []
            for length in sizes.tolist():
                pieces += (header.pack(length), whole[at : at + length])
                at += length
            data = b"".join(pieces)
        return ManyEncoded(payloads, sizes, kinds, sizes + (header.size + self._overhead), data)

    @property
    def can_ask(self) -> bool:
        """Whether the framing is known: a game that reads lengths would take a bare ping for one, and wait for ever."""
        return self._reader.is_known

    @property
    def takes_only_variants(self) -> bool:
        """Whether the peer reads with `get_var`, which prints an error about anything else."""
        return self._reader.name in VARIANT_FRAMINGS

    @property
    def held_bytes(self) -> int:
        """Memory of what is not yet complete."""
        return self._reader.kept_bytes

    @property
    def waiting(self) -> tuple[int, int]:
        """Bytes that wait for the rest of their message, and of how many, where that is known."""
        return self._reader.held_bytes, self._reader.waits_for

    def reframe(self, choice: FramingLike, reads: Sequence[Read]) -> Effects:
        """Read the whole stream in another framing, and go on in it; its old rows have been taken back.

        Parameters
        ----------
        reads : what its rows held.
        """
        held = self._reader.held_reads()
        self._reader, self._plain = StreamReader(choice, max_frame_bytes=self._most), None
        yield from self._replay([*reads, *held])

    def _finish(self, reason: Fact, *, at_once: bool = False) -> Finish:
        self._over = True
        return Finish(reason, at_once)

    def _settle(self, arrived: int) -> Effects:
        """Decide with what there is, if nothing more came meanwhile."""
        self._settles = False
        if self._over or self._reader.is_settled:
            return
        if arrived != self._arrived and self._reader.framing is not None:
            yield self._settle_later()
            return
        yield from self._written(self._reader.pause())

    def _settle_later(self) -> Later:
        self._settles = True
        return Later(_SETTLE_S, functools.partial(self._settle, self._arrived))

    def _written(self, taken: Taken, *, one_by_one: bool = True, since_ns: int = 0) -> Effects:
        """What a read made known.

        Parameters
        ----------
        since_ns : messages of this time on may be answered.
        """
        found = self._reader.guess
        if taken.withdrawn:
            yield Withdrawn()
            self._rows, self._plain = StreamRows(self._overhead), None
        rows = self._rows
        if found is not None and rows.about is None:
            rows.about, self._plain = fact_of(found), None
        if found is not None and found.case == "tls" and not self._is_encrypted:
            self._is_encrypted = True
            last_ns = max((batch.time_ns for batch in taken.batches), default=0)
            yield Noted(Event.ERROR, Fact(Reason.ENCRYPTED, PEER), b"", last_ns, self._time_source)
        for batch in taken.batches:
            yield from rows.of(
                batch, self._time_source, one_by_one=one_by_one, asks=batch.time_ns >= since_ns
            )
        if taken.failed is not None:
            yield self._give_up_guess(taken.failed)
        elif taken.error is not None:
            yield self._finish(_closed_for(taken.error))

    def _give_up_guess(self, why: Fact) -> Again:
        """Read a stream raw from its first byte, as its guessed framing has failed."""
        failed = self._reader.guess
        raw = StreamReader(
            "raw",
            max_frame_bytes=self._most,
            guess=None if failed is None else failed._replace(name="raw", case="failed"),
        )
        about = Fact.of(Reason.FRAMING_GUESSED, by=US, case="failed", framing="raw", cause=why)
        return Again(functools.partial(self._again, raw, about))

    def _again(self, reader: StreamReader, about: Fact, reads: Sequence[Read]) -> Effects:
        """Read the stream again from its first byte, by a new reader."""
        reads = [*reads, *self._reader.held_reads()]
        self._reader, self._plain = reader, None
        yield from self._replay(reads, about)

    def _replay(self, reads: Sequence[Read], about: Fact | None = None) -> Effects:
        """Make the rows of what has come; all of it has been answered before."""
        self._rows = StreamRows(self._overhead)
        self._rows.about = about
        taken = self._reader.replay(reads)
        yield from self._written(taken._replace(withdrawn=False), one_by_one=False, since_ns=_NEVER)
        if not (self._reader.is_settled or self._settles):
            yield self._settle_later()


def _closed_for(cause: Fact) -> Fact:
    """Why we close a connection whose framing is lost."""
    if cause.limit:
        cause = cause._replace(limit="max_message_bytes")
    return Fact.of(Reason.WE_CLOSED, by=US, limit=cause.limit, cause=cause)
