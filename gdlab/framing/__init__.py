"""Bytes of a stream to frames: sans-I/O framers, chosen by the name the user types, or found out.

An endpoint drives one `StreamReader` per connection::

    reader = framing.StreamReader("auto")
    taken = reader.receive(chunk, time_ns)
    for batch in taken.batches:             # batch.frames, batch.time_ns
        ...

It uses the framer of one framing (`framer`), which turns chunks into frames and nothing else. `encode` is the sending
side for the same framings. A framing of one's own is a function, see `custom`. Nothing here knows sockets, threads,
clocks or values.
"""

from __future__ import annotations

from gdlab.framing.custom import Framing, FramingLike, check_framing, name_of
from gdlab.framing.cuts import Cut
from gdlab.framing.frames import (
    DEFAULT_MAX_FRAME_BYTES,
    KEPT_BYTES,
    Frame,
    Framer,
    FrameTable,
    State,
)
from gdlab.framing.guess import Guess
from gdlab.framing.names import (
    LENGTH_OPTIONS,
    NAMES,
    check_name,
    encode,
    framer,
    is_registered,
    length_header,
    register,
)
from gdlab.framing.stream_reader import StreamReader
from gdlab.framing.taken import Batch, Read, Taken, fact_of
from gdlab.framing.together import Together

__all__ = [
    "DEFAULT_MAX_FRAME_BYTES",
    "KEPT_BYTES",
    "LENGTH_OPTIONS",
    "NAMES",
    "Batch",
    "Cut",
    "Frame",
    "FrameTable",
    "Framer",
    "Framing",
    "FramingLike",
    "Guess",
    "Read",
    "State",
    "StreamReader",
    "Taken",
    "Together",
    "check_framing",
    "check_name",
    "encode",
    "fact_of",
    "framer",
    "is_registered",
    "length_header",
    "name_of",
    "register",
]
