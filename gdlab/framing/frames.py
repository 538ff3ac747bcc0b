"""What every framer takes in and hands out: the seam between endpoints and framings."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np

from gdlab.messages import DEFAULT_MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from gdlab.errors import FramingError
    from gdlab.facts import Fact

#: Longer frames are errors unless more is allowed.
DEFAULT_MAX_FRAME_BYTES: Final = DEFAULT_MAX_MESSAGE_BYTES

#: At most so many bytes of a frame that is over the limit, or that broke the stream, stay as a row.
KEPT_BYTES: Final = 64 * 1024


class State(StrEnum):
    """Where a framer is in its life."""

    RECEIVING = "receiving"
    ERROR = "error"  # no next frame can be found; the connection should end with `Framer.error`
    ENDED = "ended"


class Frame(NamedTuple):
    """One delimited unit of a byte stream.

    Attributes
    ----------
    payload : the bytes without their framing, never changed.
    header_bytes : bytes of framing that belong to this frame: length prefix, line end, space between values.
    flaw : what is wrong with it, None for a plain frame. Its reason is MALFORMED; OVERSIZED, `payload` having the
        first bytes; SKIPPED, with no payload; or INCOMPLETE.
    """

    payload: bytes
    header_bytes: int = 0
    flaw: Fact | None = None


_new_tuple: Final = tuple.__new__


def plain_frames(payloads: Iterable[bytes], header_bytes: int) -> list[Frame]:
    """Frames without a flaw; the same as calling `Frame` for each, in a third of its time."""
    return [_new_tuple(Frame, (payload, header_bytes, None)) for payload in payloads]


class FrameTable(NamedTuple):
    """Plain frames in columns: payload i is ``data[offsets[i] : offsets[i] + lengths[i]]``.

    Attributes
    ----------
    data : the bytes the frames lie in, their framing included.
    offsets, lengths, header_bytes : (n,) int64, bytes.
    """

    data: bytes
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    header_bytes: NDArray[np.int64]

    @classmethod
    def of(cls, frames: Sequence[Frame]) -> FrameTable:
        """The table of some plain frames, their payloads glued together."""
        lengths = np.array([len(frame.payload) for frame in frames], np.int64)
        return cls(
            b"".join([frame.payload for frame in frames]),
            np.cumsum(lengths) - lengths,
            lengths,
            np.array([frame.header_bytes for frame in frames], np.int64),
        )


class Framer(Protocol):
    """Splits one direction of one connection into frames; owns bytes and state, nothing else.

    Between two calls it holds less than `max_frame_bytes` and one header, if `frames` or `table` is called
    after every `receive_data`, whatever the chunks are. However the stream is cut, the frames are the same
    ("raw" alone shows the chunks themselves); only how many bytes a frame that ends in the state ERROR shows
    depends on what had arrived.
    """

    @property
    def name(self) -> str:
        """The framing's name."""

    @property
    def state(self) -> State:
        """RECEIVING, then ERROR or ENDED."""

    @property
    def error(self) -> FramingError | None:
        """Why the state is ERROR, with the offset into the stream."""

    @property
    def dropped_bytes(self) -> int:
        """Bytes that are in no frame: skipped after a flaw, or arrived in the state ERROR."""

    @property
    def held_bytes(self) -> int:
        """Bytes waiting for the rest of their frame."""

    @property
    def waits_for(self) -> int:
        """Bytes of the frame that is not yet complete, where it announces them; 0 where it does not."""

    def receive_data(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the bytes of one read; in the state ERROR they are only counted.

        Raises
        ------
        FramingError
            `end` was called before: one framer serves one connection.
        """

    def end(self) -> None:
        """The stream has ended: `frames` then also gives what remains, as INCOMPLETE."""

    def frames(self) -> list[Frame]:
        """All frames complete since the last call, each once, flawed ones where they lie in the stream."""

    def table(self) -> FrameTable:
        """The plain frames up to the first flawed one, as arrays: for large chunks of small frames.

        What comes after it, `frames` gives. For chunks of a few frames `frames` is faster.
        """
