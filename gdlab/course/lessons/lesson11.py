"""Questions on hidden faults: where, what, and how much."""

from __future__ import annotations

from typing import Final

from gdlab.course.faults import PLACES
from gdlab.course.questions import Question, choice, number

QUESTIONS: Final = {
    "11.1": Question(
        "How many of the 600 messages of `other` did the server get?",
        number(
            600,
            "All 600. The way up is healthy, whatever the client misses.",
            wrong=(
                (568, "That is how many it answered, or how many answers came back. What came in?"),
                (32, "That is how many answers are missing."),
                (1168, "That is all rows of its capture: those that came in and those that went out."),
                (522, "That is the first mystery, m. The question is about `other`."),
            ),
            otherwise="Count the rows of other.server with direction `in`.",
        ),
        ("other.server.df.direction.value_counts()",),
    ),
    "11.2": Question(
        "Where is the fault of `other`?",
        choice(
            ("b", "b *", *PLACES["server"][:4]),
            "In the server: 600 came in, 568 went out, and all of those came back. No network lost anything.",
            wrong=(
                (("a", "a *", *PLACES["up"]), "All 600 came to the server: nothing is wrong on the way up."),
                (
                    ("c", "c *", *PLACES["down"]),
                    "That is the trap: answers are missing, but 568 set out and 568 came back.",
                ),
                (("network*", "the network*"), "Which part of it? Each lets through all that it is given."),
            ),
            otherwise="Answer with 'a', 'b' or 'c', or with the place's name.",
        ),
        (
            'analysis.where_lost(other.client, other.client, relay=other.server, seq="v.n")',
            "The row with losses. `relay` stands for the server here.",
        ),
    ),
    "11.3": Question(
        "What share of the messages is missing there (%)?",
        number(
            (5.25, 5.45),
            "32 of 600, 5.3 %. Set were 6 %: chance took a little less.",
            unit="%",
            wrong=(
                (32, "That is how many. How many per cent is that of 600?"),
                ((0.052, 0.055), "That is the share; in per cent it is a hundred times that."),
                ((94, 95), "That is what arrived. What is missing?"),
                ((5.6, 5.7), "32 of the 568 that came back. Of how many that came to the server?"),
                ((12.5, 13.5), "That is the first mystery, m."),
                (6, "That is what was set, and a good guess. What do the captures show?"),
            ),
            otherwise="The column `loss` of where_lost, in the row of the server, in per cent.",
        ),
        ("100 * 32 / 600",),
    ),
    "11.4": Question(
        "What can not be had by subtracting where the two captures have no common clock?",
        choice(
            ("b*", "one way delay*", "the one way delay*", "delay*", "the delay*"),
            "The one-way delay: the difference of two clocks' times is the delay and the difference of the clocks.",
            wrong=(
                (
                    ("a*", "lost*", "the number of lost*"),
                    "Numbers are compared, no times: that works anywhere.",
                ),
                (("c*", "twice*", "duplicates*"), "They are counted in one capture, without any clock."),
            ),
            otherwise="Answer with 'a', 'b' or 'c'.",
        ),
        ("Which of them subtracts a time of one computer from one of another?",),
    ),
}
