"""What a relay's process and the notebook tell each other: JSON lines in, blocks out."""

from __future__ import annotations

import json
import struct
from typing import Any, Final

#: A block: its kind, and how many bytes follow.
HEADER: Final = struct.Struct("=cI")
JSON: Final = b"J"
ROWS: Final = b"R"
TRUTH: Final = b"T"

#: A row: time, client, bytes of its payload, flags. The payloads follow all rows of a block.
ROW: Final = struct.Struct("=qIIB3x")
ROW_FIELDS: Final[Any] = {
    "names": ["time", "client", "size", "flags"],
    "formats": ["<i8", "<u4", "<u4", "u1"],
    "offsets": [0, 8, 12, 16],
    "itemsize": ROW.size,
}
#: Flags: towards the client and not the server; sent and not received; the kernel's stamp.
DOWN: Final = 1
OUT: Final = 2
KERNEL: Final = 4

COUNT: Final = struct.Struct("=I")
#: A block is no larger than this; what is, was not written by us.
MAX_BLOCK_BYTES: Final = 64 * 2**20


def tell(kind: bytes, data: bytes) -> bytes:
    """One block."""
    return HEADER.pack(kind, len(data)) + data


def tell_json(**values: Any) -> bytes:
    """One block of JSON."""
    return tell(JSON, json.dumps(values, separators=(",", ":")).encode())


def tell_rows(count: int, rows: list[bytes], payloads: list[bytes]) -> bytes:
    """One block of so many rows."""
    return tell(ROWS, b"".join((COUNT.pack(count), *rows, *payloads)))
