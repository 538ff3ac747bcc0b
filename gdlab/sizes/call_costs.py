"""What an RPC costs, layer by layer, and what other ways to say the same would."""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from gdlab.messages import IPV4_HEADER_BYTES, TCP_HEADER_BYTES, UDP_HEADER_BYTES
from gdlab.multiplayer.scene import write_value
from gdlab.sizes.rpc import HEADER_BYTES, call_bytes

#: How a call may be sent: Godot's transfer modes over ENet, and its WebSocket peer.
MODES: Final = ("unreliable", "unreliable_ordered", "reliable", "websocket")
#: A packet of more bytes goes in fragments of so many (ENet's MTU of 1392 without headers).
FRAGMENT_BYTES: Final = 1364
_DATAGRAM: Final = IPV4_HEADER_BYTES + UDP_HEADER_BYTES
_SEGMENT: Final = IPV4_HEADER_BYTES + TCP_HEADER_BYTES
#: ENet's header of a datagram, with the time that a reliable command wants.
_HEADER: Final = {"unreliable": 2, "unreliable_ordered": 2, "reliable": 4}
_COMMAND: Final = {"unreliable": 8, "unreliable_ordered": 8, "reliable": 6}
_FRAGMENT_COMMAND: Final = 24
_ACKNOWLEDGE: Final = 8
_WIDTH: Final = 100


@dataclass(frozen=True, slots=True, eq=False)
class RpcReport:
    """What one call costs.

    Attributes
    ----------
    layers : one row per layer, `bytes` of one call (all fragments), and their sum in the row ``wire``.
    compared : other ways to say it: `way`, `datagrams`, `bytes` (of the game), `wire_bytes`, `headers` (share, 0 to 1),
        `arrives` (share of them that arrive whole at `loss`; NaN where losses are repaired).
    notes : what the figures mean.
    mode, loss : as asked.
    """

    layers: pd.DataFrame
    compared: pd.DataFrame
    notes: tuple[str, ...]
    mode: str
    loss: float

    @property
    def wire_bytes(self) -> int:
        """Bytes of one call on the wire."""
        return int(self.layers["bytes"]["wire"])

    def __getitem__(self, layer: str) -> int:
        """Bytes of a layer, such as ``report["arguments"]``."""
        if layer not in self.layers.index:
            raise KeyError(f"{layer!r} is none of {', '.join(self.layers.index)}")
        return int(self.layers["bytes"][layer])

    def __repr__(self) -> str:
        lines = [
            f"An RPC, {self.mode.replace('_', ' ')}",
            "",
            self.layers.to_string(),
            "",
            self.compared.to_string(index=False),
        ]
        lines.append("")
        for note in self.notes:
            lines += textwrap.wrap(note, _WIDTH, initial_indent="* ", subsequent_indent="  ")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        tables = f"{self.layers.to_html()}{self.compared.to_html(index=False, float_format='{:.2f}'.format, na_rep='')}"
        return f"<p><b>An RPC, {html.escape(self.mode.replace('_', ' '))}</b></p>{tables}<ul>{notes}</ul>"


def rpc_report(
    value: object,
    mode: str = "unreliable",
    *,
    calls_per_frame: int = 10,
    loss: float = 0.05,
    double: bool = False,
) -> RpcReport:
    """Measure a call.

    Parameters
    ----------
    value : the argument; a tuple is several arguments, ``()`` none.
    mode : one of `MODES`.
    calls_per_frame : how many such calls a frame makes, against one call with an array of them.
    loss : share of datagrams that the network loses, 0 to 1.
    double : in a double-precision build of Godot.

    Raises
    ------
    ValueError : another mode, fewer than one call, or a loss that is no share.
    VariantEncodeError : Godot could not hold the value.
    """
    if mode not in MODES:
        raise ValueError(f"an RPC is sent {', '.join(MODES[:-1])} or over {MODES[-1]}; not {mode!r}")
    if calls_per_frame < 1 or not 0 <= loss < 1:
        raise ValueError(
            f"expected one call a frame or more and a loss from 0 to 1; got {calls_per_frame} and {loss}"
        )
    arguments = value if type(value) is tuple else (value,)
    size = call_bytes(*arguments, double=double)
    rows = [
        ("arguments", size - HEADER_BYTES, "values, and their number"),
        ("rpc", HEADER_BYTES, "command, node, method"),
    ]
    rows += _layers(size, mode)
    rows.append(("wire", sum(part for _, part, _ in rows), "on the wire, one way"))
    layers = pd.DataFrame(rows, columns=["layer", "bytes", "meaning"]).set_index("layer")
    together = _array_bytes(arguments, calls_per_frame, double)
    ways = [
        ("one call", 1, size),
        (f"{calls_per_frame} calls in a frame", calls_per_frame, size),
        (f"one call with an array of {calls_per_frame}", 1, together),
    ]
    if size <= FRAGMENT_BYTES:
        ways.append(("the largest call without fragments", 1, FRAGMENT_BYTES))
    compared = pd.DataFrame([_way(name, count, one, mode, loss) for name, count, one in ways])
    return RpcReport(layers, compared, tuple(_notes(size, mode, loss)), mode, loss)


