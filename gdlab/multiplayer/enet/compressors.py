"""What ENet hosts compress datagrams with, tried one after the other: nothing in a datagram says which."""

from __future__ import annotations

import contextlib
import importlib
import zlib
from collections.abc import Callable
from typing import Any, Final

from gdlab.multiplayer.enet import fastlz, rangecoder

#: The cheap ones with a mark of their own first.
METHODS: Final = ("zlib", "zstd", "range", "fastlz")


def decompress(
    method: str, data: bytes, limit: int, follow: Callable[[bytearray], int] | None = None
) -> bytes | None:
    """Unpack the body of a datagram; None if the bytes are not of this method, or hold more than `limit`.

    Parameters
    ----------
    method : one of `METHODS`.
    limit : bytes that may come out; no more are made.
    follow : looks at what comes out of a slow method while it comes; see `rangecoder.unpack`.
    """
    found: bytes | None = None
    if method == "zlib":
        if data[:1] == b"\x78":
            with contextlib.suppress(zlib.error):
                unpacker = zlib.decompressobj()
                found = unpacker.decompress(data, limit)
                if not unpacker.eof or unpacker.unused_data:
                    found = None
    elif method == "zstd":
        if data[:4] == b"\x28\xb5\x2f\xfd":
            found = _zstd(data, limit)
    elif method == "range":
        found = rangecoder.unpack(data, limit, follow)
    elif method == "fastlz":
        found = fastlz.unpack(data, limit)
    return found


def _zstd(data: bytes, limit: int) -> bytes | None:
    """By Python's own module (3.14) or the package zstandard (the extra `formats`); without either: None."""
    try:
        native: Any = importlib.import_module("compression.zstd")
    except ImportError:
        try:
            library: Any = importlib.import_module("zstandard")
        except ImportError:
            return None
        try:
            # The size in the frame's header is a promise of the sender's, so it is not asked for memory.
            unpacker = library.ZstdDecompressor(max_window_size=1 << 23).decompressobj()
            out = b""
            for at in range(0, len(data), 64):
                out += unpacker.decompress(data[at : at + 64])
                if len(out) > limit:
                    return None
        except library.ZstdError:
            return None
        return out if getattr(unpacker, "eof", True) else None
    try:
        reader = native.ZstdDecompressor()
        found: bytes = reader.decompress(data, max_length=limit)
    except native.ZstdError:
        return None
    return found if reader.eof else None
