"""What the course consists of: its lessons in order, with what a teacher plans by."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import pandas as pd


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson.

    Attributes
    ----------
    number : as in its file and its questions, such as ``"02"``.
    file : the notebook.
    question : what those who have done it can answer.
    minutes : how long it takes a student, exercises included.
    needs : what has to be there besides gdlab.
    """

    number: str
    file: str
    question: str
    minutes: int
    needs: str


#: Every lesson has canned captures and scripted games, so none needs an engine or the internet.
_NOTHING: Final = "nothing"
_OWN_PORTS: Final = "loopback; a Godot 4 plays where one is found"

#: The one list of lessons: the notebooks' first cells and the teacher's pages are tested against it.
CONTENTS: Final = (
    Lesson("00", "00-dashboard.ipynb", "What does my game say right now?", 5, _OWN_PORTS),
    Lesson(
        "01",
        "01-first-packet.ipynb",
        "What does a game really send, and what does an answer cost?",
        15,
        _OWN_PORTS,
    ),
    Lesson(
        "02",
        "02-latency-and-frames.ipynb",
        "How much of the delay is the network, and how much is the game?",
        20,
        _OWN_PORTS,
    ),
    Lesson("03", "03-tcp-is-a-stream.ipynb", "Where does a message end?", 20, _OWN_PORTS),
    Lesson(
        "04",
        "04-variant-sizes.ipynb",
        "How many bytes does a message of your game take, and where do they go?",
        20,
        _NOTHING,
    ),
    Lesson(
        "05",
        "05-websocket.ipynb",
        "What does WebSocket add to TCP, and how does a connection end?",
        25,
        _OWN_PORTS,
    ),
    Lesson("06", "06-loss.ipynb", "A packet was sent and never arrived. Who lost it?", 25, _OWN_PORTS),
    Lesson(
        "07",
        "07-capture-to-report.ipynb",
        "How do I get what I saw into my report, so that somebody else can check it?",
        20,
        _OWN_PORTS,
    ),
    Lesson(
        "08",
        "08-what-the-game-does.ipynb",
        "A round trip takes 100 ms instead of 10: was it the network, or my game?",
        20,
        _NOTHING,
    ),
    Lesson(
        "09",
        "09-multiplayer.ipynb",
        "Where does the bandwidth of my multiplayer game go, and where do my unreliable calls?",
        30,
        _NOTHING,
    ),
    Lesson(
        "10",
        "10-five-networks.ipynb",
        "How much network does a game bear, and what must it do about the rest?",
        20,
        _OWN_PORTS,
    ),
    Lesson(
        "11",
        "11-who-lost-it.ipynb",
        "Something is wrong between a client and a server: where is it, what is it, and how much of it?",
        24,
        "loopback; canned where a relay may not run",
    ),
)


def lessons() -> pd.DataFrame:
    """List the lessons of the course, for those who plan it.

    Returns
    -------
    A DataFrame with a row per lesson and the columns `number`, `file` (the notebook), `question`, `minutes` (of a
    student, exercises included) and `needs` (besides gdlab; none needs an engine or the internet).

    Examples
    --------
    ::

        gd.lessons().query("minutes <= 20")
    """
    return pd.DataFrame([asdict(lesson) for lesson in CONTENTS])
