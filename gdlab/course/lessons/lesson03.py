"""Questions on TCP as a stream."""

from __future__ import annotations

from typing import Any, Final

from gdlab.course.answers import NotUnderstood
from gdlab.course.questions import Question, choice, number
from gdlab.words import worded

_MESSAGES: Final = (b"hi", b"", b"a longer message", b'{"x": 1}', bytes(range(256)) * 2)


def _unpacker(function: Any) -> tuple[bool, str]:
    """Try a function that takes messages out of a buffer: each has its length before it, 4 bytes, little-endian."""
    if not callable(function):
        raise NotUnderstood("this asks for a function: give its name, without calling it")
    stream = b"".join(len(message).to_bytes(4, "little") + message for message in _MESSAGES)

    def step(buffer: bytes) -> tuple[list[bytes], bytes]:
        found = function(buffer)
        if not isinstance(found, tuple) or len(found) != 2:
            raise NotUnderstood(
                "your function should return two things: a list of messages, and the bytes left over"
            )
        messages, rest = found
        return [bytes(message) for message in messages], bytes(rest)

    messages, rest = step(stream)
    if messages != list(_MESSAGES):
        if len(messages) == 1 and len(_MESSAGES) > 1:
            return (
                False,
                "Of five messages in one buffer it found one. Go on until the buffer holds no whole one.",
            )
        if messages and len(messages[0]) > len(_MESSAGES[0]):
            return False, (
                "The first message comes out too long. Do the 4 bytes of the length belong to the message? "
                "And which of them comes first (little-endian)?"
            )
        return False, worded(
            "Of a buffer with five whole messages it found {messages!r:.150}.", messages=messages
        )
    if rest:
        return False, worded(
            "All messages were whole, and still it says that {rest!r:.60} is left over.", rest=rest
        )
    messages, rest = [], b""
    for at in range(len(stream)):  # the worst that a network may do: one byte at a time
        new, rest = step(rest + stream[at : at + 1])
        messages += new
        if len(rest) > len(stream):
            return False, "The left-over bytes grow and grow."
    if messages != list(_MESSAGES) or rest:
        return False, (
            worded(
                "With everything in one buffer it works. When the bytes come one at a time it finds {v1} of "
                "{v2} messages. What has not come whole yet is left over, length and all.",
                v1=len(messages),
                v2=len(_MESSAGES),
            )
        )
    return True, "It finds every message, however the stream is cut. This is what put_var's reader does, too."


QUESTIONS: Final = {
    "03.1": Question(
        "How many reads of the sample tcp-no-framing held something other than exactly one message?",
        number(
            93,
            "93 of 200, nearly every second one. The game called put_data 300 times; the stream forgot.",
            wrong=(
                (107, "That is how many held exactly one message. The others are asked for."),
                (200, "That is the number of reads. How many of them does json.loads refuse?"),
                (202, "That counts the rows `open` and `close`, too, and all reads."),
                (95, "Nearly: rows of the events `open` and `close` are no reads."),
                (300, "That is how many messages were sent."),
                (100, "There are 100 reads fewer than messages, but some reads hold more than two."),
                (
                    0,
                    "Try json.loads on each payload: it raises a ValueError where there is more than one value.",
                ),
            ),
            otherwise="Count the payloads of event `message` on which json.loads raises a ValueError.",
        ),
        (
            "A read that holds two messages is no JSON: json.loads raises ValueError.",
            "Or look for b'}{' in the payloads: here no message was cut in two.",
        ),
    ),
    "03.2": Question(
        "What does TCP promise?",
        choice(
            ("b*", "order*", "the bytes in order"),
            "All bytes, in order, or an error. Where they are cut is chance: the sender's buffer, Nagle, the reader's "
            "timing.",
            wrong=(
                (("a*", "messages*"), "Look at the sample again: most messages came glued to others."),
                (
                    ("c*", "speed*"),
                    "It may wait for more to send (Nagle) and repeats what was lost: order costs time.",
                ),
            ),
            otherwise="Answer with 'a', 'b' or 'c'.",
        ),
        ("What was the same in all runs, and what changed from run to run?",),
    ),
    "03.3": Question(
        "How many bytes does StreamPeerTCP.put_var(42) put on the stream?",
        number(
            12,
            "4 bytes say how long the Variant is, 4 say that it is an int, 4 are the int.",
            unit="bytes",
            wrong=(
                (8, "That is the Variant: header and value. And where does it end? Something has to say so."),
                (4, "That is the int alone. Its type has to be told, and where it ends."),
                (
                    24,
                    "24 bytes is what a Variant takes in the engine's memory; it does not travel like that.",
                ),
                (16, "42 fits into 32 bits, so Godot writes 4 bytes for it and not 8."),
                (2, "That is 42 as text."),
            ),
            otherwise="A length, a header with the type, the value: each of them 4 bytes here.",
        ),
        ("len(dumps(42)) tells the Variant's share.", "And a stream needs a length before it."),
    ),
    "03.4": Question(
        "Write unpack(buffer), which returns the whole messages and what is left over.",
        _unpacker,
        (
            "int.from_bytes(buffer[:4], 'little') is the length of the first message.",
            "While there are 4 bytes and as many more as they say: cut the message off. Return what remains as it is.",
        ),
    ),
}
