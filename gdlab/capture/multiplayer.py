"""`capture.multiplayer()`: a game's high-level multiplayer taken apart."""

from __future__ import annotations

import html as text
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from gdlab.analysis.multiplayer import Evidence, findings
from gdlab.messages import SCHEMA, wire_bytes
from gdlab.multiplayer import record, tables
from gdlab.multiplayer import summary as sums
from gdlab.multiplayer.calls import arguments
from gdlab.multiplayer.dissector import Dissector
from gdlab.multiplayer.explain import LayeredExplanation, explain
from gdlab.multiplayer.losses import lost_rows
from gdlab.multiplayer.names import Names, NamesFrom
from gdlab.multiplayer.source import source
from gdlab.multiplayer.view import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Rows by which a table of Godot's multiplayer is told from others.
LOOKED_AT: Final = 400


class Multiplayer:
    """Godot's `SceneMultiplayer` over ENet or WebSocket, packet by packet, as one moment of a table shows it.

    Every table is made when it is first asked for. What cannot be read is a row of `wire()` with its reason.

    Parameters
    ----------
    table : with the columns `time`, `endpoint`, `peer`, `direction` and `payload`; `wire_bytes`, `event`, `detail`,
        and `fate` (what a relay did with a row) are used where they are present.
    project : folder of the game's project, whose scripts and scenes name methods and properties.
    names : names of RPC methods by node path (``{"Main/Game": ["hello", "tick"]}``), instead of a project.
    """

    def __init__(
        self, table: pd.DataFrame, *, project: str | Path | None = None, names: NamesFrom = None
    ) -> None:
        taken = source(table)
        self._table = table
        dissector = Dissector()
        dissector.feed(taken.rows)
        dissector.finish()
        gone = None if taken.fates is None else lost_rows(taken.fates)
        self.view = View(
            dissector, taken.times_ns, Names.of(project, names), taken.payloads, taken.positions, gone
        )
        self._evidence = Evidence(self.view, taken.fates)

    @property
    def packets(self) -> pd.DataFrame:
        """One row for each packet, once over both legs of a relay; see `gdlab.multiplayer.tables.packets`."""
        return self._evidence.packets.copy(deep=False)

    @property
    def calls(self) -> pd.DataFrame:
        """One row for each RPC, with its arguments; see `gdlab.multiplayer.calls.calls`."""
        return self._evidence.calls.copy(deep=False)

    def summary(
        self, by: str | Sequence[str] = ("kind", "path", "method"), *, overhead: bool = True
    ) -> pd.DataFrame:
        """Calls, bytes, wire bytes, share and rate, beside what the editor shows; the largest first.

        Parameters
        ----------
        by : one or more of kind, path, method, sender, receiver, hop, direction, mode, channel, connection.
        overhead : with what the transport sends beside packets: acknowledgements, pings, connecting.
        """
        counted = self._evidence.items
        if overhead:
            counted = pd.concat([counted, self._overhead], ignore_index=True)
        return sums.summary(counted, self._evidence.seconds, (by,) if isinstance(by, str) else tuple(by))

    @cached_property
    def _overhead(self) -> pd.DataFrame:
        return sums.overhead(self.view)

    def sync(self) -> pd.DataFrame:
        """One row for each object and state, a typed column per property; see `gdlab.multiplayer.states.states`."""
        return self._evidence.states.copy(deep=False)

    @cached_property
    def _wire(self) -> pd.DataFrame:
        return tables.units(self.view)

    def wire(self) -> pd.DataFrame:
        """Every part of every row; their `bytes` sum to those of the payloads. See `gdlab.multiplayer.tables.units`."""
        return self._wire.copy(deep=False)

    def enet(self) -> pd.DataFrame:
        """ENet's commands: the rows of `wire` that are commands."""
        units = self._wire
        names = units["command"].astype(str)
        stream = names.isin(["message", "handshake", "control", "part", "lost", "incomplete"])
        return units[(~stream).to_numpy()]

    def round_trips(self) -> pd.DataFrame:
        """Acknowledged commands and how long that took; see `gdlab.multiplayer.timing.round_trips`."""
        return self._evidence.round_trips.copy(deep=False)

    def losses(self) -> pd.DataFrame:
        """What is missing, by place: thrown away before, resent, late, lost behind; see `gdlab.multiplayer.losses`."""
        return self._evidence.losses.copy(deep=False)

    def findings(self, *, log: pd.DataFrame | None = None) -> pd.DataFrame:
        """What is remarkable, as sentences, most certain first.

        Parameters
        ----------
        log : prints and errors of the games, with the columns `time` and `text`, such as a debugger session gives: some
            mistakes show only in the receiver's or the sender's error.
        """
        self._evidence.log = log
        return findings(self._evidence)

    @property
    def connections(self) -> pd.DataFrame:
        """One row for each client: `client` (its id in the game), `transport`, `places` (legs), `packets`, `bytes`."""
        view = self.view
        listed = np.bincount(
            view.connection[np.array(view.packets.unit, np.int64)] if len(view.packets) else [],
            minlength=len(view.connections),
        )
        near = view.near
        carried = np.bincount(
            view.connection[near], view.units["bytes"][near], minlength=len(view.connections)
        )
        return pd.DataFrame(
            {
                "client": tables.ids(view, [connection.client for connection in view.connections]),
                "transport": [connection.links[0].transport for connection in view.connections],
                "places": [str(len(connection.links)) for connection in view.connections],
                "way": [str(connection) for connection in view.connections],
                "packets": listed[: len(view.connections)].astype(np.int64),
                "bytes": carried[: len(view.connections)].astype(np.int64),
            }
        )

    def messages(self) -> pd.DataFrame:
        """Packets as a message table, in which `label` names each; `out` is what a client sends."""
        packets, view = self._evidence.packets, self.view
        said = [view.said[index] for index in packets.index]
        known = [connection.known for connection in view.connections]
        table = pd.DataFrame(
            {
                "time": packets["time"].to_numpy(),
                "endpoint": "server",
                "peer": [
                    f"client {view.connections[who.connection].client}"
                    if known[who.connection]
                    else view.connections[who.connection].links[0].peer
                    for who in said
                ],
                "direction": ["in" if who.from_client else "out" for who in said],
                "event": "message",
                "payload": [view.packets.payload[index] for index in packets.index],
                "label": [self.label(index) for index in packets.index],
            }
        )
        return table.assign(time=pd.DatetimeIndex(packets["time"])).sort_values("time", kind="stable")

    def label(self, number: int) -> str:
        """A packet in a few words: node, method and arguments of a call, else its kind and what it is about."""
        packet = self.view.packets.packet[number]
        path, method = tables.label(self.view, number)
        node = path.rpartition("/")[2]
        if packet.kind == "rpc":
            values, _ = arguments(self.view, number)
            return f"{node}.{method}({', '.join(_short(value) for value in values)})"
        return f"{packet.kind.replace('_', ' ')} {node}".rstrip()

    def explain(self, row: int | pd.Series) -> LayeredExplanation:
        """All bytes of a packet, layer by layer.

        Parameters
        ----------
        row : number of the packet (the index of `packets`, `calls` and `sync()`), or a row of these tables.
        """
        number = row.name if isinstance(row, pd.Series) else row
        return explain(self.view, int(str(number)))

    def to_pcapng(self, path: str | Path, *, anonymise: bool = False) -> Path:
        """Write the table as a capture file for Wireshark, with the names of its packets as comments.

        Parameters
        ----------
        path : the file, such as ``game.pcapng``; `gdlab.load` gives the names back in `detail`.
        anonymise : peers become P01, P02 ...; payloads and names are not touched.
        """
        from gdlab.files import write_pcapng

        return write_pcapng(self.named(), path, anonymise=anonymise)

    def named(self) -> pd.DataFrame:
        """The table, with the names of its packets in `detail`, and every column a file has."""
        table = _complete(self._table)
        details = table["detail"].astype(object).to_numpy().copy()
        found = self._evidence.packets
        for number, row in zip(found.index.tolist(), found["row"].tolist(), strict=True):
            said = self.view.said[number]
            name = f"{self.label(number)} ({said.sender} to {said.receiver})"
            details[row] = f"{details[row]}; {name}" if details[row] else name
        return table.assign(detail=pd.array(details, dtype="string"))

    @property
    def plot(self) -> MultiplayerPlots:
        """Plots: `plot.shares()`, `plot.ladder()`."""
        return MultiplayerPlots(self)

    def __len__(self) -> int:
        return len(self._evidence.packets)

    def __repr__(self) -> str:
        view, units = self.view, self.view.units
        if not len(view.packets):
            notes = sorted(set(view.dissector.units.notes.values()))
            return f"<Multiplayer: no packet of SceneMultiplayer in {len(view.times_ns):,} rows{_why(notes)}>"
        known = [connection for connection in view.connections if connection.known]
        unreadable = int((units["kind"] == 16).sum())
        parts = [
            f"{len(self):,} packets",
            f"{int((self._evidence.packets['kind'] == 'rpc').sum()):,} calls",
            f"{len(known) or len(view.connections)} clients" if len(view.connections) != 1 else "1 client",
            f"{self._evidence.seconds:.1f} s",
        ]
        if unreadable:
            parts.append(f"{unreadable:,} parts not readable, see wire()")
        return f"<Multiplayer: {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        if not len(self.view.packets):
            return f"<p>{text.escape(repr(self)[1:-1])}</p>"
        shown = self.summary().head(12)
        columns = [
            "kind",
            "path",
            "method",
            "calls",
            "bytes",
            "wire_bytes",
            "share",
            "rate_hz",
            "editor_bytes",
        ]
        body = shown[columns].to_html(
            index=False, formatters={"share": "{:.1%}".format, "rate_hz": "{:.1f}".format}, escape=True
        )
        return f"<p>{text.escape(repr(self)[1:-1])}</p>{body}"


