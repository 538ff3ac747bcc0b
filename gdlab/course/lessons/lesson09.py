"""Questions about Godot's high-level multiplayer on the wire."""

from __future__ import annotations

from typing import Final

from gdlab.course.questions import Question, choice, number

QUESTIONS: Final = {
    "09.1": Question(
        "Which method takes the bandwidth of mp-hog?",
        choice(
            ("state", "world state", "world.state", "main/game/world.state"),
            "World.state: 95 % of the bytes of all calls, 120 of them with 240 bytes each.",
            wrong=(
                (
                    ("move", "player move", "player.move"),
                    "It is called two thirds as often, and each call is tiny. Look at the bytes.",
                ),
                (("chat", "game chat", "game.chat"), "Four calls. Which one has the widest bar?"),
                (("acknowledge*",), "That is ENet's own, and 2 %. Which method of the game?"),
            ),
            otherwise="Answer with the name of a method, as the table of summary() has it.",
        ),
        ("game.summary() has the largest first.",),
    ),
    "09.2": Question(
        "How many bytes does one move(...) call of 18 bytes take on the wire?",
        number(
            56,
            "56: the call has 18, ENet 10, UDP 8 and IP 20. The editor shows 18.",
            unit="bytes",
            wrong=(
                (18, "That is the call alone. It travels in a datagram."),
                (28, "With ENet's 10. UDP and IP are missing."),
                (46, "UDP and IP are in, ENet's 10 are missing."),
                (36, "With UDP's 8 and ENet's 10. IP has a header, too."),
            ),
            otherwise="game.explain(number) shows every layer, and calls.wire_bytes the sum.",
        ),
        ('calls[(calls.method == "move") & (calls["size"] == 18)].wire_bytes',),
    ),
    "09.3": Question(
        "How many calls of mp-throttle did the ENet of the two games throw away?",
        number(
            433,
            "433: 219 of the client, 214 of the server. They have a number and never left; the network lost none.",
            wrong=(
                (219, "That is the client's. The server has an ENet of its own."),
                (214, "That is the server's. The client has an ENet of its own."),
                (0, "That is what the network lost. Look at missing_before."),
                (811, "That is how many came out. How many numbers are missing between them?"),
                (1244, "That is how many were called."),
            ),
            otherwise="Add up the column missing_before of slow.losses().",
        ),
        ("losses() has a row for each side and mode; missing_before counts what never passed by.",),
    ),
    "09.4": Question(
        "The server of mp-late-joiner called only_server on Odd. What ran on the client?",
        choice(
            ("owners*", "odd owners", "odd.owners*"),
            "owners: number 1 in the client's list. A method travels as its place in the sorted list of names, and "
            "the two lists differ.",
            wrong=(
                (
                    ("only server", "only_server"),
                    "The client has no such method. What stands at its place in the list?",
                ),
                (("both",), "It is number 0 in both lists, and the only one that works."),
                (("zz only client", "zz_only_client"), "That is number 2. What runs when the server says 1?"),
                (
                    ("nothing", "none"),
                    "Something ran, and that is the trouble. Read the finding rpc-lists-differ.",
                ),
            ),
            otherwise="game.findings() names both lists.",
        ),
        ("Sort both lists. Which number has only_server, and who has that number on the other side?",),
    ),
}
