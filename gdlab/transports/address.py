"""Addresses as users write them: `udp://127.0.0.1:4242`."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass, replace
from typing import Final

from gdlab.errors import AddressError

#: Every transport, with the scheme that users write.
SCHEMES: Final = ("udp", "tcp", "ws")

#: The word that opens a listener to the local network. It is never the default.
LAN: Final = "lan"

_EXAMPLE = "write it as udp://127.0.0.1:4242 (port 0 takes a free one)"


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address.

    Attributes
    ----------
    transport : one of `SCHEMES`.
    host : an IP address, `localhost` (both loopback addresses), or `lan` (every interface).
    port : 0 to 65535; 0 asks the system for a free one.
    path : of a WebSocket URL, beginning with `/`; empty for the others.
    interface : of a multicast group: the address or the name of the interface; empty leaves it to the system.
    """

    transport: str
    host: str
    port: int
    path: str = ""
    interface: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        by = f"?interface={self.interface}" if self.interface else ""
        return f"{self.transport}://{host}:{self.port}{self.path}{by}"

    @property
    def is_lan(self) -> bool:
        """Whether other machines can reach a listener at this address."""
        try:
            # A group that is joined at the loopback only is inside this machine.
            inside = self.interface.startswith("lo") or _is_loopback(self.interface)
            return not (inside or ipaddress.ip_address(self.host).is_loopback)
        except ValueError:
            return self.host != "localhost"

    def families(self) -> tuple[tuple[socket.AddressFamily, str], ...]:
        """Return the socket families to bind, each with its literal address."""
        both = {"localhost": ("127.0.0.1", "::1"), LAN: ("0.0.0.0", "::")}.get(self.host)  # noqa: S104 (asked for)
        if both:
            families = [(socket.AF_INET, both[0])]
            if socket.has_ipv6:
                families.append((socket.AF_INET6, both[1]))
            return tuple(families)
        return ((socket.AF_INET6 if ":" in self.host else socket.AF_INET, self.host),)

    def at(self, port: int) -> Address:
        """Return the same address with another port."""
        return replace(self, port=port)


def parse(text: str, *, host: str | None = None, schemes: tuple[str, ...] = SCHEMES) -> Address:
    """Understand an address to listen on.

    Parameters
    ----------
    text : `scheme://host:port`; an empty host is `localhost`.
    host : `"lan"` opens the listener to other machines: every interface, or the one that `text` names.

    Raises
    ------
    AddressError : not of that form, an unknown scheme or host, a port out of range, an address that other
        machines can reach without `host="lan"`, or with it one that they cannot.
    """
    text, interface = _interface(text)
    scheme, name, port, path = _parts(text, schemes)
    if host not in {None, LAN}:
        raise AddressError(
            f'host={host!r} is not understood; host="lan" lets other machines in, leave it out otherwise'
        )
    address = Address(scheme, _host(name or (LAN if host else "localhost"), text), port, path, interface)
    _check_interface(address, text)
    if host == LAN and address.host == "localhost":
        address = Address(scheme, LAN, port, address.path)
    if host == LAN and not address.is_lan:
        raise AddressError(
            f'{text!r} is reached from this machine only, and host="lan" asks for others. Write '
            f'"{scheme}://:{port}" with host="lan" to let them in, or leave host="lan" out'
        )
    if address.is_lan and host != LAN:
        raise AddressError(
            f"{text!r} lets every machine on the network send to this notebook. If you want that, say it: "
            f'listen("{scheme}://:{port}", host="lan"). For a game on this machine use {scheme}://127.0.0.1:{port}'
        )
    return address


def parse_known(text: str, *, schemes: tuple[str, ...] = SCHEMES) -> Address:
    """Understand an address that is known already, as a capture shows its own; who may reach it is not asked.

    Raises
    ------
    AddressError : not of that form.
    """
    scheme, name, port, path = _parts(text, schemes)
    return Address(scheme, _host(name or "localhost", text), port, path)


def _interface(text: str) -> tuple[str, str]:
    """An address without its ``?interface=``, and the interface; what it means is looked at when it is bound."""
    match = re.fullmatch(r"\s*(udp://[^?]*)\?interface=([\w.:-]{1,64})\s*", str(text))
    return (match[1], match[2]) if match else (text, "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_interface(address: Address, text: str) -> None:
    group = group_of(address.host)
    if address.interface and group is None:
        raise AddressError(
            f"{text!r} is no multicast group: ?interface= is for groups, such as "
            "udp://239.255.1.2:9999?interface=192.168.1.5; a listener at one interface has that interface's address"
        )


def group_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The multicast group that an address is; None where it is none."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    return found if found.is_multicast else None


def _parts(text: str, schemes: tuple[str, ...]) -> tuple[str, str, int, str]:
    """Take an address apart: transport, host as it was written, port, path."""
    match = re.fullmatch(
        r"(?P<scheme>[a-z]+)://(?P<host>\[[0-9a-fA-F:.]+(?:%[\w.-]{1,64})?\]|[^:/\[\]]*)(?::(?P<port>\d*))?(?P<path>/.*)?",
        str(text).strip(),
    )
    if not match:
        raise AddressError(f"the address {text!r} is not understood; {_EXAMPLE}")
    scheme, name, port_text = match["scheme"], match["host"].strip("[]"), match["port"]
    if scheme not in schemes:
        known = ", ".join(f"{scheme}://" for scheme in schemes)
        hint = "; encrypted WebSocket is not for a lab: use ws://" if scheme == "wss" else ""
        raise AddressError(f"{text!r}: gdlab knows {known}, not {scheme}://{hint}")
    if not port_text:
        raise AddressError(f"{text!r} names no port; {_EXAMPLE}")
    port = int(port_text)
    if port > 65535:
        raise AddressError(f"{text!r}: ports end at 65535, {port} is none")
    path = match["path"] or ""
    if scheme != "ws" and path not in {"", "/"}:
        raise AddressError(f"{text!r}: only WebSocket addresses have a path, {scheme}:// has none")
    return scheme, name, port, path if scheme == "ws" else ""


def parse_remote(text: str, *, schemes: tuple[str, ...] = SCHEMES) -> Address:
    """Understand an address to connect to: as `parse`, but any host will do, by address or by name.

    Raises
    ------
    AddressError : not of that form, or no port to connect to.
    """
    text, interface = _interface(text)
    scheme, name, port, path = _parts(text, schemes)
    if port == 0:
        raise AddressError(
            f"{text!r}: port 0 cannot be connected to; write the port that the game listens on"
        )
    if name in {LAN, "*"}:
        raise AddressError(
            f"{text!r}: {name!r} is for listening; write the address of the machine to connect to"
        )
    address = Address(scheme, name or "localhost", port, path, interface)
    _check_interface(address, text)
    return address


def _host(name: str, text: str) -> str:
    if name in {"localhost", LAN}:
        return name
    if name == "*":
        return LAN
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        raise AddressError(
            f"{text!r}: {name!r} is neither an IP address nor `localhost`; a listener binds an address of this machine"
        ) from None
