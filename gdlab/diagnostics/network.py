"""Ports, addresses and sockets of this machine. Nothing leaves it while they are looked at."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gdlab.diagnostics.report import Line, State
from gdlab.errors import PortInUse
from gdlab.messages import TimeSource
from gdlab.text import size
from gdlab.transports import Reception, has_ipv6_loopback, lan_address, port_problem, reception

#: The ports of the lessons, and of the tutorial that they began with.
PORTS: Final = (
    "udp://127.0.0.1:4242",
    "udp://127.0.0.1:4220",
    "udp://127.0.0.1:4221",
    "udp://127.0.0.1:4270",
    "tcp://127.0.0.1:4243",
    "tcp://127.0.0.1:50007",
    "ws://127.0.0.1:5000",
)

#: A smaller receive buffer overflows in a burst of some thousand small datagrams, while the notebook is busy.
_ENOUGH_BYTES: Final = 2 * 2**20

_RMEM_MAX: Final = Path("/proc/sys/net/core/rmem_max")
_UFW: Final = Path("/etc/ufw/ufw.conf")
_FIREWALLD: Final = Path("/run/firewalld")


def ports() -> list[Line]:
    """One line for each port of the lessons."""
    return [port(address) for address in PORTS]


def port(address: str) -> Line:
    """Whether a port can be listened on; if not, who has it."""
    scheme, _, number = address.partition("://127.0.0.1:")
    name = f"port {number} ({scheme})"
    problem = port_problem(address)
    if problem is None:
        return Line(name, State.OK, "free")
    if isinstance(problem, PortInUse):
        if problem.holder.startswith(f"process {os.getpid()} "):
            return Line(name, State.OK, "held by this notebook itself", "gd.stop_all() frees it")
        to_do = f'end what holds it (an older notebook? restart its kernel), or listen on a free one: "{scheme}://127.0.0.1:0"'
        if sys.platform == "darwin" and number == "5000":
            to_do += '; on macOS "AirPlay Receiver" takes 5000, see System Settings, AirDrop & Handoff'
        return Line(name, State.WARN, f"held by {problem.holder or 'another program'}", to_do)
    return Line(name, State.WARN, str(problem), f'listen on a free one: "{scheme}://127.0.0.1:0"')


def ipv6() -> list[Line]:
    """Whether `localhost` means both of its addresses here."""
    if has_ipv6_loopback():
        return [Line("IPv6", State.OK, "localhost is 127.0.0.1 and ::1; gdlab listens on both")]
    return [
        Line(
            "IPv6",
            State.OK,
            "no ::1 on this machine",
            "nothing, but write 127.0.0.1 where a game says localhost",
        )
    ]


def sockets(receive: Callable[[], Reception] = reception) -> list[Line]:
    """How datagrams are received here: really, with one of our own."""
    try:
        found = receive()
    except OSError as error:
        return [
            Line(
                "loopback",
                State.FAIL,
                f"no datagram arrives, even from this machine: {error}",
                "something filters loopback: a firewall or security program? UDP captures will stay empty",
            )
        ]
    return [_stamps(found), _buffer(found)]


def _stamps(found: Reception) -> Line:
    if found.time_source is TimeSource.KERNEL:
        late = f"Python alone would have been {found.late_us:.0f} µs late with the one just tried"
        return Line("time stamps", State.OK, f"by the kernel; {late}")
    return Line(
        "time stamps",
        State.WARN,
        "by Python, after a datagram was read",
        "this system has none of the kernel's: while a cell computes, times are late by milliseconds. Measure with "
        "idle cells, or on Linux",
    )


def _buffer(found: Reception) -> Line:
    text = f"{size(found.buffer_bytes)} granted, {size(found.asked_bytes)} asked for"
    try:
        most = int(_RMEM_MAX.read_text())
    except (OSError, ValueError):
        most = 0
    if most:  # Linux grants twice what is set, for its own share
        how = "by privilege" if found.buffer_bytes > 2 * most else "by the limit"
        text += f" ({how}; net.core.rmem_max is {size(most)})"
    if found.buffer_bytes >= _ENOUGH_BYTES:
        return Line("receive buffer", State.OK, text)
    way = (
        f"sudo sysctl -w net.core.rmem_max={found.asked_bytes}"
        if most
        else "raise the system's limit for socket buffers"
    )
    return Line(
        "receive buffer",
        State.WARN,
        text,
        f"enough for a game; for bursts of thousands of datagrams: {way}. What is lost is counted and shown",
    )


def firewall(platform: str = sys.platform, *, ufw: Path = _UFW, firewalld: Path = _FIREWALLD) -> list[Line]:
    """What may keep other machines out; on this machine nothing does."""
    address = lan_address()
    if address is None:
        return [
            Line(
                "network",
                State.WARN,
                "this machine is in no network",
                "nothing for games on this machine; for others connect it to theirs",
            )
        ]
    found = f"others see this machine as {address}; loopback is fine"
    if platform == "win32":
        way = "Windows Security, Firewall & network protection, Allow an app: python.exe, private networks"
    elif platform == "darwin":
        way = "System Settings, Network, Firewall, Options: allow incoming connections for Python"
    elif _is_on(ufw):
        return [
            Line(
                "network",
                State.WARN,
                f"{found}; the firewall ufw is on",
                'for host="lan": sudo ufw allow 4242/udp',
            )
        ]
    elif firewalld.exists():
        way = "sudo firewall-cmd --add-port=4242/udp"
        return [Line("network", State.WARN, f"{found}; firewalld is on", f'for host="lan": {way}')]
    else:
        way = "let UDP 4242 and the other ports in, where a firewall is on"
    return [
        Line(
            "network",
            State.OK,
            found,
            f'for host="lan" inbound traffic may be blocked: {way}. Some Wi-Fi networks keep their guests apart',
        )
    ]


def _is_on(ufw: Path) -> bool:
    try:
        return "ENABLED=yes" in ufw.read_text()
    except (OSError, UnicodeDecodeError):
        return False
