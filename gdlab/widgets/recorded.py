"""A recording where a view expects a capture: one that has ended, and cannot begin again."""

from __future__ import annotations

import weakref
from typing import Any, Final, NoReturn

import pandas as pd

from gdlab.capture import Light, Recording, Statistics, Status
from gdlab.errors import EndpointClosed
from gdlab.relays import Relay
from gdlab.store import Limit, Snapshot
from gdlab.store.held import held
from gdlab.widgets.relayed import Relayed
from gdlab.widgets.table_statistics import statistics_of


class Recorded:
    """What views ask of a capture, answered from a recording.

    Parameters
    ----------
    recording : it is read once; a table that is changed later is not.
    """

    running = False
    ping_s = None
    spill_folder = None
    spilled = None
    incidental = False
    limit = Limit()

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.addresses = (recording.path.name,)
        self.decode_with: Any = getattr(recording, "decode_with", None) or "auto"
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

    @property
    def df(self) -> pd.DataFrame:
        """The table."""
        return self.recording.df

    def snapshots(self) -> list[Snapshot]:
        """The table as the stores of a capture would hold it."""
        self._look()
        if self._snapshots is None:
            self._snapshots = held(self.recording.df)
        return list(self._snapshots)

    def tail(self, rows: int = 20) -> pd.DataFrame:
        """The last rows."""
        return self.recording.df.tail(rows)

    def statistics(self) -> Statistics:
        """What a capture that had received these rows would count."""
        return statistics_of(self.recording.df)

    @property
    def status(self) -> Status:
        """Where it comes from."""
        return Status(Light.STOPPED, self.recording._text(), "; ".join(self.recording.notes))

    def stop(self) -> None:
        """Do nothing: it has ended."""

    def start(self) -> NoReturn:
        """Refuse: there is nothing to listen to.

        Raises
        ------
        EndpointClosed : always.
        """
        raise EndpointClosed(
            f"{self.recording.path.name} is a recording; gd.listen(...) starts a capture, gd.replay(...) plays this one"
        )

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
        """Measures, pictures and files are those of the recording."""
        if name.startswith("_") or name == "recording":
            raise AttributeError(name)
        return getattr(self.recording, name)

    def __repr__(self) -> str:
        return repr(self.recording)


_known: Final[weakref.WeakValueDictionary[int, Recorded | Relayed]] = weakref.WeakValueDictionary()


def is_recorded(shown: object) -> bool:
    """Whether a view follows a recording."""
    return isinstance(shown, Recorded)


def as_capture(shown: Any) -> Any:
    """Return what views can follow: a capture as it is; a recording or a relay in a form, the same one while shown."""
    if not isinstance(shown, Recording | Relay):
        return shown
    # By identity: a form that is known holds its recording or relay, so no other object can have its number.
    known = _known.get(id(shown))
    if known is None:
        known = _known[id(shown)] = Recorded(shown) if isinstance(shown, Recording) else Relayed(shown)
    return known
