"""Questions on the first packet."""

from __future__ import annotations

from typing import Any, Final

from gdlab import clock
from gdlab.course.answers import NotUnderstood
from gdlab.course.questions import Question, choice, number
from gdlab.messages import Message, Peer, guess_kind
from gdlab.words import worded

_GREETING: Final = b"The answer is... 42!"


def _reply_rule(rule: Any) -> tuple[bool, str]:
    """Try a reply rule on the game's messages."""
    if not callable(rule):
        raise NotUnderstood("this asks for a function: give its name, without calling it")

    def answer_to(payload: bytes) -> Any:
        return rule(
            Message(
                clock.now_ns(),
                "udp://127.0.0.1:4242",
                Peer("127.0.0.1", 50_000),
                payload,
                kind=guess_kind(payload),
            )
        )

    for numbers, total in (((2, 3), 5), ((40, 2), 42), ((-7, 7), 0)):
        payload = f"{numbers[0]} + {numbers[1]}".encode()
        said = answer_to(payload)
        if said is None:
            return False, worded(
                "On {payload!r} your function returns nothing. Is there a `return` on every way?",
                payload=payload,
            )
        if isinstance(said, (int, float)) and said == total:
            return (
                False,
                worded(
                    "{said} is the right sum, but a number is no message: send it as text, with str() around it.",
                    said=said,
                ),
            )
        if said not in (str(total), str(total).encode()):
            return False, worded(
                "On {payload!r} the answer should be '{total}', and your function says {said!r}.",
                payload=payload,
                total=total,
                said=said,
            )
    for payload in (_GREETING, b"\xff\xfe"):
        said = answer_to(payload)
        if said is not None:
            return False, (
                worded(
                    "{payload!r} is no sum, and your function answers {said!r}. Return None for what needs no "
                    "answer: whoever answers everything may end up answering answers.",
                    payload=payload,
                    said=said,
                )
            )
    return True, "Your rule answers sums, and leaves alone what it does not understand. That is a protocol."


QUESTIONS: Final = {
    "01.1": Question(
        "How many times does the game greet?",
        number(
            4,
            "Four greetings: the game sends one in each frame, and reads its answer only in a later frame. "
            "Nothing was lost; it just did not know yet.",
            wrong=(
                (8, "That counts our answers, too: they have the direction `out`."),
                (
                    1,
                    "It says the same thing again until it has read an answer. Count the rows with this payload.",
                ),
                (3, "Nearly: count the first one, too."),
            ),
            otherwise="Count the rows whose payload is the greeting and whose direction is `in`.",
        ),
        (
            '`payload` holds bytes: compare it with b"The answer is... 42!".',
            'One way: (table.payload == b"The answer is... 42!").sum()',
        ),
    ),
    "01.2": Question(
        "How many bytes travel for one greeting, headers included?",
        number(
            48,
            "20 bytes of text, 8 of UDP header, 20 of IP header: more header than message. That is why games put "
            "several things into one packet.",
            unit="bytes",
            wrong=(
                (20, "That is the payload alone. What other column tells of bytes?"),
                (28, "That is the headers alone; the text travels, too."),
                (68, "That is the greeting over IPv6; 127.0.0.1 is IPv4."),
            ),
            otherwise="Look at the columns `size_bytes` and `wire_bytes` of the first row.",
        ),
        ("There are two columns with bytes in their name.", "table.wire_bytes.iloc[0]"),
    ),
    "01.3": Question(
        "The game sends to port 4242, and you listen on 4243. What does put_packet tell the game?",
        choice(
            ("a", "ok", "a ok", "nothing", "0"),
            "OK, every time. UDP hands the packet to the network and asks no more: nobody home is no error.",
            wrong=(
                (
                    ("b*", "connection refused", "refused", "error*"),
                    (
                        "The system may well learn that nobody listens, but put_packet goes on returning OK. (In "
                        "Godot 4.6 only get_available_packet_count shows it, as -1, after connect_to_host.)"
                    ),
                ),
                (
                    ("c*", "timeout", "a timeout"),
                    "A timeout needs somebody who waits for an answer; UDP does not wait.",
                ),
            ),
            otherwise="Answer with 'a', 'b' or 'c'.",
        ),
        ("UDP has no connection. Who could tell the game?",),
    ),
    "01.4": Question(
        "Write a reply rule that answers sums such as '2 + 3', and nothing else.",
        _reply_rule,
        (
            "message.text is the message as text. What does '2 + 3'.split(' + ') give?",
            "Split at ' + '; if that gives two parts, return str(int(a) + int(b)), else return None.",
        ),
    ),
}
