"""What Linux's `recvmmsg` and `sendmmsg` are given: headers of messages, and addresses of senders.

The structures are those of the kernel's 64-bit interface (`user_msghdr`, `mmsghdr` in include/linux/socket.h), the same
on all its 64-bit architectures.
"""

from __future__ import annotations

import ctypes
import functools
import socket
import struct
import sys
from typing import Any, Final

import numpy as np

from gdlab.transports.datagrams import LINUX, Source

#: One element of a vector of messages.
HEADER: Final = np.dtype(
    {
        "names": ["name", "name_bytes", "pieces", "piece_count", "control", "control_bytes", "flags", "size"],
        "formats": [np.uint64, np.uint32, np.uint64, np.uint64, np.uint64, np.uint64, np.int32, np.uint32],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    }
)

NAME_BYTES: Final = 28  # struct sockaddr_in6
NAME_STRIDE: Final = 32

_SOCKADDR_IN = struct.Struct("=H2s4s")
_SOCKADDR_IN6 = struct.Struct("=H2sI16sI")

#: Bytes of an address of each family.
NAME_BYTES_OF: Final = {socket.AF_INET: 16, socket.AF_INET6: NAME_BYTES}

#: Whether the structures are laid out as here.
KNOWN_LAYOUT: Final = LINUX and sys.byteorder == "little" and ctypes.sizeof(ctypes.c_void_p) == 8


def source_of(name: bytes) -> Source:
    """Read a `sockaddr_in` or `sockaddr_in6` as `socket.recvfrom` does."""
    family, port, four = _SOCKADDR_IN.unpack_from(name)
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, four), int.from_bytes(port, "big")
    if family == socket.AF_INET6:
        _, port, flow, six, scope = _SOCKADDR_IN6.unpack_from(name)
        host = socket.inet_ntop(socket.AF_INET6, six)
        return host, int.from_bytes(port, "big"), socket.ntohl(flow), scope
    return "", 0


def name_of(source: Source) -> bytes:
    """Make a `sockaddr_in` or `sockaddr_in6` of what `source_of` returns, `NAME_STRIDE` long.

    Raises
    ------
    OSError : its host is no numeric address.
    """
    host, port = source[0], int(source[1]).to_bytes(2, "big")
    if len(source) == 2:
        packed = _SOCKADDR_IN.pack(socket.AF_INET, port, socket.inet_pton(socket.AF_INET, host))
    else:
        six = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
        packed = _SOCKADDR_IN6.pack(socket.AF_INET6, port, socket.htonl(source[2]), six, source[3])
    return packed.ljust(NAME_STRIDE, b"\0")


@functools.cache
def recvmmsg(*, keeps_lock: bool = False) -> Any:
    """Return the C library's `recvmmsg`.

    Parameters
    ----------
    keeps_lock : it is to be called for few messages, and keeps the interpreter's lock, which it else gives up.

    Raises
    ------
    AttributeError : it has none.
    """
    library = ctypes.PyDLL if keeps_lock else ctypes.CDLL
    function = library(None, use_errno=True).recvmmsg
    function.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
    function.restype = ctypes.c_int
    return function


@functools.cache
def sendmmsg() -> Any:
    """Return the C library's `sendmmsg`, which keeps the interpreter's lock: it is to be called for few messages.

    A busy cell would make each call wait 5 ms to win the lock again, between the time that is taken and what is sent.

    Raises
    ------
    AttributeError : it has none.
    """
    function = ctypes.PyDLL(None, use_errno=True).sendmmsg
    function.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
    function.restype = ctypes.c_int
    return function
