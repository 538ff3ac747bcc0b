"""What of a table a picture shows: the game's messages, and gdlab's own pings only where they are asked for."""

from __future__ import annotations

import pandas as pd

from gdlab.analysis.columns import messages
from gdlab.analysis.probes import own_probes
from gdlab.analysis.source import Source, table_of

_PINGS = "gdlab_pings"
#: Under which the table of an overlay has the names of its runs.
RUNS = "gdlab_runs"


def shown(source: Source, *fields: str | None, probes: bool = False) -> pd.DataFrame:
    """The table of a source, without the rows of our pings and their answers unless `probes`."""
    table = table_of(source, *fields)
    if probes:
        return table
    pings = own_probes(table)
    if not pings.any():
        return table
    kept = table[~pings]
    kept.attrs[_PINGS] = int(pings.sum())
    return kept


def runs(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of an overlay's runs by their names; empty for any other table."""
    names = table.attrs.get(RUNS, ())
    peers = table["peer"].astype(object).fillna("") if names else table["peer"]
    return {str(name): table[(peers == name) | peers.str.startswith(f"{name}: ")] for name in names}


def nothing(table: pd.DataFrame) -> str:
    """What a picture says where there is no message to draw, else nothing."""
    if messages(table).any():
        return ""
    return "only pings: probes=True draws them" if table.attrs.get(_PINGS) else "no messages yet"
