"""A relay where a view expects a capture: what came and went at both of its sides, while it relays."""

from __future__ import annotations

from typing import Any

from gdlab.capture import Light, Statistics, Status
from gdlab.relays import Relay
from gdlab.store import Snapshot
from gdlab.widgets.stand_in import StandIn
from gdlab.widgets.table_statistics import statistics_of


class Relayed(StandIn):
    """What views ask of a capture, answered from a relay.

    Attributes
    ----------
    relay : what is shown. Nothing of it is held here.
    """

    def __init__(self, relay: Relay) -> None:
        super().__init__(relay)
        self.relay = relay
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

    def snapshots(self) -> list[Snapshot]:
        """The rows of each of the relay's addresses as they are now."""
        return self.relay.snapshots()

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

    def _refusal(self) -> str:
        return f"the relay {self.relay.address} is steered by its cell: gd.relay(...) starts one"


def is_relayed(shown: object) -> bool:
    """Whether a view follows a relay."""
    return isinstance(shown, Relayed)
