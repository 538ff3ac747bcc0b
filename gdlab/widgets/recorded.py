"""A recording where a view expects a capture: one that has ended, and cannot begin again."""

from __future__ import annotations

import weakref
from typing import Any, Final, TypeAlias

from gdlab.capture import Capture, Light, Recording, Statistics, Status
from gdlab.relays import Relay
from gdlab.store import Snapshot
from gdlab.store.held import held
from gdlab.widgets.relayed import Relayed
from gdlab.widgets.stand_in import StandIn
from gdlab.widgets.table_statistics import statistics_of

#: What a view can show.
Shown: TypeAlias = Capture | Recording | Relay


class Recorded(StandIn):
    """What views ask of a capture, answered from a recording.

    Parameters
    ----------
    recording : it is read once; a table that is changed later is not.
    """

    def __init__(self, recording: Recording) -> None:
        super().__init__(recording)
        self.recording = recording
        self.addresses = (recording.path.name,)
        self._snapshots: tuple[Snapshot, ...] | None = None
        self._known = recording._table
        self._rewritten = 0

    @property
    def rewritten(self) -> int:
        """How often it was read in another framing."""
        self._look()
        return self._rewritten

    def _look(self) -> None:
        if self.recording._table is not self._known:
            self._known, self._snapshots = self.recording._table, None
            self._rewritten += 1

    @property
    def version(self) -> int:
        """Differs after every change of the rows."""
        return self.rewritten

    def snapshots(self) -> list[Snapshot]:
        """The table as the stores of a capture would hold it."""
        self._look()
        if self._snapshots is None:
            self._snapshots = held(self.recording.df)
        return list(self._snapshots)

    def statistics(self) -> Statistics:
        """What a capture that had received these rows would count."""
        return statistics_of(self.recording.df)

    @property
    def status(self) -> Status:
        """Where it comes from."""
        return Status(Light.STOPPED, self.recording._text(), "; ".join(self.recording.notes))

    def stop(self) -> None:
        """Do nothing: it has ended."""

    def _refusal(self) -> str:
        return (
            f"{self.recording.path.name} is a recording; gd.listen(...) starts a capture, and gd.replay(...) plays "
            "this one"
        )


_known: Final[weakref.WeakValueDictionary[int, Recorded | Relayed]] = weakref.WeakValueDictionary()


def is_recorded(shown: object) -> bool:
    """Whether a view follows a recording."""
    return isinstance(shown, Recorded)


def as_capture(shown: Shown | None) -> Any:
    """Return what views can follow: a capture as it is; a recording or a relay in a form, the same one while shown."""
    if not isinstance(shown, Recording | Relay):
        return shown
    # By identity: a form that is known holds its recording or relay, so no other object can have its number.
    known = _known.get(id(shown))
    if known is None:
        known = _known[id(shown)] = Recorded(shown) if isinstance(shown, Recording) else Relayed(shown)
    return known
