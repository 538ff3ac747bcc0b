"""Questions on networks: what a buffer can do, and what it cannot."""

from __future__ import annotations

from typing import Final

from gdlab.course.questions import Question, choice, number

QUESTIONS: Final = {
    "10.1": Question(
        "How large must the buffer be on congested, so that nothing comes too late (ms)?",
        number(
            100,
            "100 ms: the jitter of 50 ms makes delays from next to nothing to 100 ms, and the buffer has to hold the "
            "difference between the fastest and the slowest.",
            unit="ms",
            wrong=(
                (
                    50,
                    "That is the average delay, and half of what it varies by. At 50 ms two of three are missing.",
                ),
                (80, "Nearly: 78 of 483 are still late then. Where is `late` 0?"),
                (150, "That is enough, and more than is needed: each millisecond makes the world older."),
                ((30, 40), "That is what wifi or 4g-moving need."),
                ((0.09, 0.11), "In seconds. And in milliseconds?"),
            ),
            otherwise="Look for the first row of the table in which `late` is 0.",
        ),
        (
            'analysis.playout(rides["congested"].client, rides["congested"].server, seq="v.seq", buffers_ms=BUFFERS)',
            "The index of the first row whose `late` is 0.",
        ),
    ),
    "10.2": Question(
        "With a buffer of 20 ms on wifi: how many per cent of the updates are missing?",
        number(
            (17.5, 18.1),
            "17.8 %: 11 of 483 were lost, and 75 came too late to be drawn. Both look the same to a player.",
            unit="%",
            wrong=(
                ((2.2, 2.4), "Those were lost. With 20 ms many more come too late: `missing` counts both."),
                ((15.4, 15.7), "Those were late. The lost ones are missing, too."),
                ((0.17, 0.19), "That is the share; in per cent it is a hundred times that."),
                ((58, 60), "That is with a buffer of 10 ms."),
                (86, "That is how many. How many per cent is that of 483?"),
                ((53, 56), "That is 4g-moving. The question is about wifi."),
            ),
            otherwise="The column `missing` of wifi's table, in the row of 20 ms, in per cent.",
        ),
        (
            'analysis.playout(rides["wifi"].client, rides["wifi"].server, seq="v.seq", buffers_ms=[20])',
            "100 times `missing`.",
        ),
    ),
    "10.3": Question(
        "What does a larger buffer not help against?",
        choice(
            ("b*", "loss*"),
            "Loss: what never comes cannot be waited for. The curves end at the share that was lost.",
            wrong=(
                (("a*", "jitter*"), "That is what a buffer is for: it waits for the slow ones."),
                (("c*", "both*"), "Look at congested from 10 to 100 ms: fewer and fewer are late."),
                (
                    ("d*", "neither*", "none*"),
                    "Look at the right end of the curves: three of them do not come down to 0.",
                ),
            ),
            otherwise="Answer with 'a', 'b', 'c' or 'd'.",
        ),
        ("Which curves come down to 0, and which do not?",),
    ),
    "10.4": Question(
        "For how long did the longest wait for a repeat hold a message up (ms)?",
        number(
            (70.5, 71.5),
            "71 ms, more than four messages' time at 60 per second: all of them waited, and came at once.",
            unit="ms",
            wrong=(
                (
                    (100, 103),
                    "That is the whole way, with its 20 ms and the wait behind others. What is stall_ms?",
                ),
                ((19, 21), "That is what every message takes."),
                ((31, 33), "That is how long one was held behind others: hold_ms."),
                ((10.5, 11.5), "That is how many were sent again."),
                ((0.07, 0.072), "In seconds. And in milliseconds?"),
            ),
            otherwise="Look at truth.stall_ms.",
        ),
        ("truth.stall_ms.max()",),
    ),
}
