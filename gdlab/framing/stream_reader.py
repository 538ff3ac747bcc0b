"""One direction of a stream, read as a framing wants it, or as it is found out.

The bytes are the truth and a framing is a view of them. While a guess is not certain the reader keeps what arrived,
read by read, and takes the guess back as soon as more bytes speak against it: the stream is then read again from its
first byte, with the times of the reads. Nothing is dropped, hidden or closed for a guess. Sans-I/O: the time is an
argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gdlab.facts import US, Fact, Reason
from gdlab.framing.custom import FramingLike, name_of
from gdlab.framing.fixed import FixedFramer
from gdlab.framing.frames import DEFAULT_MAX_FRAME_BYTES, Frame, State
from gdlab.framing.guess import MOST_BYTES, Guess, guess
from gdlab.framing.lines import LineFramer
from gdlab.framing.marks import MAX_AROUND_BYTES, MAX_READS, Mark, mark_of, written
from gdlab.framing.names import NAMES, framer
from gdlab.framing.prefix import PrefixFramer
from gdlab.framing.raw import RawFramer
from gdlab.framing.stream import StreamFramer
from gdlab.framing.taken import Batch, Read, Taken
from gdlab.framing.together import Together, together

#: A guess is weighed again when so much more has come, or after a pause.
_GROWTH: Final = 1.5

#: Larger reads of small frames are taken as columns, if that is asked for.
_LARGE_BYTES: Final = 8 * 1024


#: Those whose frames all follow from the name, so that one word is that of all. Lines may end in two ways.
_TABULAR: Final = (PrefixFramer, FixedFramer)


class StreamReader:
    """Reads one direction of one connection.

    Parameters
    ----------
    framing : a name, a function or an object; "auto" is found out.
    guess : why it is read so, where that is a guess's consequence.
    """

    def __init__(
        self,
        framing: FramingLike,
        *,
        max_frame_bytes: int = DEFAULT_MAX_FRAME_BYTES,
        guess: Guess | None = None,
    ) -> None:
        self._most = max_frame_bytes
        self._auto = isinstance(framing, str) and framing == "auto"
        #: How what is sent is framed; None as long as that is not known.
        self.framing: FramingLike | None = None if self._auto else framing
        #: What was found out, and by what evidence; None as long as nothing was, and for a framing chosen by name.
        self.guess = guess
        self._reads: list[Read] = []  # all of them, as long as the guess may change
        self._head = bytearray()
        self._pauses: list[int] = []
        self._ends: list[int] = []
        self._judged = 0
        self._given = False
        self._excluded: set[str] = set()  # guesses that have failed
        self._dropped = 0
        self._pieces: list[tuple[int, int]] = []  # of the frame that has begun: bytes and time of each read
        self._mirror: bytearray | None = None  # what the framer holds, where its frames do not tell
        self._framer: StreamFramer | None = None
        if not self._auto:
            self._use(framing)

    # ---- how it is read

    @property
    def name(self) -> str:
        """The framing's name; "auto" as long as nothing is known."""
        return "auto" if self.framing is None else name_of(self.framing)

    @property
    def is_settled(self) -> bool:
        """Whether the framing will stay as it is."""
        return not self._auto

    @property
    def is_known(self) -> bool:
        """Whether it is known how the peer frames its messages; kept raw for want of evidence, it is not."""
        return self.framing is not None and (not self.guess or self.guess.certain or self.guess.name != "raw")

    @property
    def held_bytes(self) -> int:
        """Bytes that wait for the rest of their frame, or for a decision."""
        return len(self._head) if self._framer is None else self._framer.held_bytes

    @property
    def kept_bytes(self) -> int:
        """Memory that is held: the bytes that wait, and what may have to be read again."""
        return self.held_bytes + (len(self._head) if self._framer else 0) + len(self._mirror or b"")

    @property
    def waits_for(self) -> int:
        """Bytes of the frame that is on its way, as it announces them; 0 where it does not."""
        if self._framer is not None:
            return self._framer.waits_for
        return self.guess.waits_for if self.guess else 0

    # ---- what arrives

    def receive(self, chunk: bytes, time_ns: int, *, columns: bool = False) -> Taken:
        """Take the bytes of one read.

        Parameters
        ----------
        columns : many frames may be given as a table.
        """
        if not self._auto:
            return self._feed(chunk, time_ns, columns=columns)
        self._reads.append(Read(chunk, time_ns))
        self._head += chunk
        self._ends.append(len(self._head))
        if self._framer is None or len(self._head) >= _GROWTH * self._judged or len(self._head) >= MOST_BYTES:
            taken = self._judge(final=False)
            if taken is not None:
                return taken
        return Taken() if self._framer is None else self._feed(chunk, time_ns, columns=columns)

    def whole(self, chunk: bytes) -> bytes | None:
        """The payload of a read that is one frame with its length before it, as most are; `receive` takes all others.

        Returns
        -------
        None where it is not, or something is held: nothing has happened then.
        """
        made = self._framer
        if self._auto or not isinstance(made, PrefixFramer) or self._pieces:
            return None
        payload = made.whole(chunk)
        self._given = self._given or payload is not None
        return payload

    @property
    def plain_framer(self) -> PrefixFramer | None:
        """What `whole` asks once the framing is settled, to be asked in its place then; None where that is none."""
        return self._framer if isinstance(self._framer, PrefixFramer) and not self._auto else None

    @property
    def lacks(self) -> int:
        """How many bytes the frame lacks that has begun; 0 where none has, or where that is not known."""
        return max(0, self.waits_for - self.held_bytes)

    def receive_together(self, reads: Sequence[Read]) -> Together | None:
        """Take the plain frames that several reads begin with, as `receive` takes them read by read.

        Returns
        -------
        None where the framing is none of lengths, or may change, or something is held: nothing has happened then.
        """
        made = self._framer
        if self._auto or not isinstance(made, PrefixFramer):
            return None
        found = together(made, reads, self.name)
        self._given = self._given or found is not None
        return found

    def pause(self) -> Taken:
        """Nothing more has come for a while: the peer may wait for an answer."""
        if not self._auto or not self._head:
            return Taken()
        if not self._pauses or self._pauses[-1] != len(self._head):
            self._pauses.append(len(self._head))
        return self._judge(final=True) or Taken()

    def end(self) -> Taken:
        """The stream has ended: what is left comes as incomplete."""
        batches: list[Batch] = []
        withdrawn = False
        if self._auto and self._head:
            self._pauses.append(len(self._head))
            taken = self._judge(final=True)
            if taken is not None:
                batches, withdrawn = list(taken.batches), taken.withdrawn
        if self._framer is not None and self._framer.state is State.RECEIVING:
            held = self._framer.held
            time_ns = self._pieces[-1][1] if self._pieces else 0
            self._framer.end()
            batches.append(self._batch(time_ns, self._framer.frames(), held=held))
        return Taken(list(filter(None, batches)), withdrawn)

    def replay(self, reads: Sequence[Read]) -> Taken:
        """Take a whole stream again, read by read: all that it holds from its first byte on."""
        batches: list[Batch] = []
        for chunk, time_ns in reads:
            taken = self.receive(chunk, time_ns)
            batches = list(taken.batches) if taken.withdrawn else [*batches, *taken.batches]
            if taken.failed or taken.error:
                return taken._replace(batches=batches, withdrawn=True)
        return Taken(batches, withdrawn=True)

    # ---- guessing

    def _judge(self, *, final: bool) -> Taken | None:
        """Weigh the first bytes once more; what that changes, or None where nothing changes."""
        self._judged = len(self._head)
        found = guess(bytes(self._head), reads=self._ends, pauses=self._pauses, final=final)
        if found is None:
            return None
        if found.name in self._excluded:
            found = Guess("raw", False, "unknown")
        done = found.certain or len(self._head) >= MOST_BYTES
        changed = self._framer is None or found.name != self.name
        if not changed and self.guess is not None and self.guess.bits > found.bits:
            found = found._replace(bits=self.guess.bits)
        self.guess = found
        if done and not changed:
            # The read that was just taken is still to be fed.
            self._auto = False
            self._release()
            return None
        if not changed:
            return None
        reads = self._reads
        if done:
            self._auto = False
            self._release()
        self._use(found.name)
        return self._replayed(reads)

    def _replayed(self, reads: Sequence[Read]) -> Taken:
        """Give all that has come to a new framer."""
        given, self._given = self._given, False
        batches: list[Batch] = []
        for chunk, time_ns in reads:
            taken = self._feed(chunk, time_ns, columns=False)
            batches += taken.batches
            if taken.withdrawn or taken.failed or taken.error:
                return taken._replace(
                    batches=taken.batches if taken.withdrawn else batches, withdrawn=given or taken.withdrawn
                )
        return Taken(batches, withdrawn=given)

    def _release(self) -> None:
        self._reads, self._head, self._ends, self._pauses = [], bytearray(), [], []

    def _use(self, framing: FramingLike) -> None:
        made = framer(framing, max_frame_bytes=self._most)
        assert isinstance(made, StreamFramer)  # noqa: S101 (all are)
        made.strict = self.guess is not None
        self._framer, self.framing = made, framing
        self._pieces, self._dropped = [], 0
        plain = isinstance(made, (PrefixFramer, RawFramer, FixedFramer, LineFramer))
        self._mirror = None if plain else bytearray()

    # ---- framing

    def _feed(self, chunk: bytes, time_ns: int, *, columns: bool) -> Taken:
        made = self._framer
        assert made is not None  # noqa: S101 (whoever calls has one)
        before, prior = self._waiting_bytes(), list(self._pieces)
        if self._mirror is not None:
            self._mirror += chunk
            # White space without an end.
            if len(self._mirror) > made.held_bytes + len(chunk) + MAX_AROUND_BYTES:
                del self._mirror[: -len(chunk) - made.held_bytes]
                self._dropped = -1
        if columns and len(chunk) > _LARGE_BYTES and isinstance(made, _TABULAR):
            begun, table = made.table_with(chunk)
            if begun is not None or len(table.lengths):
                word = self.name
                first = written(Mark(word, reads=self._reads_before(time_ns)))
                self._pieces = []
                rest = self._batch(time_ns, made.frames())
                some = table if len(table.lengths) else None
                batch = rest._replace(before=begun, table=some, first_word=first, word=word)
            else:
                batch = self._batch(time_ns, made.frames())
        else:
            made.receive_data(chunk)
            batch = self._batch(time_ns, made.frames())
        held = self._waiting_bytes()
        if held:
            # Of the frame that has begun; if one was completed, all that is held came with this read.
            self._piece(held if batch or not before else len(chunk), time_ns)
        self._given = self._given or bool(batch)
        failing = made.state is State.ERROR or (
            self._auto and (made.is_lost or any(frame.flaw is not None for frame in batch.frames))
        )
        if not failing:
            return Taken((batch,) if batch else ())
        return self._failed(batch, prior)

    def _failed(self, batch: Batch, prior: list[tuple[int, int]]) -> Taken:
        """No next frame can be found: a guess is taken back, a framing chosen by name ends the stream."""
        made = self._framer
        flaw = next((frame.flaw for frame in batch.frames if frame.flaw is not None), None)
        fact = made.error.fact if made is not None and made.error is not None else flaw
        fact = fact or Fact(Reason.MALFORMED, US, case="cut")
        if not self._auto:
            assert made is not None  # noqa: S101 (it has just failed)
            if self.guess is None:  # its last frame shows all that it held
                frames = [*batch.frames[:-1], batch.frames[-1]._replace(payload=made.rest)]
                return Taken((batch._replace(frames=frames),), error=fact)
            good = batch._replace(frames=batch.frames[:-1], words=batch.words[:-1])
            known = sum(count for count, _ in prior)
            began = [] if good else prior
            self._pieces = [*began, (len(made.rest) - (0 if good else known), batch.time_ns)]
            return Taken((good,) if good else (), failed=fact)
        if self.guess is not None:
            self._excluded.add(self.guess.name)
        self.guess = Guess("raw", False, "unknown")
        self._use("raw")
        self._given = True
        return self._replayed(list(self._reads))._replace(withdrawn=True)

    @property
    def rest(self) -> bytes:
        """What a failed framing held: bytes that are in no frame it has given."""
        return b"" if self._framer is None else self._framer.rest

    def _waiting_bytes(self) -> int:
        """Bytes of the stream that are in no frame yet, what a framer has passed over between frames included."""
        assert self._framer is not None  # noqa: S101 (whoever asks has one)
        return self._framer.held_bytes if self._mirror is None else len(self._mirror)

    def _piece(self, count: int, time_ns: int) -> None:
        if len(self._pieces) < MAX_READS:
            self._pieces.append((count, time_ns))
        else:
            self._pieces[-1] = (self._pieces[-1][0] + count, time_ns)

    def held_reads(self) -> list[Read]:
        """What waits for the rest of its frame, or for a decision, read by read."""
        if self._framer is None:
            return list(self._reads)
        held = self._framer.held or self._framer.rest
        if self._mirror is not None and self._framer.state is State.RECEIVING:
            held = bytes(self._mirror)
        found, at = [], 0
        for count, time_ns in self._pieces:
            found.append(Read(held[at : at + count], time_ns))
            at += count
        if at < len(held) and found:
            found[-1] = Read(found[-1].data + held[at:], found[-1].time_ns)
        return found

    def _reads_before(self, time_ns: int) -> tuple[tuple[int, int], ...]:
        return tuple((count, time_ns - then) for count, then in self._pieces)

    def _batch(self, time_ns: int, frames: list[Frame], *, held: bytes = b"") -> Batch:
        """The frames of a read, each with its word."""
        if not frames:
            return Batch(time_ns)
        reads = self._reads_before(time_ns)
        self._pieces = []
        name, known = self.name, isinstance(self.framing, str) and self.framing.partition(":")[0] in NAMES
        made = self._framer
        words: list[str] = []
        if self._mirror is not None:
            return Batch(time_ns, frames, self._mirrored(frames, name, reads, known=known))
        if isinstance(made, LineFramer):
            crlf = written(Mark(name, b"", b"\r\n"))
            plain = {0: written(Mark(name, b"", b"")), 1: name, 2: crlf}
            words = [plain.get(frame.header_bytes, name) for frame in frames]
        else:
            words = [name] * len(frames)
        for index, frame in enumerate(frames):
            if frame.flaw is None:
                continue
            if frame.flaw.reason in (Reason.SKIPPED, Reason.OVERSIZED):
                words[index] = written(Mark(name, b"", b"", hole=frame.flaw.reason is Reason.SKIPPED))
            else:
                words[index] = written(Mark(name, held[: frame.header_bytes], b""))
        if reads:
            first = frames[0]
            head, tail = (
                {0: (b"", b""), 2: (b"", b"\r\n")}.get(first.header_bytes, (None, None))
                if isinstance(made, LineFramer)
                else (None, None)
            )
            if first.flaw is not None:
                head, tail = held[: first.header_bytes], b""
            words[0] = written(Mark(name, head, tail, reads))
        return Batch(time_ns, frames, words)

    def _mirrored(
        self, frames: list[Frame], name: str, reads: tuple[tuple[int, int], ...], *, known: bool
    ) -> list[str]:
        mirror, made = self._mirror, self._framer
        assert mirror is not None and made is not None  # noqa: S101, PT018 (as the caller has seen)
        words, at = [], 0
        lost = made.dropped_bytes > self._dropped and made.state is not State.ERROR
        self._dropped = made.dropped_bytes
        for frame in frames:
            size = len(frame.payload) + frame.header_bytes
            if lost:
                mark = Mark(name, b"", b"", reads, hole=True)
            else:
                raw = bytes(mirror[at : at + size])
                mark = mark_of(name, frame.payload, raw, reads, known=known)
            reads = ()
            at += size
            words.append(written(mark))
        del mirror[: len(mirror) - made.held_bytes if lost or made.state is State.ERROR else at]
        return words
