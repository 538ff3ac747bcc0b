"""What synchronizers and spawners send: the state of each object, one typed column a property."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from gdlab.errors import VariantDecodeError
from gdlab.multiplayer.resolve import Said
from gdlab.multiplayer.scene import ScenePacket, read_values, spawn_parts
from gdlab.multiplayer.tables import category, ids
from gdlab.multiplayer.view import View
from gdlab.variant.types import type_of
from gdlab.variant.wire import FIXED

#: Note of a state that the receiver passes over.
TOO_OLD: Final = "came behind a later state, so the receiver passes it over"
#: Columns made of what is sent; what is beyond stays in `values`.
MAX_COLUMNS: Final = 256


def states(view: View, packets: pd.DataFrame) -> pd.DataFrame:
    """One row for each object and state that was sent, in the order in which the receiver gets them.

    Returns
    -------
    `time`, `connection`, `sender`, `receiver`, `kind` (sync, delta, spawn, despawn), `path`, `net_id`, `counter` (of
    a sync: one step a frame of the sender; missing else), `size` (bytes of the values), `values` (tuple), `note`, then
    a column a property: by its name where a scene of the project or the user tells it, else ``always0``, ``changed0``,
    ``spawn0`` ...; vectors and the like have a column per component (``position.x``). The index is the packet's number.
    """
    rows: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    index_of: list[int] = []
    found, senders = view.packets.packet, view.said
    shapes = _shapes(view)
    # A synchronizer takes no state that is older than its last one.
    latest: dict[tuple[int, int, int], int] = {}
    for index in packets.index[
        packets["kind"].isin(["sync", "delta", "spawn", "despawn"]).to_numpy()
    ].tolist():
        packet, who = found[index], senders[index]
        for row, named in _of_packet(view, index, packet, who, shapes):
            if packet.kind == "sync":
                key = (who.connection, who.sender, row["net_id"])
                if (packet.method - latest.get(key, packet.method - 1)) % 65_536 - 1 >= 32_767:
                    row["note"] = row["note"] or TOO_OLD
                else:
                    latest[key] = packet.method
            rows.append(row)
            told.append(named)
            index_of.append(index)
    values = np.empty(len(rows), object)
    values[:] = [row["values"] for row in rows]
    at = packets.loc[index_of]
    table = pd.DataFrame(
        {
            "time": pd.DatetimeIndex(at["time"]),
            "connection": at["connection"].to_numpy(),
            "sender": ids(view, [senders[index].sender for index in index_of]),
            "receiver": ids(view, [senders[index].receiver for index in index_of]),
            "kind": category([found[index].kind for index in index_of]),
            "path": category([row["path"] for row in rows]),
            "net_id": np.array([row["net_id"] for row in rows], np.int64),
            "counter": pd.array([row["counter"] for row in rows], dtype="Int64"),
            "size": np.array([row["size"] for row in rows], np.int64),
            "values": values,
            "note": pd.array([row["note"] for row in rows], dtype="string"),
        },
        index=pd.Index(index_of, name="packet", dtype="int64"),
    )
    return _with_columns(table, told)


def _shapes(view: View) -> dict[str, tuple[int | None, int]]:
    """Of each object of a sync or delta: values sent always (None without a sync), the highest bit and one."""
    shapes: dict[str, tuple[int | None, int]] = {}
    for index, packet in enumerate(view.packets.packet):
        for state in packet.objects:
            path, _ = view.resolver.object(view.said[index], state.net_id)
            always, changed = shapes.get(path, (None, 0))
            if packet.kind == "delta":
                changed = max(changed, state.mask.bit_length())
            elif always is None:
                always = len(_values(view.packets.payload[index], state.start, state.stop)[0])
            shapes[path] = always, changed
    return shapes


def _of_packet(
    view: View, index: int, packet: ScenePacket, who: Said, shapes: dict[str, tuple[int | None, int]]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    payload = view.packets.payload[index]
    if packet.kind == "despawn":
        path, _ = view.resolver.object(who, packet.node)
        return [(_row(path, packet.node, None, 0, (), ""), {})]
    if packet.kind == "spawn":
        path, spawned = view.resolver.object(who, packet.node)
        argument, start = spawn_parts(packet, payload)
        values, note = _values(payload, start, packet.stop)
        scene = view.names.scenes.get(spawned.scene) if spawned is not None else None
        names = view.names.spawn_properties(scene)
        named = _named(values, names if len(names) == len(values) else (), "spawn")
        if argument is not None:
            given, wrong = _values(payload, *argument)
            named["argument"] = given[0] if given else None
            note = note or wrong
        return [(_row(path, packet.node, None, packet.stop - start, values, note), named)]
    gathered = []
    on_change = packet.kind == "delta"
    for state in packet.objects:
        path, spawned = view.resolver.object(who, state.net_id)
        values, note = _values(payload, state.start, state.stop)
        size = state.stop - state.start
        bits = [bit for bit in range(64) if state.mask >> bit & 1] if on_change else []
        if spawned is not None and spawned.names is not None:
            names = spawned.names[on_change]
        else:
            names = view.names.replicated(path, *shapes[path])[on_change]
        prefix = "changed" if on_change else "always"
        if on_change:
            if len(bits) != len(values):
                note = note or f"the mask names {len(bits)} properties, {len(values)} values follow"
            named = {
                names[bit] if bit < len(names) else f"{prefix}{bit}": value
                for bit, value in zip(bits, values, strict=False)
            }
        else:
            named = _named(values, names if len(names) >= len(values) else (), prefix)
        counter = None if on_change else packet.method
        gathered.append((_row(path, state.net_id, counter, size, values, note), named))
    return gathered


def _row(
    path: str, net_id: int, counter: int | None, size: int, values: tuple[Any, ...], note: str
) -> dict[str, Any]:
    return {"path": path, "net_id": net_id, "counter": counter, "size": size, "values": values, "note": note}


def _values(payload: bytes, start: int, stop: int) -> tuple[tuple[Any, ...], str]:
    try:
        return read_values(payload, start, stop), ""
    except VariantDecodeError as wrong:
        return (), str(wrong)


def _named(values: tuple[Any, ...], names: tuple[str, ...], prefix: str) -> dict[str, Any]:
    return {
        names[place] if place < len(names) else f"{prefix}{place}": value
        for place, value in enumerate(values)
    }


def _with_columns(table: pd.DataFrame, told: list[dict[str, Any]]) -> pd.DataFrame:
    """Add a column a property, numbers as numbers."""
    cells: dict[str, dict[int, Any]] = {}
    for place, named in enumerate(told):
        for name, value in named.items():
            for column, part in _parts(name, value):
                if column in cells or len(cells) < MAX_COLUMNS:
                    cells.setdefault(column, {})[place] = part
    columns: dict[str, Any] = {}
    for name, held in cells.items():
        filled = np.full(len(table), None, object)
        for place, value in held.items():
            filled[place] = value
        columns[name if name not in table.columns else f"{name}_"] = _typed(filled)
    return pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1) if columns else table


def _parts(name: str, value: Any) -> list[tuple[str, Any]]:
    kind = type_of(value)
    if kind not in FIXED:
        return [(name, value)]
    fixed = FIXED[kind]
    return [
        (f"{name}.{part}", number) for part, number in zip(fixed.fields, fixed.flatten(value), strict=True)
    ]


def _typed(column: Any) -> Any:
    kinds = {type(value) for value in column if value is not None}
    if kinds == {int} and all(value is None or -(1 << 63) <= value < 1 << 63 for value in column):
        return pd.array(column, dtype="Int64")
    if kinds <= {int, float} and kinds:
        return np.array([np.nan if value is None else float(value) for value in column], np.float64)
    if kinds == {bool}:
        return pd.array(column, dtype="boolean")
    if kinds == {str}:
        return pd.array(column, dtype="string")
    return column
