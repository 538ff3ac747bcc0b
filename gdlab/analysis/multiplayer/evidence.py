"""What the rules look at: the tables of a dissected capture, each made once and only if asked for."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from gdlab.facts import Statement
from gdlab.multiplayer.calls import calls
from gdlab.multiplayer.losses import losses
from gdlab.multiplayer.states import states
from gdlab.multiplayer.summary import items
from gdlab.multiplayer.tables import packets
from gdlab.multiplayer.timing import round_trips
from gdlab.multiplayer.view import View


class Evidence:
    """Tables of one capture.

    Parameters
    ----------
    view : the dissected capture.
    fates : what became of each row, as for `losses`.
    log : prints and errors of the games, with the columns `time` and `text`; None without a debugger.
    """

    def __init__(self, view: View, fates: pd.Series | None = None, log: pd.DataFrame | None = None) -> None:
        self.view = view
        self.log = log
        self._fates = fates

    @cached_property
    def packets(self) -> pd.DataFrame:
        """Every packet."""
        return packets(self.view)

    @cached_property
    def calls(self) -> pd.DataFrame:
        """Every RPC."""
        return calls(self.view, self.packets)

    @cached_property
    def items(self) -> pd.DataFrame:
        """What the summary counts."""
        return items(self.view, self.packets)

    @cached_property
    def states(self) -> pd.DataFrame:
        """Every state of an object."""
        return states(self.view, self.packets)

    @cached_property
    def losses(self) -> pd.DataFrame:
        """What is missing, and where."""
        return losses(self.view, self._fates)

    @cached_property
    def round_trips(self) -> pd.DataFrame:
        """Answered commands."""
        return round_trips(self.view)

    @property
    def seconds(self) -> float:
        """From the first row to the last."""
        stamps = self.view.times_ns
        return float(stamps.max() - stamps.min()) / 1e9 if len(stamps) else 0.0

    def who(self, connection: int, side: str) -> Statement:
        """A side of a connection, as a sentence names it."""
        if side == "server":
            return Statement("who/server")
        link = self.view.connections[connection]
        if link.known:
            return Statement.of("who/client", number=int(link.client))
        return Statement.of("who/address", peer=str(link.links[0].peer))

    def pace(self, connection: int, *, samples: int = 1) -> pd.DataFrame:
        """Median round trip of each second, answered by the client and by the server, in ms; NaN where too few are.

        Parameters
        ----------
        samples : round trips that a second must have.
        """
        trips = self.round_trips
        mine = trips[
            ((trips["connection"] == connection) & ~trips["copy"] & (trips["leg"] == "client")).to_numpy()
        ]
        since = self.view.times_ns.min() if len(self.view.times_ns) else 0
        second = (mine["time"].astype("int64") - since) // 1_000_000_000
        columns = {}
        for side in ("client", "server"):
            own = (mine["answered_by"] == side).to_numpy()
            groups = mine["rtt_ms"][own].groupby(second[own])
            columns[side] = groups.median()[groups.size() >= samples]
        return pd.DataFrame(columns).sort_index()


def rows_of(table: pd.DataFrame) -> tuple[int, ...]:
    """The first rows a finding points at."""
    return tuple(int(row) for row in table["row"].head(20))
