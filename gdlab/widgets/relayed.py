"""A relay where a view expects a capture: what came and went at both of its sides, while it relays."""

from __future__ import annotations

from typing import Any, NoReturn

import pandas as pd

from gdlab.capture import Light, Statistics, Status
from gdlab.errors import EndpointClosed
from gdlab.relays import Relay
from gdlab.store import Limit, Snapshot
from gdlab.widgets.table_statistics import statistics_of


class Relayed:
    """What views ask of a capture, answered from a relay.

    Attributes
    ----------
    relay : what is shown. Nothing of it is held here.
    """

    ping_s = None
    spill_folder = None
    spilled = None
    incidental = False
    limit = Limit()

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.decode_with: Any = relay.decode_with or "auto"
        self._counted: tuple[object, Statistics] | None = None

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where clients connect to."""
        return self.relay.addresses

    @property
    def running(self) -> bool:
        """Whether it relays."""
        return self.relay.running

    @property
    def version(self) -> Any:
        """Differs after every change of the rows."""
        return self.relay.version

    @property
    def df(self) -> pd.DataFrame:
        """The table, of both sides."""
        return self.relay.df

    def snapshots(self) -> list[Snapshot]:
        """The rows of each of the relay's addresses as they are now."""
        return self.relay.snapshots()

    def tail(self, rows: int = 20) -> pd.DataFrame:
        """The last rows."""
        return self.relay.df.tail(rows)

    def statistics(self) -> Statistics:
        """What came in and went out at both sides."""
        version = self.relay.version
        if self._counted is None or self._counted[0] != version:
            self._counted = version, statistics_of(self.relay.df)
        return self._counted[1]

    @property
    def status(self) -> Status:
        """How the relay is."""
        told = self.relay._headline()
        return Status(Light(told.light), told.text, told.hint)

    def stop(self) -> None:
        """Stop the relay."""
        self.relay.stop()

    def start(self) -> NoReturn:
        """Refuse: a relay is made by a call.

        Raises
        ------
        EndpointClosed : always.
        """
        raise EndpointClosed(
            f"the relay {self.relay.address} is steered by its cell: gd.relay(...) starts one"
        )

    def send(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Refuse, as `start` does: a relay says nothing of its own."""
        self.start()

    def gdscript(self, *_arguments: Any, **_options: Any) -> NoReturn:
        """Refuse, as `start` does."""
        self.start()

    def set_ping(self, _ping: float | None) -> NoReturn:
        """Refuse, as `start` does."""
        self.start()

    def __getattr__(self, name: str) -> Any:
        """Measures, pictures and files are those of the relay."""
        if name.startswith("_") or name == "relay":
            raise AttributeError(name)
        return getattr(self.relay, name)

    def __repr__(self) -> str:
        return repr(self.relay)


def is_relayed(shown: object) -> bool:
    """Whether a view follows a relay."""
    return isinstance(shown, Relayed)
