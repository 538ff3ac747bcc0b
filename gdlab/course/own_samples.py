"""Tasks whose numbers differ by student: made of a sample, of which each student gets other parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from gdlab.capture.samples import sample
from gdlab.course.own_task import Task, pick, recording
from gdlab.course.questions import number
from gdlab.impair.streams import Stream
from gdlab.watching import together
from gdlab.words import worded

if TYPE_CHECKING:
    from gdlab.watching import Watch

_GAP = pd.Timedelta(milliseconds=250)


def endings(seed: int) -> Task:
    """Connections that end in the four ways of the sample, each so many times."""
    rows = sample("ws-endings").df
    ways = rows[rows.event == "close"]
    times = [pick(seed, "05", n, 2, 12) for n in range(len(ways))]
    own = ways.loc[np.repeat(ways.index, times)]
    order = np.argsort([Stream(seed, 0, "own", "05 order").at(n) for n in range(len(own))], kind="stable")
    own = own.iloc[order].assign(time=ways.time.iloc[0] + _GAP * np.arange(len(own)))
    silent = int((own.code == 1006).sum())
    return Task(
        "05",
        "How many of your connections ended without any goodbye?",
        recording(own, "own-05"),
        number(
            silent,
            worded(
                "{silent} of {count}: 1006 is noted by the side that got no close frame.",
                silent=silent,
                count=len(own),
            ),
            wrong=(
                (len(own), "That is all of them. How many have the code 1006?"),
                (len(own) - silent, "Those had a close frame, with a code of its own."),
                (int((own.code == 1000).sum()), "1000 is a proper goodbye."),
            ),
            otherwise="Look at the column `code` of the rows of event `close`.",
        ),
    )


def stalls(seed: int) -> Task:
    """Round trips of the watched game that took longer than the student's limit."""
    limit_ms = pick(seed, "08", 0, 20, 900)
    cap = sample("watched-game")
    both = together(cap, cast("Watch", cap.watched))  # the sample holds what was told then
    slow = int((both.explained.rtt_ms > limit_ms).sum())
    return Task(
        "08",
        worded(
            "How many round trips of your game that a stall explains took longer than {limit_ms} ms?",
            limit_ms=limit_ms,
        ),
        cap,
        number(
            slow,
            worded(
                "{slow} of {count} that have an explanation: none of them was the network's fault.",
                slow=slow,
                count=len(both.explained),
            ),
            wrong=(
                (
                    len(both.explained),
                    worded("That is all of them. Which took longer than {limit_ms} ms?", limit_ms=limit_ms),
                ),
            ),
            otherwise="gd.together(capture, capture.watched).explained has a row for each, with its rtt_ms.",
        ),
    )


def exchanges(seed: int) -> Task:
    """Some of the exchanges of the sample: fewer know the offset less exactly."""
    rows = sample("udp-60fps").df
    keep = Stream(seed, 0, "own", "12")
    came = (rows.direction == "in").to_numpy()
    own = recording(rows[[not back or keep.at(n) < 0.15 for n, back in enumerate(came)]], "own-12")
    answers = own.decoded(probes=True).query("`v.probe` == 'pong' and direction == 'in'")
    t1, r, s = (answers[f"v.{name}"].astype("int64") for name in ("t_us", "r_us", "s_us"))
    high, low = r - t1, s - answers.time.astype("int64") // 1000
    width, best = int(high.min() - low.max()), int((high - low).min())
    return Task(
        "12",
        "How wide is the interval that lies in all intervals of your exchanges, in microseconds?",
        own,
        number(
            width,
            worded(
                "{width} µs, of {count} exchanges; the best one alone knows the offset to {best} µs.",
                width=width,
                count=len(answers),
                best=best,
            ),
            unit="µs",
            wrong=(
                (best, "That is the narrowest of them. All together know more."),
                (157, "That is the sample at 30 frames per second. Yours is another capture."),
                (width / 1000, "That is in milliseconds."),
            ),
            otherwise="It reaches from the highest lower end (s - t4) to the lowest upper one (r - t1).",
        ),
    )
