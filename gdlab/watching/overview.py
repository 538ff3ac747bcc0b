"""The tables of a watch, as its user asks for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from gdlab.watching import tables

if TYPE_CHECKING:
    import pandas as pd

    from gdlab.watching.game import WatchedGame


class WatchTables(ABC):
    """What games have told, as tables; each is a snapshot that is the user's to change."""

    @property
    @abstractmethod
    def games(self) -> tuple[WatchedGame, ...]:
        """Those that have connected, also those whose link has ended."""

    @abstractmethod
    def games_and_others(self) -> tuple[WatchedGame, ...]:
        """Everything that ever connected: the log also reports what was not a game."""

    @property
    def log(self) -> pd.DataFrame:
        """Prints, errors, warnings, breaks, and news of the link: one row each.

        Returns
        -------
        DataFrame with ``time`` (UTC, when it arrived), ``happened`` (when it was raised, by the engine's clock
        where its offset is known to 30 ms, else the arrival), ``game``, ``game_time`` (seconds since engine start;
        errors and warnings only), ``game_frame`` (if `frames` were on; what carries no time may be of the next one),
        ``kind``,
        ``text``, ``file`` and ``line`` (in the user's script, NA where the engine does not tell), ``function``,
        ``stack`` (tuples of file, line, function; the most recent call first), ``raised_in`` (the place in the engine),
        ``offset`` (in the link's stream), ``touched`` (the notebook had changed something in the game).

        ``kind``: print, rich (print_rich, with its BBCode), stderr (printerr), warning, error (push_error, or the
        engine's own), script_error, break, continue, dropped (what the engine's limits cut), link. The engine joins the
        prints of a game frame, so each line is a row: a print of two lines looks like two prints.
        """
        return tables.log(self.games_and_others())

    @property
    def monitors(self) -> pd.DataFrame:
        """The engine's monitors: one row per second.

        Returns
        -------
        DataFrame with ``time``, ``game``, ``fps``, ``process_ms`` and ``physics_ms`` (each the largest of the second),
        ``static_mb``, ``touched``, then every monitor under the engine's name and in its unit, such as
        ``object/nodes``, and custom ones, such as ``game/answer``.
        """
        return tables.monitors(self.games)

    @property
    def frames(self) -> pd.DataFrame:
        """One row per game frame.

        Returns
        -------
        DataFrame with ``time`` (arrival: the end of the frame), ``game``, ``game_frame`` (`Engine.get_process_frames`),
        ``busy_ms``, ``interval_ms`` (since the frame before arrived; NaN if that is not known), ``process_ms``,
        ``physics_ms``, ``script_ms``, ``touched``. Busy is not the interval: a game that sleeps until its next frame is
        busy for less than a millisecond.
        """
        return tables.frames(self.games)

    @property
    def rpcs(self) -> pd.DataFrame:
        """The engine's counts of remote calls per node and tenth of a second.

        Returns
        -------
        DataFrame with ``time``, ``game``, ``path``, ``calls_in``, ``bytes_in``, ``calls_out``, ``bytes_out``,
        ``touched``. Bytes are without paths and headers; one `rpc()` to many peers counts once; calls that a server
        only relays are not counted.
        """
        return tables.counts(self.games, "rpcs")

    @property
    def syncs(self) -> pd.DataFrame:
        """The engine's counts of synchronisations per MultiplayerSynchronizer and tenth of a second.

        Returns
        -------
        DataFrame with ``time``, ``game``, ``path``, ``syncs_in``, ``bytes_in``, ``syncs_out``, ``bytes_out``,
        ``touched``. The engine does not count what is sent on change.
        """
        return tables.counts(self.games, "syncs")

    @property
    def bandwidth(self) -> pd.DataFrame:
        """Bytes of SceneMultiplayer's packets in the second before ``time``: ``bytes_in``, ``bytes_out``, per game."""
        return tables.bandwidth(self.games)

    @property
    def break_times(self) -> pd.DataFrame:
        """Times in which a game stood still: ``time``, ``game``, ``ended``, ``stood_ms``, ``text``, and the place."""
        return tables.breaks(self.games)

    @property
    def functions(self) -> pd.DataFrame:
        """What each GDScript function cost, after ``watch.profile("functions")``: calls, own and total time."""
        return tables.functions(self.games)

    def messages(self, prefix: str = "") -> pd.DataFrame:
        """What the games sent by `EngineDebugger.send_message`, and what of the engine's is not known.

        Parameters
        ----------
        prefix : of the names, such as ``"gdlab:"``.

        Returns
        -------
        DataFrame with ``time``, ``game``, ``game_frame``, ``name``, ``data`` (tuples), ``problem`` (why it could not be
        read; NA where it could), ``touched``, and the values one by one as ``v0``, ``v1``, ...
        """
        return tables.messages(self.games, prefix)
