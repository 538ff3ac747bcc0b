"""Questions on clocks: what can be known of another one, and how exactly."""

from __future__ import annotations

from typing import Final

from gdlab.course.questions import Question, number

QUESTIONS: Final = {
    "12.1": Question(
        "How wide is the interval of the very first exchange (ms)?",
        number(
            (11.2, 11.4),
            "11.3 ms: the round trip of 11.3 ms, less the 0.04 ms that the game took to answer.",
            unit="ms",
            wrong=(
                ((11_200, 11_400), "That is in microseconds; this asks for milliseconds."),
                ((8.8, 9.1), "That is the mean of all. The first one alone?"),
                ((0.09, 0.11), "That is the narrowest of all. The first one?"),
            ),
            otherwise="Look at high - low: one width per exchange, in microseconds.",
        ),
        ("(high - low).iloc[0]", "(high - low).iloc[0] / 1000"),
    ),
    "12.2": Question(
        "By how many milliseconds is the average of all middles wrong?",
        number(
            (4.3, 4.5),
            "4.4 ms: half of the average wait for a frame. However many exchanges there are, it stays: what errs to "
            "one side only is not averaged away.",
            unit="ms",
            wrong=(
                ((-4.5, -4.3), "The size is right. Which of the two is larger?"),
                ((-0.06, 0.06), "That would be so if both ways took equally long. Calculate it."),
                ((8.8, 9.1), "That is the mean width. The middle lies half of it away."),
                ((4_300, 4_500), "That is in microseconds; this asks for milliseconds."),
                ((9.8, 10.0), "That is the one that is furthest off. And on average?"),
            ),
            otherwise="Look at middle - best: one error per exchange, in microseconds.",
        ),
        ("(middle - best).mean()", "(middle - best).mean() / 1000"),
    ),
    "12.3": Question(
        "How wide is the interval that lies in all intervals of udp-30fps (µs)?",
        number(
            (156, 158),
            "157 µs, although its exchanges take 17 ms on average: the fastest probe and the fastest answer tell it "
            "all.",
            wrong=(
                ((93, 95), "That is the game at 60 frames per second."),
                (
                    (159, 161),
                    "That is its narrowest single interval. The common one is a little narrower still.",
                ),
                (
                    (17_100, 17_300),
                    "That is the average width. The offset lies in all of them, so what do they have in common?",
                ),
                ((0.156, 0.158), "That is in milliseconds; this asks for microseconds."),
                (
                    (242, 245),
                    "That is twice `error_us`, which lets the clock drift. Take a fixed offset here.",
                ),
            ),
            otherwise="The lowest upper end less the highest lower end, of gd.sample('udp-30fps').",
        ),
        ("Run the first cells with gd.sample('udp-30fps').", "high.min() - low.max()"),
    ),
    "12.4": Question(
        "After how many seconds is an offset wrong by a millisecond, at 30 ppm?",
        number(
            (33, 34),
            "1,000 µs at 30 µs per second: 33 seconds. So an offset needs a date, and an error that grows.",
            unit="s",
            wrong=(
                (30, "30 ppm are 30 µs per second. How long until that is 1,000 µs?"),
                ((0.03, 0.034), "The other way round: how many seconds for 1,000 µs, at 30 µs per second?"),
                ((33_000, 34_000), "That would be a second of error. A millisecond is 1,000 µs."),
            ),
            otherwise="One ppm is one microsecond per second.",
        ),
        ("30 ppm are 30 microseconds per second.", "1000 / 30"),
    ),
}
