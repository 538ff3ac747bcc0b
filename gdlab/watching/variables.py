"""The properties of a node, read over the link."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gdlab.text import count
from gdlab.watching import tables

if TYPE_CHECKING:
    import pandas as pd

    from gdlab.watching.game import WatchedGame


class Variables:
    """Readings of one node; made by `Watch.variables`."""

    def __init__(
        self,
        path: str,
        names: tuple[str, ...],
        game: WatchedGame,
        every: float | None,
        stop: Callable[[str, WatchedGame], None],
    ) -> None:
        self.path = path
        self.every = every
        self._names, self._game, self._stop = names, game, stop

    @property
    def df(self) -> pd.DataFrame:
        """All readings so far: ``time``, ``game``, ``touched``, then one column per variable."""
        return tables.variables([self._game], self.path, self._names)

    def stop(self) -> None:
        """End the readings; the table stays."""
        if self.every is not None:
            self._stop(self.path, self._game)

    def __repr__(self) -> str:
        often = "read once" if self.every is None else f"read every {self.every:g} s"
        return f"<Variables of {self.path}, {often}: {count(len(self.df), 'reading')}>"

    def _repr_html_(self) -> str:
        table: str = self.df.tail(10).to_html(index=False, na_rep="")
        return table
