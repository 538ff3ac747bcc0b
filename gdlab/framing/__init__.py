"""Bytes of a stream to frames: sans-I/O framers, chosen by the name the user types.

An endpoint drives one framer per connection and direction::

    framer = framing.framer("put_var")
    framer.receive_data(chunk)
    for frame in framer.frames():
        ...                                # frame.payload, frame.header_bytes, frame.flaw
    if framer.state is State.ERROR:
        ...                                # close the connection, saying framer.error

`encode` is the sending side for the same names. Nothing here knows sockets, threads, clocks or Variants.
"""

from __future__ import annotations

from gdlab.framing.frames import (
    DEFAULT_MAX_FRAME_BYTES,
    KEPT_BYTES,
    Frame,
    Framer,
    FrameTable,
    State,
)
from gdlab.framing.names import NAMES, check_name, encode, framer

__all__ = [
    "DEFAULT_MAX_FRAME_BYTES",
    "KEPT_BYTES",
    "NAMES",
    "Frame",
    "FrameTable",
    "Framer",
    "State",
    "check_name",
    "encode",
    "framer",
]
