"""What a watched game told, as lanes of a timeline: its frames, and the rows of its log."""

from __future__ import annotations

import numpy as np

from gdlab.analysis.columns import times_ns
from gdlab.live.timeline import Timeline
from gdlab.watching import Watch

#: Kinds of log rows that are marks; the others are the link's own.
_KINDS = ("error", "script_error", "warning", "print", "break")


def lanes_of(watch: Watch, timeline: Timeline) -> None:
    """Give a timeline the lanes ``frames`` (ms that each game frame took) and ``log`` (a mark for each row)."""
    frames = watch.frames
    times, busy = times_ns(frames), frames["busy_ms"].to_numpy(np.float64)
    games = frames["game"].astype(str).to_numpy(object)
    timeline.set_lane(
        "frames",
        "Game frames",
        "ms",
        "dots",
        {name: (times[games == name], busy[games == name]) for name in sorted(set(games.tolist()))},
        "no frames: the profiler tells of them after the first frame message",
    )
    log = watch.log
    when = times_ns(log.assign(time=log["happened"].fillna(log["time"])))
    kinds = log["kind"].astype(str).to_numpy(object)
    order = np.argsort(when, kind="stable")
    when, kinds = when[order], kinds[order]
    timeline.set_lane(
        "log",
        "Game log",
        "",
        "marks",
        {
            kind: (when[kinds == kind], np.ones(int((kinds == kind).sum())))
            for kind in _KINDS
            if (kinds == kind).any()
        },
        "no prints, errors or breaks",
    )


__all__ = ["lanes_of"]
