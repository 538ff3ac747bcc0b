"""What the course consists of: its lessons in order, with what a teacher plans by."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import pandas as pd

from gdlab.words import language


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

    `asks` and `wants` give question and needs in a language.
    """

    number: str
    file: str
    question: str
    minutes: int
    needs: str

    def asks(self, language: str) -> str:
        """The question in a language, in English where it has none."""
        return _QUESTIONS.get(language, {}).get(self.number, self.question)

    def wants(self, language: str) -> str:
        """What has to be there, in a language, in English where it has none."""
        return _NEEDS.get(language, {}).get(self.needs, self.needs)


#: Every lesson has canned captures and scripted games, so none needs an engine or the internet.
_NOTHING: Final = "nothing"
_OWN_PORTS: Final = "loopback; a Godot 4 plays where one is found"
_RELAY: Final = "loopback; canned where a relay may not run"

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
        24,
        _OWN_PORTS,
    ),
    Lesson("06", "06-loss.ipynb", "A packet was sent and never arrived. Who lost it?", 24, _OWN_PORTS),
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
        24,
        _NOTHING,
    ),
    Lesson(
        "10",
        "10-five-networks.ipynb",
        "How bad a network can a game bear, and what must it do about the rest?",
        20,
        _OWN_PORTS,
    ),
    Lesson(
        "11",
        "11-who-lost-it.ipynb",
        "Something is wrong between a client and a server: where is it, what is it, and how much of it?",
        24,
        _RELAY,
    ),
    Lesson(
        "12", "12-clocks.ipynb", "How can two computers agree on the time, and how exactly?", 20, _NOTHING
    ),
    Lesson(
        "13", "13-playable.ipynb", "How do you make a game playable at 150 ms and 2 % loss?", 24, _NOTHING
    ),
)

_NEEDS: Final = {
    "zh": {
        _NOTHING: "什么都不需要",
        _OWN_PORTS: "本机回环；找到 Godot 4 就用它",
        _RELAY: "本机回环；不能运行中继时用现成的捕获",
    }
}
#: As in the first cells of `notebooks/zh`.
_QUESTIONS: Final = {
    "zh": {
        "00": "我的游戏此刻在说什么？",
        "01": "游戏实际发送了什么？一次应答的代价是什么？",
        "02": "延迟中有多少来自网络，有多少来自游戏？",
        "03": "一条消息到哪里结束？",
        "04": "你的游戏的一条消息占多少字节？它们都花在哪里？",
        "05": "WebSocket 给 TCP 加了什么？一个连接如何结束？",
        "06": "发出的数据包没有到达。是谁弄丢了它？",
        "07": "怎样把我看到的写进报告，让别人也能核对？",
        "08": "一次往返用了 100 毫秒而不是 10 毫秒：是网络，还是我的游戏？",
        "09": "我的多人游戏的带宽花在哪里？我的不可靠调用又去了哪里？",
        "10": "一个游戏能承受多差的网络？承受不了的部分又该怎么处理？",
        "11": "客户端和服务器之间出了问题：在哪里，是什么，有多少？",
        "12": "两台电脑怎样对时？能准到什么程度？",
        "13": "怎样让一个游戏在 150 毫秒延迟和 2 % 丢包下还能玩？",
    }
}


def lessons() -> pd.DataFrame:
    """List the lessons of the course, for those who plan it.

    Returns
    -------
    A DataFrame with a row per lesson and the columns `number`, `file` (the notebook), `question`, `minutes` (of a
    student, exercises included) and `needs` (besides gdlab; none needs an engine or the internet). Texts are in the
    language that `gdlab.language` has set.

    Examples
    --------
    ::

        gd.lessons().query("minutes <= 20")
    """
    chosen = language()
    rows = [asdict(one) | {"question": one.asks(chosen), "needs": one.wants(chosen)} for one in CONTENTS]
    return pd.DataFrame(rows)
