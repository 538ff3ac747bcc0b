"""A recording where a view expects a capture: one that has ended, and cannot begin again."""

from __future__ import annotations

import weakref
from typing import Any, Final, NoReturn

import pandas as pd

from gdlab.capture import Light, Recording, Statistics, Status
from gdlab.errors import EndpointClosed
from gdlab.facts import Reason
from gdlab.messages import Direction, Event
from gdlab.store import Limit, Snapshot
from gdlab.store.held import held


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
        table = self.recording.df
        message = table["event"] == Event.MESSAGE
        probe = message & (table["reason"] == Reason.PROBE)
        message &= ~probe
        received = message & (table["direction"] == Direction.IN)
        sent = message & (table["direction"] == Direction.OUT)
        lost = table.loc[table["reason"] == "kernel_drop", "count"]
        return Statistics(
            seconds=(table["time"].max() - table["time"].min()).total_seconds() if len(table) else 0.0,
            received=int(received.sum()),
            received_bytes=int(table.loc[received, "size_bytes"].sum()),
            sent=int(sent.sum()),
            sent_bytes=int(table.loc[sent, "size_bytes"].sum()),
            peers=int(table["peer"].replace("", pd.NA).nunique()),
            errors=int((table["event"] == Event.ERROR).sum()),
            kernel_drops=int(lost.sum()) if len(lost) else None,
            evicted_rows=0,
            rows_kept=len(table),
            bytes_kept=int(table["size_bytes"].sum()),
            receive_buffer_bytes=0,
            last_received_s=None,
            pings_sent=int((probe & (table["direction"] == Direction.OUT)).sum()),
            answers_received=int((probe & (table["direction"] == Direction.IN)).sum()),
        )

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


_known: Final[weakref.WeakValueDictionary[int, Recorded]] = weakref.WeakValueDictionary()


def is_recorded(shown: object) -> bool:
    """Whether a view follows a recording."""
    return isinstance(shown, Recorded)


def as_capture(shown: Any) -> Any:
    """Return what views can follow: a capture as it is; a recording in this form, the same one while it is shown."""
    if not isinstance(shown, Recording):
        return shown
    # By identity: a form that is known holds its recording, so no other object can have its number.
    known = _known.get(id(shown))
    if known is None:
        known = _known[id(shown)] = Recorded(shown)
    return known
