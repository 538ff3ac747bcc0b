"""The engine's clock against ours, from messages that carry it."""

from __future__ import annotations

from typing import Final, NamedTuple

#: A message takes at least about this long from the moment it speaks of until it is read; the engine's own time is cut
#: to whole milliseconds, which looks like half of one more.
_FASTEST_S: Final = 0.001
#: Reports that lie further apart than this are of different game frames.
_APART_S: Final = 0.02
#: Game frames with a prompt report from which on the fastest is taken for fast.
_ENOUGH: Final = 4


class Offset(NamedTuple):
    """What must be added to the engine's seconds since its start to get UTC seconds.

    Attributes
    ----------
    offset_s : UTC seconds of the engine's zero. error_s : it is hardly further off than that.
    n : game frames with a prompt report.
    """

    offset_s: float
    error_s: float
    n: int


class EngineClock:
    """Estimates the offset: the message that was fastest tells the most.

    A message cannot arrive before what it reports, so every arrival minus the engine's time is an upper bound. What
    is left is the way of the fastest one. In runs of Godot 4.6.3 the fastest of at least four game frames was 0.6 to
    1.9 ms late, a single one up to a frame. Reports of before the first frame were 40 to 190 ms late, since nothing
    is sent while the game loads; those that the debugger's own requests raise wait for a whole frame. Both count only
    where there is nothing better.
    """

    def __init__(self) -> None:
        self._prompt_s: float | None = None
        self._slow_s: float | None = None
        self._last_s = -1.0
        self._n = 0

    def observe(self, time_ns: int, game_s: float, *, prompt: bool) -> None:
        """A report of engine time `game_s` was read at `time_ns` (UTC); `prompt`: at the end of its game frame."""
        late = time_ns / 1e9 - game_s
        if not prompt:
            self._slow_s = late if self._slow_s is None else min(late, self._slow_s)
            return
        self._prompt_s = late if self._prompt_s is None else min(late, self._prompt_s)
        if abs(game_s - self._last_s) > _APART_S:
            self._n += 1
        self._last_s = game_s

    @property
    def offset(self) -> Offset | None:
        """The estimate; None before the first report."""
        known = [value for value in (self._prompt_s, self._slow_s) if value is not None]
        if not known:
            return None
        error_s = 0.002 if self._n >= _ENOUGH else 0.025 if self._n else 0.2
        return Offset(min(known) - _FASTEST_S, error_s, self._n)
