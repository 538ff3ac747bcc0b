"""Which captures run in this process: re-running a cell gives back the one it started before."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from gdlab.capture import capture as captures
from gdlab.capture.capture import Capture
from gdlab.errors import AddressError, PortInUse
from gdlab.store import DEFAULT_LIMIT, Limit
from gdlab.transports import (
    LISTENERS,
    STEERED,
    Address,
    EndpointOptions,
    MakeEndpoint,
    Reply,
    client,
    listener,
    parse,
    parse_known,
    parse_remote,
)

if TYPE_CHECKING:
    from gdlab.codecs.table import DecodeWith
    from gdlab.framing import FramingLike

log = logging.getLogger("gdlab")

#: What stays in memory of a capture whose rows are all on the disk.
SPILLED_LIMIT = Limit(bytes=64 * 2**20)

_lock = threading.RLock()


def listen(
    *addresses: str,
    reply: Reply | None = None,
    every: float | None = None,
    ping: float | None = None,
    framing: FramingLike = "auto",
    decode: DecodeWith = "auto",
    host: str | None = None,
    limit: int | str | Limit | None = None,
    spill: str | Path | None = None,
    parts: str | None = None,
    restart: bool = False,
    nodelay: bool = True,
    origins: Sequence[str] = (),
    subprotocols: Sequence[str] | None = None,
    compression: bool = False,
    max_connections: int = 1000,
    max_message_bytes: int = 16 * 2**20,
    max_waiting_bytes: int = 8 * 2**20,
    max_unsent_bytes: int = 64 * 2**20,
    max_held_bytes: int = 256 * 2**20,
    handshake_timeout: float = 5.0,
) -> Capture:
    """Listen, and capture what arrives. It runs in the background when this returns.

    Parameters
    ----------
    addresses : one or more, such as ``"udp://127.0.0.1:4242"``. `localhost` listens on both loopback addresses; port
        0 takes a free port (`Capture.addresses` says which).
    reply : what every message is answered with: bytes, text (sent as UTF-8), or a function of the `Message` that
        returns one of these, several in a list, or None; ``gdlab.replies.close(code, reason)`` ends the connection. It
        runs in the listener's thread; what it raises becomes a row. `gdlab.replies` has ready-made ones.
        WebSocket sends text as text and bytes as binary.
    every : do not wait to be asked, but send `reply` to each connected peer every so many seconds (with UDP to
        those heard from lately).
    ping : send every peer a small probe message every so many seconds. A game that answers it (see `gdlab.probe`; an
        echo will do) shows its round-trip times in ``Capture.plot.latency()``. With TCP and ``framing="auto"`` pings
        begin with the peer's first message, which tells how to frame them. Pings are JSON, but Variants where the
        framing is that of `put_var`.
    framing : how a TCP stream is divided into messages: a name of `gdlab.framing.NAMES`, such as ``"put_var"`` or
        ``"lines"``, or a function of your own (see `gdlab.framing.custom`). ``"auto"`` detects it, and shows the
        evidence in the first message's `detail`; a guess loses nothing and is taken back where it fails.
        `Capture.reframe` reads everything again in another framing, at any time. Replies are framed likewise; as long
        as the framing is not known they are sent without any.
    decode : how payloads are read, by `Capture.decoded`, by every measure that names a field, and by the dashboard:
        ``"variant"``, ``"json"``, ``"text"``, ``"bytes"``, ``"msgpack"``, ``"cbor"``, ``"osc"``; a struct format with
        names, such as ``"<B type, H seq, 3f pos"``, a dict of formats by first byte, a dataclass, or a function from
        bytes to a value; ``"auto"`` guesses for each payload. What is captured stays bytes.
    host : ``"lan"`` lets other machines send to this notebook. Without it only this machine can.
    limit : what is kept in memory, of all addresses together: rows (``100_000``), memory (``"64MiB"``) or age
        (``"10min"``), or several with commas; by default 512 MiB, with `spill` 64 MiB. The oldest messages go first;
        they are counted, and a row of event `gap` says so.
    spill : a folder that all rows are written to while they arrive, about every second: what a killed kernel had
        received is then in `gdlab.load(folder)`. After a power cut more may be missing, some 30 s: only when the
        capture stops is everything forced to the disk. Needs pyarrow (the extra `arrow`).
    parts : with `spill`, how long the closed parts are that the rows become while the capture goes on, such as
        ``"1min"``: Parquet files in folders ``server=.../date=...``, which pandas, polars, DuckDB and Dask read.
    restart : begin anew even if a capture of these addresses runs; the old one is stopped and keeps its data.
    nodelay : False turns Nagle's algorithm on for what TCP listeners send, to see what it does.
    origins : web pages that may connect to a WebSocket listener beside those of this machine, such as
        ``"https://game.example"``; ``"*"`` lets all in. Games outside a browser always may.
    subprotocols : of a WebSocket listener, the preferred first; without it the first that a client offers is taken.
    compression : offer WebSocket compression. Godot has none.
    max_connections, max_message_bytes : limits of TCP and WebSocket; what exceeds them is a row of event `error`.
    max_waiting_bytes : a TCP or WebSocket peer that lets more than this wait to be read loses its connection.
    max_unsent_bytes : what may wait for all of them together; the peer for whom most waits loses its connection.
    max_held_bytes : of messages of all TCP and WebSocket connections that are not yet complete; the connection that
        exceeds it is closed.
    handshake_timeout : seconds that a WebSocket handshake may take.

    Returns
    -------
    Capture. Calling again with the same addresses gives back the running capture with its rows; new `reply`, `every`,
    `ping` and `decode` take effect in it. If anything else is changed it is replaced by a new one, which is logged as
    a warning.

    Raises
    ------
    AddressError : an address that cannot be used, or that other machines could reach without ``host="lan"``.
    FolderUnusable : the folder of `spill` cannot be made or written to.
    PortInUse : somebody else holds a port; the message names the process where the system reveals it.
    PortForbidden : the system keeps the port for privileged programs.
    ValueError : there is no codec of that name, or `every` was given without a `reply` to send.
    """
    _check(decode)
    if not addresses:
        raise AddressError('nothing to listen on; give an address: listen("udp://127.0.0.1:4242")')
    parsed = tuple(parse(address, host=host, schemes=tuple(LISTENERS)) for address in addresses)
    bounds, folder, parts_s = _kept_where(limit, spill, parts)
    options = EndpointOptions(
        reply=reply,
        every=every,
        ping=ping,
        framing=framing,
        nodelay=nodelay,
        origins=(origins,) if isinstance(origins, str) else tuple(origins),
        subprotocols=None if subprotocols is None else tuple(subprotocols),
        compression=compression,
        max_connections=max_connections,
        max_message_bytes=max_message_bytes,
        max_waiting_bytes=max_waiting_bytes,
        max_unsent_bytes=max_unsent_bytes,
        max_held_bytes=max_held_bytes,
        handshake_s=handshake_timeout,
    )
    with _lock:
        try:
            return _started(parsed, bounds, (folder, parts_s), options, decode, restart=restart)
        except PortInUse as error:
            raise _with_our_own_name(error) from error


def connect(
    address: str,
    *,
    reply: Reply | None = None,
    every: float | None = None,
    ping: float | None = None,
    framing: FramingLike = "auto",
    decode: DecodeWith = "auto",
    reconnect: bool = False,
    limit: int | str | Limit | None = None,
    spill: str | Path | None = None,
    parts: str | None = None,
    restart: bool = False,
    timeout: float = 5.0,
    nodelay: bool = True,
    subprotocols: Sequence[str] | None = None,
    compression: bool = False,
    max_message_bytes: int = 16 * 2**20,
    max_waiting_bytes: int = 8 * 2**20,
    max_held_bytes: int = 256 * 2**20,
) -> Capture:
    """Connect to a game that listens, and capture what it sends; `Capture.send` sends to it.

    Parameters
    ----------
    address : such as ``"udp://127.0.0.1:4243"``, ``"tcp://192.168.1.20:50007"`` or ``"ws://localhost:5000/chat"``; no
        permission is needed for other machines here.
    reply, every, ping, decode, limit, spill, parts, restart : as for `listen`.
    framing : as for `listen`. While ``"auto"`` has not seen enough of the other side to tell, messages are sent without
        any framing: name it where the game expects one.
    reconnect : connect again when the connection ends or cannot be made, with pauses of up to 5 s; every attempt
        is a row. Without it the capture stops when the connection ends.
    timeout : seconds that connecting may take, and the WebSocket handshake after it.
    nodelay, subprotocols, compression, max_message_bytes, max_waiting_bytes, max_held_bytes : as for `listen`;
        sub-protocols are offered.

    Returns
    -------
    Capture. Calling again with the same address gives back the running one; see `listen`.

    Raises
    ------
    NotConnected : nobody listens there, or it is not a WebSocket server; not with `reconnect`. UDP cannot tell: where
        nobody listens, a row of event `error` says so after the first message.
    AddressError : not an address to connect to.
    ValueError : there is no codec of that name, or `every` was given without a `reply` to send.
    """
    _check(decode)
    parsed = (parse_remote(address, schemes=LISTENERS),)
    bounds, folder, parts_s = _kept_where(limit, spill, parts)
    options = EndpointOptions(
        reply=reply,
        every=every,
        ping=ping,
        framing=framing,
        nodelay=nodelay,
        subprotocols=None if subprotocols is None else tuple(subprotocols),
        compression=compression,
        max_message_bytes=max_message_bytes,
        max_waiting_bytes=max_waiting_bytes,
        max_held_bytes=max_held_bytes,
        reconnect=reconnect,
        connect_s=timeout,
        handshake_s=timeout,
    )
    with _lock:
        return _started(parsed, bounds, (folder, parts_s), options, decode, restart=restart, make=client)


def _started(
    addresses: tuple[Address, ...],
    bounds: Limit,
    spill: tuple[Path | None, float | None],
    options: EndpointOptions,
    decode: DecodeWith,
    *,
    restart: bool,
    make: MakeEndpoint = listener,
) -> Capture:
    """The running capture of these addresses, which answers, pings and decodes as asked now; otherwise a new one."""
    known = _kept(addresses, bounds, spill, options, restart=restart, is_client=make is client)
    if known:
        known.set_reply(options.reply, options.every)
        known.set_ping(options.ping)
        known.decode_with = decode
        return known
    folder, parts_s = spill
    capture = Capture(addresses, limit=bounds, options=options, spill=folder, parts_s=parts_s, make=make)
    capture.decode_with = decode
    return capture.start()


def _kept_where(
    limit: int | str | Limit | None, spill: str | Path | None, parts: str | None
) -> tuple[Limit, Path | None, float | None]:
    """Return what stays in memory, the folder for all of it, and how long its parts are."""
    if limit is None:  # 0 is no limit that anything could be kept in, and is refused
        limit = SPILLED_LIMIT if spill else DEFAULT_LIMIT
    if parts is None:
        return Limit.parse(limit), Path(spill) if spill else None, None
    from gdlab.files.parts import PeriodError, period_s  # not before it is needed: `import gdlab` stays light

    if not spill:
        raise PeriodError("parts= goes with spill=, the folder that the parts are written to: give both")
    return Limit.parse(limit), Path(spill), period_s(parts)


def _kept(
    addresses: tuple[Address, ...],
    limit: Limit,
    spill: tuple[Path | None, float | None],
    options: EndpointOptions,
    *,
    restart: bool,
    is_client: bool,
) -> Capture | None:
    """Return the capture that runs at these addresses as it is asked for; stop one that runs otherwise."""
    known = _running_at(addresses, is_client=is_client)
    if known is None:
        return None
    changes = _changes(known, limit, spill, options)
    if not changes and not restart:
        return known
    known.stop()
    if changes:
        log.warning(
            "%s is replaced by a new capture, as its %s; the old one is stopped and keeps its %d rows",
            ", ".join(known.addresses),
            ", its ".join(changes),
            known.statistics().rows_kept,
        )
    return None


def _changes(
    known: Capture, limit: Limit, spill: tuple[Path | None, float | None], options: EndpointOptions
) -> list[str]:
    """Say what is asked for otherwise than a running capture has it."""
    changes = [] if known.limit == limit else [f"limit was {known.limit} and is now {limit}"]
    for name, before, now in zip(
        ("spill folder", "parts"), (known.spill_folder, known.parts_s), spill, strict=True
    ):
        if before != now:
            changes.append(f"{name} was {before} and is now {now}")
    if not all(address.startswith("udp:") for address in known.addresses):
        for field in fields(EndpointOptions):
            if field.name in STEERED:
                continue
            before, now = getattr(known.options, field.name), getattr(options, field.name)
            if before != now:
                changes.append(f"{field.name} was {before!r} and is now {now!r}")
    return changes


def _running_at(addresses: tuple[Address, ...], *, is_client: bool) -> Capture | None:
    wanted = [str(address) for address in addresses]
    for capture in running():
        if list(capture.addresses) == wanted and capture.is_client is is_client:
            if capture.running:
                return capture
            capture.stop()  # its connection has ended
    return None


def _with_our_own_name(error: PortInUse) -> PortInUse:
    """Where the holder is this very process, say which capture it is."""
    if not error.holder.startswith(f"process {os.getpid()} "):
        return error
    port = parse_known(error.address).port
    for capture in running():
        if not capture.is_client and any(parse_known(address).port == port for address in capture.addresses):
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


#: Called by `stop_all`, too; each returns how many it stopped. Rooms above this one put theirs here.
also_stopped: list[Callable[[], int]] = []


def stop_all() -> int:
    """Stop every capture, relay and watch of this process and free the ports; return how many there were."""
    stopped = running()
    for capture in stopped:
        capture.stop()
    return len(stopped) + sum(stop() for stop in also_stopped)


def _after_fork() -> None:
    """In the child of a fork no thread of the parent's runs: captures there have ended, and their locks are free."""
    global _lock  # noqa: PLW0603 (the thread that held it may not be here)
    _lock = threading.RLock()
    for capture in captures.running:
        capture.after_fork()
    captures.running.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_after_fork)

# At the end of the process what is still queued in the sockets is read, and the threads end in order.
atexit.register(stop_all)


def _check(decode: DecodeWith) -> None:
    """Raise unless payloads can be decoded so."""
    if decode != "auto":
        from gdlab.codecs import chosen

        chosen(decode)
