"""Non-blocking sockets with Godot's view of addresses."""

from __future__ import annotations

import contextlib
import ipaddress
import selectors
import socket
import sys
from typing import Final

#: All addresses of the machine, IPv4 and IPv6, as `bind` and `listen` take it.
WILDCARD: Final = "*"

_MAPPED: Final = b"\0" * 10 + b"\xff\xff"


def resolve(host: str) -> list[str]:
    """Addresses of a host, the system's favourite first, each once; empty if there is no such host."""
    if is_address(host):
        return [host]
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # ValueError: a NUL in the name, or letters that no host has
        return []
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def is_address(text: str) -> bool:
    """Whether a text is an IP address, not a name; a zone (``%eth0``) makes it none, as in Godot."""
    if "%" in text:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def open_socket(kind: socket.SocketKind, ip: str) -> socket.socket:
    """A non-blocking socket that can speak to (or bind to) an address; `WILDCARD` gives one for both families.

    Raises
    ------
    OSError : the system refuses.
    """
    family = socket.AF_INET if _is_v4(ip) else socket.AF_INET6
    try:
        sock = socket.socket(family, kind)
    except OSError:
        if ip != WILDCARD:
            raise
        sock = socket.socket(socket.AF_INET, kind)  # a machine without IPv6; Godot falls back, too
    try:
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if ip == WILDCARD else 1)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def reuse_address(sock: socket.socket) -> None:
    """Let the port be taken again at once; on Windows it would let two programs share it, so not there."""
    if sys.platform != "win32":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def to_address(sock: socket.socket, ip: str, port: int) -> tuple[str, int]:
    """An address as this socket takes it: an IPv4 one is mapped for a socket of both families."""
    if sock.family == socket.AF_INET:
        return ("0.0.0.0" if ip == WILDCARD else ip), port  # noqa: S104 - asked for by the wildcard
    if ip == WILDCARD:
        return "::", port
    return (f"::ffff:{ip}" if _is_v4(ip) else ip), port


def pack(ip: str) -> bytes:
    """The 16 bytes of an address, IPv4 mapped into IPv6."""
    ip = ip.partition("%")[0]
    return _MAPPED + socket.inet_aton(ip) if _is_v4(ip) else socket.inet_pton(socket.AF_INET6, ip)


def unpack(packed: bytes) -> str:
    """16 bytes as Godot writes an address: IPv4 plain, IPv6 without `::` and without leading zeros."""
    if packed.startswith(_MAPPED):
        return socket.inet_ntoa(packed[12:])
    return ":".join(f"{int.from_bytes(packed[i : i + 2], 'big'):x}" for i in range(0, 16, 2))


def readable(sock: socket.socket) -> bool:
    """Whether a read, or an accept, would not have to wait."""
    # `select.select` refuses descriptors above 1,023, which a notebook server may well have.
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))


def local_port(sock: socket.socket | None) -> int:
    """The port a socket is bound to; 0 if there is none."""
    if sock is not None:
        with contextlib.suppress(OSError):
            return int(sock.getsockname()[1])
    return 0


def _is_v4(ip: str) -> bool:
    return ":" not in ip and ip != WILDCARD
