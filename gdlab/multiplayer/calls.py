"""RPCs with their arguments, one row per call and receiver."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from gdlab.errors import VariantDecodeError
from gdlab.multiplayer.scene import ScenePacket, read_arguments
from gdlab.multiplayer.tables import call_bytes
from gdlab.multiplayer.view import View


def arguments(view: View, index: int) -> tuple[tuple[Any, ...], str]:
    """Arguments of an RPC, and what is wrong with them; empty if nothing is."""
    return values_of(view.packets.packet[index], view.packets.payload[index])


def values_of(packet: ScenePacket, payload: bytes) -> tuple[tuple[Any, ...], str]:
    """Arguments of an RPC by itself, as `arguments`."""
    try:
        values, end = read_arguments(payload, packet.start, packet.stop, raw=packet.raw)
    except VariantDecodeError as wrong:
        return (), str(wrong)
    if end < packet.stop:
        return values, f"{packet.stop - end} bytes behind the arguments"
    return values, ""


def calls(view: View, packets: pd.DataFrame) -> pd.DataFrame:
    """RPCs out of `packets`.

    Returns
    -------
    `time`, `connection`, `sender`, `receiver`, `hop`, `path`, `method`, `args` (tuple of values), `mode`, `channel`,
    `size` (bytes of the call as the engine counts them: no path, no relay header), `path_bytes` (of a path that the
    other side has not confirmed), `packet_bytes`, `wire_bytes`, `fragments`, `resent`, `arrived`, `delay_ms`,
    `delivered`, `row`, `note` (why arguments could not be read). A call that the server relays is a row on the way up
    and one on the way down. The rows are in the order of delivery; the index is the packet's number.
    """
    mine = packets[(packets["kind"] == "rpc").to_numpy()]
    read = [arguments(view, index) for index in mine.index]
    found = view.packets.packet
    args = np.empty(len(mine), object)
    args[:] = [values for values, _ in read]
    table = mine[
        ["time", "connection", "sender", "receiver", "hop", "path", "method", "mode", "channel"]
    ].copy()
    table.insert(7, "args", args)
    sizes = mine["size"].to_numpy()
    table["size"] = np.array(
        [call_bytes(found[index], size) for index, size in zip(mine.index, sizes.tolist(), strict=True)],
        np.int64,
    )
    table["path_bytes"] = np.array([found[index].path_bytes for index in mine.index], np.int64)
    table["packet_bytes"] = sizes
    for name in ("wire_bytes", "fragments", "resent", "arrived", "delay_ms", "delivered", "row"):
        table[name] = mine[name]
    table["note"] = pd.array([note for _, note in read], dtype="string")
    for name in ("path", "method", "hop", "mode"):
        table[name] = table[name].cat.remove_unused_categories()
    return table