def _pieces(size: int) -> int:
    return 1 if size <= FRAGMENT_BYTES else -(-size // FRAGMENT_BYTES)


def _layers(size: int, mode: str) -> list[tuple[str, int, str]]:
    if mode == "websocket":
        frame = (2 if size < 126 else 4 if size < 65_536 else 10) + 4
        return [
            ("websocket", frame, "frame header with the mask of a client; a server's has 4 bytes less"),
            ("tcp", 2 * TCP_HEADER_BYTES, "two segments: Godot sends the header by itself"),
            ("ip", 2 * IPV4_HEADER_BYTES, "IPv4, two packets"),
        ]
    pieces = _pieces(size)
    command = _COMMAND[mode] if pieces == 1 else _FRAGMENT_COMMAND * pieces
    named = "command" if pieces == 1 else f"{pieces} fragments"
    return [
        ("enet", command + _HEADER[mode] * pieces, f"{named}, datagram header"),
        ("udp", UDP_HEADER_BYTES * pieces, "header" if pieces == 1 else f"{pieces} headers"),
        ("ip", IPV4_HEADER_BYTES * pieces, "IPv4"),
    ]


def _way(name: str, count: int, size: int, mode: str, loss: float) -> dict[str, object]:
    wire = count * (size + sum(part for _, part, _ in _layers(size, mode)))
    pieces = 2 if mode == "websocket" else _pieces(size)
    repaired = mode in {"reliable", "websocket"}
    return {
        "way": name,
        "datagrams": count * pieces,
        "bytes": count * size,
        "wire_bytes": wire,
        "headers": 1 - count * size / wire,
        "arrives": float("nan") if repaired else (1 - loss) ** pieces,
    }


def _array_bytes(arguments: tuple[Any, ...], count: int, double: bool) -> int:
    """One call with everything in an Array, each call's arguments one element."""
    one = arguments[0] if len(arguments) == 1 else list(arguments)
    return HEADER_BYTES + 1 + len(write_value([one] * count, double=double))


def _notes(size: int, mode: str, loss: float) -> list[str]:
    notes = [
        "Until the receiver has confirmed the node's path, each call carries the path, too, and an id of 4 bytes."
    ]
    if mode == "websocket":
        notes.append(
            f"The receiver's TCP acknowledges both segments: {2 * _SEGMENT} bytes the other way, mostly less."
        )
        notes.append("TCP repairs what is lost: nothing is missing, and all that comes later waits for it.")
        return notes
    pieces = _pieces(size)
    if mode == "reliable":
        back = _DATAGRAM + 2 + _ACKNOWLEDGE * pieces
        notes.append(
            f"An acknowledgement comes back: {back} bytes, fewer each where several share a datagram."
        )
        whole = (1 - loss) ** pieces
        notes.append(
            f"At {loss:.0%} loss {1 - whole:.0%} of such calls come later than the first time, as ENet repeats."
        )
    else:
        notes.append(
            f"At {loss:.0%} loss {1 - (1 - loss) ** pieces:.0%} of such calls do not arrive"
            + (f": each of the {pieces} fragments must." if pieces > 1 else ".")
        )
    notes.append("ENet sends each call as a datagram of its own; rpc() to n peers costs n times as much.")
    return notes
