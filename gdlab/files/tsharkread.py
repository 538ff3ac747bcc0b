"""Captures that gdlab cannot open, opened by tshark; what their packets carry is read as in any capture."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from gdlab.errors import LoadError
from gdlab.facts import Statement
from gdlab.files import budget
from gdlab.files.packets.captured import LATEST_NS, Captured, Interface

_RAW_IP: Final = 101
_LEAST_WAIT_S: Final = 60
_BYTES_PER_S: Final = 200_000  # that a slow machine surely reads


def is_installed() -> bool:
    """Whether there is a tshark."""
    return shutil.which("tshark") is not None


def packets(path: Path) -> Captured:
    """The IP packets of a file, as tshark finds them in it; what is around them is gone.

    Raises
    ------
    LoadError : tshark is not installed, cannot read the file, or takes longer than such a file can need.
    """
    program = shutil.which("tshark")
    if program is None:
        raise LoadError(Statement.of("load/no tshark", path=path))
    size = path.stat().st_size
    command = [program, "-n", "-r", str(path.resolve()), "-T", "json", "-x", "-j", "frame ip ipv6"]
    command += [
        "-o",
        "ip.defragment:FALSE",
        "-o",
        "ipv6.defragment:FALSE",
        "-o",
        "tcp.desegment_tcp_streams:FALSE",
    ]
    with (
        tempfile.TemporaryFile("w+", errors="replace") as said,
        subprocess.Popen(  # noqa: S603 (a list of arguments, no shell)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            errors="replace",
        ) as process,
    ):
        late = threading.Timer(_LEAST_WAIT_S + size / _BYTES_PER_S, process.kill)
        late.start()
        try:
            found = _captured(path, size, process.stdout or io.StringIO())
        finally:
            in_time = late.is_alive()
            late.cancel()
            process.kill()  # it has ended, or what it says is not wanted any more
        process.wait()
        said.seek(0)
        why = "; ".join(line.strip() for line in said if "Running as user" not in line)[:500]
    if not in_time:
        why = "it took too long"
    if not len(found) and (why or not found.notes):
        raise LoadError(Statement.of("load/tshark", path=path, why=why or "there is no packet"))
    found.notes += [Statement.of("note/tshark", why=why)] * bool(why)
    return found


def _captured(path: Path, size: int, lines: IO[str]) -> Captured:
    parts: list[bytes] = []
    times: list[int] = []
    missing: list[int] = []
    used = without = changed = 0
    for layers in _layers(lines):
        frame = layers.get("frame", {})
        data = bytes.fromhex(_first(layers.get("frame_raw"), ""))
        raw = min(
            (each for name in ("ip_raw", "ipv6_raw") if (each := layers.get(name))),
            key=_position,
            default=None,
        )
        if raw is None:
            without += 1
            continue
        at, head = _position(raw), bytes.fromhex(_first(raw, ""))
        if not head or data[at : at + len(head)] != head:
            changed += 1  # decrypted, unpacked, or put together by tshark
            continue
        parts.append(data[at:])
        times.append(_time_ns(str(frame.get("frame.time_epoch", ""))))
        missing.append(max(int(frame.get("frame.len", len(data))) - len(data), 0))
        used += len(data)
        budget.check(path, size, used, 0)
    lengths = np.array([len(each) for each in parts], np.int64)
    found = Captured(b"".join(parts))
    found.interfaces.append(Interface(_RAW_IP))
    found.stop = np.cumsum(lengths)
    found.start = found.stop - lengths
    found.time_ns = np.array(times, np.int64)
    found.original = lengths + np.array(missing, np.int64)
    found.interface = np.zeros(len(parts), np.int64)
    found.direction = np.zeros(len(parts), np.uint8)
    if without:
        found.notes.append(Statement.of("note/left out", count=without, why=Statement("left out/not ip")))
    if changed:
        found.notes.append(Statement.of("note/left out", count=changed, why=Statement("left out/changed")))
    return found


def _layers(lines: IO[str]) -> Iterator[dict[str, Any]]:
    """The layers of one packet after the other; of layers that are there more than once the outermost."""
    packet: list[str] = []
    for line in lines:
        bare = line.rstrip()
        if bare == "  {":
            packet = [line]
        elif packet:
            packet.append(line if bare != "  }," else "}")
            if bare in {"  }", "  },"}:
                try:
                    told = json.loads("".join(packet), object_pairs_hook=_outermost)["_source"]["layers"]
                except (ValueError, KeyError, TypeError, RecursionError):
                    continue
                finally:
                    packet = []
                if isinstance(told, dict):
                    yield told


def _outermost(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _first(raw: Any, otherwise: str) -> str:
    return raw[0] if isinstance(raw, list) and raw and isinstance(raw[0], str) else otherwise


def _position(raw: Any) -> int:
    return int(raw[1])


def _time_ns(text: str) -> int:
    whole, _, fraction = text.partition(".")
    try:
        return min(int(whole) * 1_000_000_000 + int(fraction[:9].ljust(9, "0") or 0), LATEST_NS)
    except ValueError:
        return 0
