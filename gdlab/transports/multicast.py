"""Interfaces of multicast groups, as the system's calls want them."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct

_Group = ipaddress.IPv4Address | ipaddress.IPv6Address


def membership(group: _Group, interface: str) -> bytes:
    """What joins a group at an interface: its address, its name, or empty for the system's choice.

    Raises
    ------
    OSError : there is no such interface.
    """
    if group.version == 6:
        return group.packed + struct.pack("@I", _number(interface) if interface else 0)
    if not interface:
        return group.packed + bytes(4)
    address = _address(interface)
    if address is not None:
        if address.version != 4:
            raise OSError(errno.EADDRNOTAVAIL, f"{interface} is of IPv6, the group {group} of IPv4")
        return group.packed + address.packed
    return group.packed + bytes(4) + struct.pack("@i", _number(interface))


def place(group: _Group, port: int, interface: str) -> tuple[str, int] | tuple[str, int, int, int]:
    """Where to bind for a group: one of the local link is told apart by its interface.

    Raises
    ------
    OSError : there is no such interface, or a group of the local link has none.
    """
    if group.version == 4:
        return str(group), port
    return str(group).partition("%")[0], port, 0, _number(_named(group, interface)) if _of_link(group) else 0


def send_by(sock: socket.socket, group: _Group, interface: str) -> None:
    """Have a socket send to groups by an interface, and to members on this machine as well.

    Raises
    ------
    OSError : there is no such interface, or a group of the local link has none.
    """
    if group.version == 6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 1)
        if _named(group, interface):
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, _number(interface))
        return
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
    if interface:
        address = _address(interface)
        where = membership(group, interface)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, where if address is None else where[4:])


def loopback() -> str:
    """The name of the loopback interface.

    Raises
    ------
    OSError : this system does not tell its interfaces.
    """
    return next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")


def _of_link(group: ipaddress.IPv6Address) -> bool:
    """Whether a group of this scope is another one at each interface, RFC 4291 section 2.7."""
    return group.packed[1] & 0x0F in (1, 2)


def _named(group: ipaddress.IPv6Address, interface: str) -> str:
    """The interface, which a group of one link must have.

    Raises
    ------
    OSError : it has none.
    """
    if not interface and _of_link(group):
        names = ", ".join(name for _, name in socket.if_nameindex())
        raise OSError(
            errno.EINVAL,
            f"the group {group} is another one at each interface: name yours behind the port, such as "
            f"?interface=NAME (here there are {names})",
        )
    return interface


def _address(interface: str) -> _Group | None:
    try:
        return ipaddress.ip_address(interface)
    except ValueError:
        return None


def _number(interface: str) -> int:
    """The number of an interface, by its name; a loopback address stands for that of the loopback.

    Raises
    ------
    OSError : there is no such interface.
    """
    address = _address(interface)
    if address is not None and not address.is_loopback:
        raise OSError(errno.EADDRNOTAVAIL, f"a group of IPv6 wants the name of an interface, not {interface}")
    try:
        return socket.if_nametoindex(interface if address is None else loopback())
    except OSError as error:  # whose number differs from system to system
        raise OSError(errno.ENODEV, f"there is no interface {interface}") from error