def holds_multiplayer(table: pd.DataFrame) -> bool:
    """Whether a message table is one of Godot's multiplayer, by its first rows: nearly all must be."""
    first = source(table.iloc[:LOOKED_AT])
    dissector = Dissector()
    dissector.feed(first.rows)
    found, units = dissector.packets, dissector.units
    if not len(found):
        return False
    wrong = sum(packet.kind == "unknown" for packet in found.packet)
    unread = sum(kind == record.UNREADABLE for kind in units.kind)
    told = any(packet.kind in {"simplify_path", "peer_id"} for packet in found.packet)
    # Datagrams of ENet are commands to the last byte, which nothing is by chance; messages of a stream are anything.
    sure = told or all(link.transport == "enet" for link in dissector.links)
    return sure and wrong * 10 <= len(found) and unread * 10 <= len(units)


def _complete(table: pd.DataFrame) -> pd.DataFrame:
    """A table with every column a file of ours has, what is missing estimated or empty."""
    added: dict[str, Any] = {}
    sizes = table["payload"].map(len).astype("int64")
    for column in SCHEMA:
        if column.name in table.columns:
            continue
        if column.name == "wire_bytes":
            transports = table["endpoint"].astype(str).str.partition("://")[0]
            added["wire_bytes"] = [
                wire_bytes(transport if transport in {"tcp", "ws"} else "udp", size)
                for transport, size in zip(transports, sizes, strict=True)
            ]
        else:
            usual = {"event": "message", "kind": "binary", "time_source": "user", "size_bytes": sizes}
            added[column.name] = usual.get(column.name, pd.NA if column.dtype.startswith("Int") else "")
    return table.assign(**added)


def _short(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    shown = repr(value)
    return shown if len(shown) <= 24 else shown[:23] + "…"


def _why(notes: list[str]) -> str:
    return f": {notes[0]}" if notes else ""


class MultiplayerPlots:
    """Pictures of a dissected capture; each gives the Axes it drew on."""

    def __init__(self, multiplayer: Multiplayer) -> None:
        self._multiplayer = multiplayer

    def shares(self, ax: Axes | None = None, **options: Any) -> Axes:
        """What takes the bytes on the wire, as bars; see `gdlab.plots.shares`."""
        from gdlab import plots

        return plots.shares(self._multiplayer.summary(), ax=ax, **options)

    def ladder(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Packets between a client and its server as arrows down a time axis, 20 of them.

        Parameters
        ----------
        ax : where to draw.
        options : of `gdlab.plots.ladder`; `peer` is ``client`` and an id, as in ``client 571557132``.
        """
        from gdlab import plots

        return plots.ladder(self._multiplayer.messages(), ax=ax, **options)
