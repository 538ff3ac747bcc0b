"""Who holds a port: the sentence that turns "address already in use" into something one can act on."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from gdlab.errors import AddressError, GdlabError, PortForbidden, PortInUse
from gdlab.transports.address import Address

_PROC = Path("/proc")


def holder(transport: str, port: int) -> str:
    """Name the process that holds a port, such as `process 8123 (python3)`; empty where the system does not tell.

    Linux only, and only for processes of the same user unless the caller is root (`/proc/net`, `/proc/*/fd`).
    """
    kind = "udp" if transport == "udp" else "tcp"
    inodes = set()
    for table in (kind, f"{kind}6"):
        try:
            lines = (_PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            listening = kind == "udp" or fields[3] == "0A"
            if listening and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    if not inodes:
        return ""
    for process in _PROC.iterdir():
        if not process.name.isdigit():
            continue
        try:
            if any(str(fd.readlink()) in inodes for fd in (process / "fd").iterdir()):
                return f"process {process.name} ({(process / 'comm').read_text().strip()})"
        except OSError:  # gone meanwhile, or another user's
            continue
    return ""


def bind_error(error: OSError, address: Address) -> GdlabError:
    """Turn the system's refusal to bind into an error that says who, and what to do."""
    scheme, port = address.transport, address.port
    kind = "UDP" if scheme == "udp" else "TCP"  # WebSocket has no ports of its own
    free = f'"{address.at(0)}" takes a free port'
    if error.errno in {errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", None)}:
        who = holder(scheme, port)
        if who.startswith(f"process {os.getpid()} "):
            where = "this very process, outside of gdlab's running captures"
            way_out = "close the socket that your own code opened"
        else:
            where = who or "another program (the system does not say which)"
            way_out = "end it (an older notebook? restart its kernel)"
        return PortInUse(
            f"{kind} port {port} is held by {where}. Either {way_out}, or listen elsewhere: {free}",
            address=str(address),
            holder=who,
        )
    if error.errno in {errno.EACCES, errno.EPERM, getattr(errno, "WSAEACCES", None)}:
        return PortForbidden(
            f"the system keeps {kind} port {port} for privileged programs"
            + (" (ports below 1024 usually are)" if port < 1024 else "")
            + f"; take one above 1023, or {free}"
        )
    if address.interface and error.errno in {errno.EADDRNOTAVAIL, errno.ENODEV}:
        names = ", ".join(name for _, name in socket.if_nameindex())
        return AddressError(
            f"{address}: no interface of this machine that carries this group is called {address.interface!r} "
            f"({error.strerror or error}); there are {names}"
        )
    if error.errno in {errno.EADDRNOTAVAIL, getattr(errno, "WSAEADDRNOTAVAIL", None)}:
        return AddressError(
            f"{address.host} is not an address of this machine; to listen for games on this machine use "
            f'{scheme}://127.0.0.1:{port}, for other machines host="lan"'
        )
    return AddressError(f"cannot listen on {address}: {error.strerror or error}")
