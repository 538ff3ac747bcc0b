"""Compressed sizes, as ``PackedByteArray.compress`` gives them in Godot.

Godot's mode 1 (deflate) is zlib at its default level, its mode 2 Zstandard at level 3; both gave the sizes of Godot
4.6.3 to the byte.
"""

from __future__ import annotations

import importlib
import zlib
from typing import Final

from gdlab.sizes.errors import NoSize

_ZSTD_LEVEL: Final = 3


def deflate_bytes(data: bytes) -> int:
    """Bytes after zlib."""
    return len(zlib.compress(data))


def zstd_bytes(data: bytes) -> int:
    """Bytes after Zstandard; raises `NoSize` where Python has none."""
    try:  # Python 3.14
        return len(importlib.import_module("compression.zstd").compress(data, level=_ZSTD_LEVEL))
    except ImportError:
        pass
    try:
        made = importlib.import_module("zstandard").ZstdCompressor(level=_ZSTD_LEVEL).compress(data)
    except ImportError:
        raise NoSize("needs Python 3.14 or the package zstandard: pip install zstandard") from None
    return len(made)
