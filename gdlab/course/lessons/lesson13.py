"""The closing project: the game is judged, one demand after the other."""

from __future__ import annotations

from typing import Any, Final

from gdlab.course.answers import NotUnderstood
from gdlab.course.project import Playable
from gdlab.course.questions import Judge, Question
from gdlab.words import worded


def _within(names: tuple[str, ...], because: str) -> Judge:
    """A judge for some of a game's numbers."""

    def judge(answer: Any) -> tuple[bool, str]:
        if not isinstance(answer, Playable):
            raise NotUnderstood("this asks for what gd.course.playable(send, draw, seed=...) returned")
        over = [name for name in names if not answer.numbers.good[name]]
        if not over:
            return True, because
        row = answer.numbers.loc[over[0]]
        return False, (
            worded(
                "{v1}: {v2:.1f} {v3}, and at most {v4:g} are allowed. It counts {v5}.",
                v1=over[0].capitalize(),
                v2=row.value,
                v3=row.unit,
                v4=row.limit,
                v5=row.meaning,
            )
        )

    return judge


_LOOK: Final = "Run playable(...) again after each change, and look at one number at a time."

QUESTIONS: Final = {
    "13.1": Question(
        "Send at most 2,000 bytes per second, headers included.",
        _within(
            ("bandwidth",), "Fewer datagrams save most: each has 28 bytes of headers, whatever is in it."
        ),
        (
            "How often must a position be sent, if the screen fills in what lies between?",
            "if state['frame'] % 4: return None; and struct.pack('<Hff', ...) is shorter than JSON.",
        ),
    ),
    "13.2": Question(
        "Let every door open, once.",
        _within(
            ("lost doors", "wrong doors", "door delay"),
            "What must not be lost is said again until it must have arrived, and has a number, so that it counts once.",
        ),
        (
            "A datagram is lost with 2 %, two in a row with 0.04 %. What if each door is in several of them?",
            "Put the doors of the last quarter of a second into each datagram; draw keeps a set of those it opened.",
        ),
    ),
    "13.3": Question(
        "Draw the other player smoothly, and at most 200 ms late.",
        _within(
            ("jerks", "age"),
            "A buffer turned jitter into a little delay, and straight lines between two updates fill the frames.",
        ),
        (
            "Do not draw what came last: draw where the player was some time ago, between two updates that you have.",
            "at = now_ms - 180: take the last update before `at`, the first one after it, and the point between them.",
        ),
    ),
    "13.4": Question(
        "Make the game playable: all six numbers, with your own name as the seed.",
        _within(
            ("jerks", "age", "lost doors", "wrong doors", "door delay", "bandwidth"),
            "It is playable at 150 ms and 2 % loss. Few games that were made in a hurry are.",
        ),
        (_LOOK,),
    ),
}
