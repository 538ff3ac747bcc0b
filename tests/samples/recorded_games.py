"""Multiplayer games that were recorded between their processes, as captures; see `tests/data/multiplayer`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gdlab.capture.multiplayer import Multiplayer
from gdlab.messages import SCHEMA
from tests.multiplayer.golden import PROJECT, manifest, table


class RecordedGame:
    """What a relay between the client and the server would have captured.

    Attributes
    ----------
    df : one row per datagram as it came to the relay, `in` from the client.
    provenance : the engine, and the RPC methods of each node, by which the sample names its calls.
    """

    def __init__(self, run: str) -> None:
        frame = table(run)
        sizes = frame["payload"].map(len).astype("int64")
        given = {
            "event": "message",
            "kind": "binary",
            "time_source": "user",
            "size_bytes": sizes,
            "wire_bytes": sizes + 28,
            "endpoint": "udp://127.0.0.1:4300",
            "peer": frame["peer"].str.replace("client1:1", "127.0.0.1:50001"),
        }
        named = Multiplayer(frame, project=PROJECT)
        blank = {
            column.name: pd.NA if column.dtype.startswith("Int") else ""
            for column in SCHEMA
            if column.name not in {*frame.columns, *given}
        }
        self.df: pd.DataFrame = frame.assign(**given, **blank)[[column.name for column in SCHEMA]]
        self.provenance: dict[str, Any] = {
            "endpoints": ["udp://127.0.0.1:4300"],
            "rpc_methods": methods(named),
        }
        self.engine = str(manifest(run)["engine"])

    def stop(self) -> None:
        """Nothing runs."""


def methods(multiplayer: Multiplayer) -> dict[str, list[str]]:
    """Names of the RPC methods of each node; of a node whose sides differ one entry for each list."""
    view, found = multiplayer.view, {}
    for path, sums in view.resolver.md5s.items():
        for number, md5 in enumerate(dict.fromkeys(sums.values())):
            script = view.names.by_md5.get(md5)
            if script is not None and script.methods:
                found[path if not number else f"{path} (the other side)"] = list(script.methods)
    return found
