"""Questions on latency and frames."""

from __future__ import annotations

from typing import Any, Final

from gdlab.analysis import round_trips
from gdlab.course.answers import NotUnderstood
from gdlab.course.questions import Question, number
from gdlab.words import worded

#: Medians below this are not those of 60 frames per second.
_QUICK_MS: Final = 6.0
_ENOUGH: Final = 50


def _quick_capture(capture: Any) -> tuple[bool, str]:
    """Look at the round trips of a capture that should be quicker than one at 60 frames per second."""
    table = getattr(capture, "df", capture)
    if not hasattr(table, "columns") or "payload" not in table.columns:
        raise NotUnderstood("this asks for a capture: the variable that gd.listen(...) gave")
    trips = round_trips(table)["rtt_ms"].dropna()
    if len(trips) < _ENOUGH:
        return False, (
            worded(
                "It holds {v1} round trips; {_ENOUGH} are needed to tell anything. Listen with ping=0.011 and a "
                "reply, and wait for more messages.",
                v1=len(trips),
                _ENOUGH=_ENOUGH,
            )
        )
    median = float(trips.median())
    if median < _QUICK_MS:
        return True, (
            worded(
                "The median is {median:.1f} ms, over {v1} round trips, and the network is the same as before. "
                "What you changed is how often the game looks.",
                median=median,
                v1=len(trips),
            )
        )
    return False, (
        worded(
            "The median is {median:.1f} ms, about what {v1:.0f} frames per second give. The ping rate does "
            "not matter, nor the port: what decides how long a ping waits?",
            median=median,
            v1=500 / median,
        )
    )


QUESTIONS: Final = {
    "02.1": Question(
        "At 60 frames per second, how long does a ping wait at most for the next frame (ms)?",
        number(
            (16.0, 17.0),
            "1,000 ms / 60 = 16.7 ms: the length of one frame. A ping that comes just after the game has read its "
            "packets waits for all of it.",
            unit="ms",
            wrong=(
                (
                    (8.0, 9.0),
                    "That is the wait on average: half a frame. What if a ping comes at the worst moment?",
                ),
                (60, "60 is the number of frames in a second. How long is one of them?"),
                ((33.0, 34.0), "That is a frame at 30 per second, or two at 60."),
                ((0.016, 0.017), "That is in seconds; this asks for milliseconds."),
                ((0, 2), "That is about the way itself, without any wait."),
            ),
            otherwise="How long is one frame, if there are 60 in a second?",
        ),
        ("The worst moment to arrive is just after the game has looked.", "1000 / 60"),
    ),
    "02.2": Question(
        "How many frames per second does the game in the sample udp-unknown-fps make?",
        number(
            48,
            "48 frames per second, each 20.8 ms long. You have measured inside a game that you cannot see.",
            unit="hz",
            within=0.02,
            wrong=(
                (
                    (9.5, 11.5),
                    (
                        "That is the median round trip in ms: half a frame. How long is a whole one, and how many of "
                        "them fit into a second?"
                    ),
                ),
                (
                    (19.5, 22.5),
                    "That looks like the length of a frame in ms. How many of them fit into a second?",
                ),
                (
                    24,
                    "Half of the truth: answers on a grid of 48 per second also fit one of 24. Take the finer one.",
                ),
                (96, "Twice the truth: half of your grid's lines are empty."),
                (
                    (90.0, 91.0),
                    "That is the rate of the pings: one every 11 ms. The game does not choose that.",
                ),
                (
                    60,
                    "That is a good guess for a game, but this one is set otherwise. Draw plot.frame_phase().",
                ),
                (
                    (25.0, 26.0),
                    "1,000 divided by the largest delay: one answer was a frame late. Ask plot.frame_phase().",
                ),
            ),
            otherwise="Draw plot.frame_phase() of the sample, or ask its findings(): they name the rate.",
        ),
        (
            "The largest usual delay is the length of a frame.",
            "gd.sample('udp-unknown-fps').plot.frame_phase()",
        ),
    ),
    "02.3": Question(
        "What median round trip do you expect at 30 frames per second (ms)?",
        number(
            (16.0, 18.0),
            "Half a frame, and a frame is 33.3 ms long: about 16.7 ms. Half the frames, twice the delay, same network.",
            unit="ms",
            wrong=(
                (
                    (32.0, 34.0),
                    "That is the largest wait: a whole frame. Half of the pings wait less than ...",
                ),
                (
                    (8.0, 9.5),
                    "That is the median at 60 frames per second. With half the frames, is it shorter?",
                ),
                ((4.0, 5.0), "Fewer frames make longer waits, not shorter ones."),
                (30, "30 is the number of frames in a second. How long is half of one?"),
            ),
            otherwise="A ping waits between nothing and a whole frame, any of it as likely. What is the middle?",
        ),
        ("How long is a frame at 30 per second? The median is in the middle of the possible waits.",),
    ),
    "02.4": Question(
        "From how many values on does gdlab show a 99 % percentile?",
        number(
            1000,
            "Of 1,000 values ten lie beyond it. With fewer, one hiccup of the computer decides the number.",
            wrong=(
                (
                    100,
                    "Of 100 values a single one lies beyond it: that is not a percentile, that is an accident.",
                ),
                (99, "99 is the percentage."),
                (20, "That is for the median, the 50 % percentile."),
                (10, "Ten is how many values must lie *beyond* the percentile. One in a hundred does."),
            ),
            otherwise="At least ten values have to lie beyond the percentile, and beyond 99 % lies one in a hundred.",
        ),
        ("Ten values have to lie beyond it.", "10 / (1 - 0.99)"),
    ),
    "02.5": Question(
        "Make a capture whose median round trip is clearly below that of a game at 60 frames per second.",
        _quick_capture,
        (
            "The network is not what delays the answers.",
            "gd.demo_game has an argument fps. Copy the cell that measures 60, and change that one number.",
        ),
    ),
}
