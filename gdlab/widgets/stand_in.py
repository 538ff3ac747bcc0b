"""What views follow in place of a capture: something with a table that cannot be steered."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NoReturn

import pandas as pd

from gdlab.capture.tabular import Tabular
from gdlab.errors import EndpointClosed
from gdlab.store import Limit


class StandIn:
    """What views ask of a capture, answered from something else; what is not here is that thing's own."""

    running: Any = False
    ping_s = None
    spill_folder = None
    spilled = None
    limit = Limit()

    def __init__(self, shown: Tabular) -> None:
        self._shown = shown
        self.decode_with: Any = getattr(shown, "decode_with", None) or "auto"

    @property
    def df(self) -> pd.DataFrame:
        """The table."""
        return self._shown.df

    def tail(self, rows: int = 20) -> pd.DataFrame:
        """The last rows."""
        return self._shown.df.tail(rows)

    @abstractmethod
    def _refusal(self) -> str:
        """Why it cannot be steered, and what can be done instead."""

    def start(self) -> NoReturn:
        """Refuse: it is followed, not steered.

        Raises
        ------
        EndpointClosed : always.
        """
        raise EndpointClosed(self._refusal())

    def send(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Refuse, as `start` does."""
        self.start()

    def gdscript(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Refuse, as `start` does."""
        self.start()

    def set_ping(self, _ping: float | None) -> NoReturn:
        """Refuse, as `start` does."""
        self.start()

    def __getattr__(self, name: str) -> Any:
        """Measures, pictures and files are those of what is shown."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._shown, name)

    def __repr__(self) -> str:
        return repr(self._shown)
