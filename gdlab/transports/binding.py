"""Binding the sockets of one address, which may be of both families."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from collections.abc import Callable
from typing import Final

from gdlab.transports import multicast
from gdlab.transports.address import Address, group_of
from gdlab.transports.bound import Bound
from gdlab.transports.ports import bind_error

_FREE_PORT_ATTEMPTS: Final = 20


def bind_all(address: Address, kind: socket.SocketKind, prepare: Callable[[socket.socket], None]) -> Bound:
    """Open and bind a non-blocking socket in each family of an address.

    Parameters
    ----------
    kind : SOCK_DGRAM, or SOCK_STREAM, which then also listens.
    prepare : sets options before a socket is bound.

    Returns
    -------
    The sockets, and the address with its real port.

    Raises
    ------
    PortInUse, PortForbidden, AddressError : nothing is left open.
    """
    # A free port of one family may be taken in the other; the next one will hardly be.
    attempts = _FREE_PORT_ATTEMPTS if address.port == 0 else 1
    for attempt in range(attempts):
        sockets: list[socket.socket] = []
        bound = address
        try:
            for family, host in address.families():
                sock = _bind_one(bound, family, host, kind, prepare, optional=bool(sockets))
                if sock is not None:
                    sockets.append(sock)
                    bound = bound.at(sock.getsockname()[1])
        except OSError as error:
            for sock in sockets:
                sock.close()
            if error.errno == errno.EADDRINUSE and attempt < attempts - 1:
                continue
            raise bind_error(error, bound) from error
        break
    return Bound(bound, tuple(sockets))


def _join(
    sock: socket.socket, group: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, interface: str
) -> None:
    """Bind to a multicast group, of which many programs of one machine may be members.

    Raises
    ------
    OSError : no interface of this machine has multicast, there is none of this name, or the port is taken.
    """
    if sys.platform != "win32":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    interface = interface or getattr(group, "scope_id", None) or ""
    sock.bind(("", port) if sys.platform == "win32" else multicast.place(group, port, interface))
    level, option = (
        (socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP)
        if group.version == 6
        else (socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP)
    )
    where = multicast.membership(group, interface)
    try:
        sock.setsockopt(level, option, where)
    except OSError:  # no route to it: a machine without a network still has its loopback
        if interface:
            raise
        sock.setsockopt(level, option, multicast.membership(group, multicast.loopback()))


def _bind_one(
    address: Address,
    family: socket.AddressFamily,
    host: str,
    kind: socket.SocketKind,
    prepare: Callable[[socket.socket], None],
    *,
    optional: bool,
) -> socket.socket | None:
    sock = None
    try:
        sock = socket.socket(family, kind)
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        elif kind == socket.SOCK_STREAM:
            # Connections that ended a minute ago must not keep the port. A port that is listened on stays taken.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        prepare(sock)
        group = group_of(host)
        if group is not None and kind == socket.SOCK_DGRAM:
            _join(sock, group, address.port, address.interface)
        else:
            sock.bind((host, address.port))
        if kind == socket.SOCK_STREAM:
            sock.listen(socket.SOMAXCONN)
    except OSError as error:
        if sock is not None:
            sock.close()
        # A machine without IPv6 still has a loopback: one family is enough when both were asked for.
        if (
            optional
            and family == socket.AF_INET6
            and error.errno in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}
        ):
            return None
        raise
    return sock
