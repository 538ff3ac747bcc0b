"""Which captures run in this process: re-running a cell gives back the one it started before."""

from __future__ import annotations

import atexit
import logging
import os
import threading

from gdlab.capture import capture as captures
from gdlab.capture.capture import Capture
from gdlab.errors import AddressError, PortInUse
from gdlab.store import DEFAULT_LIMIT, Limit
from gdlab.transports import LISTENERS, Address, Reply, parse

log = logging.getLogger("gdlab")

_lock = threading.RLock()


def listen(
    *addresses: str,
    reply: Reply | None = None,
    ping: float | None = None,
    host: str | None = None,
    limit: int | str | Limit = DEFAULT_LIMIT,
    fresh: bool = False,
) -> Capture:
    """Listen, and capture what arrives. It runs in the background when this returns.

    Parameters
    ----------
    addresses : one or more, such as ``"udp://127.0.0.1:4242"``. `localhost` listens on both loopback addresses; port
        0 takes a free port (`Capture.addresses` says which).
    reply : what every message is answered with: bytes, text (sent as UTF-8), or a function of the `Message` that
        returns one of these or None. It runs in the listener's thread; what it raises becomes a row.
    ping : send every peer a small probe message each so many seconds. A game that answers it (see `gdlab.probe`; an
        echo will do) shows its round-trip times in ``Capture.plot.latency()``.
    host : ``"lan"`` lets other machines send to this notebook. Without it only this machine can.
    limit : what is kept: rows (``100_000``), memory (``"64MiB"``) or age (``"10min"``), or several with commas. The
        oldest messages go first; they are counted, and a row of event `gap` says so.
    fresh : begin anew even if a capture of these addresses runs; the old one is stopped and keeps its data.

    Returns
    -------
    Capture. Calling again with the same addresses gives back the running capture with its rows; a new `reply` takes
    effect in it. Another `limit` replaces it by a new one, which is logged as a warning.

    Raises
    ------
    AddressError : an address that cannot be used, or that other machines could reach without ``host="lan"``.
    PortInUse : somebody else holds a port; the message names the process where the system tells it.
    PortForbidden : the system keeps the port for privileged programs.
    """
    if not addresses:
        raise AddressError('nothing to listen on; give an address: listen("udp://127.0.0.1:4242")')
    parsed = tuple(parse(address, host=host, schemes=tuple(LISTENERS)) for address in addresses)
    bounds = Limit.parse(limit)
    with _lock:
        known = _running_at(parsed)
        if known:
            if known.limit == bounds and not fresh:
                known.answer_with(reply)
                known.ping_every(ping)
                return known
            known.stop()
            if known.limit != bounds:
                log.warning(
                    "%s ran with limit %s; it is replaced by a new capture with limit %s and keeps its %d rows",
                    ", ".join(known.addresses),
                    known.limit,
                    bounds,
                    known.statistics().rows_kept,
                )
        try:
            return Capture(parsed, reply=reply, limit=bounds, ping_s=ping).start()
        except PortInUse as error:
            raise _with_our_own_name(error) from error


def _running_at(addresses: tuple[Address, ...]) -> Capture | None:
    wanted = [str(address) for address in addresses]
    return next((capture for capture in running() if list(capture.addresses) == wanted), None)


def _with_our_own_name(error: PortInUse) -> PortInUse:
    """Where the holder is this very process, say which capture it is."""
    if not error.holder.startswith(f"process {os.getpid()} "):
        return error
    port = parse(error.address, host="lan").port
    for capture in running():
        if any(parse(address, host="lan").port == port for address in capture.addresses):
            return PortInUse(
                f"port {port} belongs to another capture of this notebook, {capture!r}. Stop it (.stop() of its "
                "variable, or gdlab.stop_all()), or call listen with exactly its addresses to get it back",
                address=error.address,
                holder=error.holder,
            )
    return error


def running() -> list[Capture]:
    """Return the captures that run in this process."""
    return list(captures.running)


def stop_all() -> int:
    """Stop every capture of this process and free the ports; return how many there were."""
    stopped = running()
    for capture in stopped:
        capture.stop()
    return len(stopped)


# At the end of the process what is still queued in the sockets is read, and the threads end in order.
atexit.register(stop_all)
