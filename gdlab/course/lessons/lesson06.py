"""Questions on loss: where packets die."""

from __future__ import annotations

import inspect
import time
from typing import Any, Final

from gdlab.course.answers import NotUnderstood
from gdlab.course.questions import Question, choice, number
from gdlab.peers import PacketPeerUDP, UDPServer
from gdlab.words import worded

_BURST: Final = 5
_FRAMES: Final = 4
_CALLS: Final = 2000
#: On Linux loopback has delivered when the send returns; elsewhere a moment later.
_ARRIVES_WITHIN_S: Final = 0.01


class _Endless(BaseException):
    """A frame that does not end. No Exception, so that an answer's own `except Exception` does not hold it up."""


class _Calls:
    """A budget of calls that a frame may make."""

    def __init__(self) -> None:
        self.left = _CALLS

    def count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _Endless


class _WatchedPeer:
    """A `PacketPeerUDP` that notes what is read from it."""

    def __init__(self, peer: PacketPeerUDP, calls: _Calls, got: list[bytes]) -> None:
        self._peer = peer
        self._calls = calls
        self._got = got

    def get_available_packet_count(self) -> int:
        self._calls.count()
        return self._peer.get_available_packet_count()

    def get_packet(self) -> bytes:
        self._calls.count()
        if self._peer.get_available_packet_count() > 0:
            self._got.append(self._peer.get_packet())
            return self._got[-1]
        return self._peer.get_packet()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._peer, name)


class _WatchedServer:
    """A `UDPServer` whose peers are watched. Who lets go of a watched peer lets go of the peer."""

    def __init__(self, server: UDPServer, calls: _Calls, got: list[bytes]) -> None:
        self._server = server
        self._calls = calls
        self._got = got
        self.polled = False

    def poll(self) -> Any:
        self._calls.count()
        self.polled = True
        return self._server.poll()

    def is_connection_available(self) -> bool:
        self._calls.count()
        return self._server.is_connection_available()

    def take_connection(self) -> _WatchedPeer | None:
        self._calls.count()
        peer = self._server.take_connection()
        return None if peer is None else _WatchedPeer(peer, self._calls, self._got)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)


def _mended(process: Any) -> tuple[bool, str]:
    """Let `process(server, peers)` play frames, with a burst before the first and another later."""
    if not callable(process):
        raise NotUnderstood("this asks for the function process: give its name, without calling it")
    try:
        inspect.signature(process).bind(None, [])
    except TypeError:
        raise NotUnderstood("the function takes two arguments: process(server, peers)") from None
    server, senders = UDPServer(), [PacketPeerUDP(), PacketPeerUDP()]
    calls, got, peers = _Calls(), list[bytes](), list[Any]()
    try:
        server.listen(0, "127.0.0.1")
        for sender in senders:
            sender.connect_to_host("127.0.0.1", server.get_local_port())
        watched = _WatchedServer(server, calls, got)
        for round_ in range(2):
            for n in range(_BURST):
                for who, sender in enumerate(senders):
                    sender.put_packet(f"{who} {round_} {n}".encode())
            time.sleep(_ARRIVES_WITHIN_S)
            for _ in range(_FRAMES):
                calls.left = _CALLS
                process(watched, peers)
    except _Endless:
        return False, (
            "A frame did not end: a loop goes round and round. A `while` that asks for the count has to fetch a packet "
            "each time, or the count stays what it is."
        )
    finally:
        server.stop()
        for sender in senders:
            sender.close()
    return _mended_verdict(len(got), 2 * _BURST * len(senders), watched, peers)


def _mended_verdict(read: int, sent: int, watched: _WatchedServer, peers: list[Any]) -> tuple[bool, str]:
    if read == sent:
        return True, worded(
            "All {sent} datagrams of two senders were read: peers are kept, queues are emptied.", sent=sent
        )
    if not watched.polled:
        return False, "It never calls server.poll(), and without that nothing is taken from the socket."
    if not peers:
        return False, (
            worded(
                "{read} of {sent} datagrams were read, and the list `peers` is empty at the end. Append each "
                "peer that take_connection() gives: one that nobody holds is forgotten, with what it still has.",
                read=read,
                sent=sent,
            )
        )
    return False, (
        worded(
            "The peers are kept, and {read} of {sent} datagrams were read. In each frame every peer has to "
            "be emptied, also those taken in an earlier frame: `while peer.get_available_packet_count() > "
            "0`.",
            read=read,
            sent=sent,
        )
    )


QUESTIONS: Final = {
    "06.1": Question(
        "How many of 300 datagrams did the tutorial's server read in the sample udp-one-a-frame?",
        number(
            91,
            "91 of 300. It reads at most one in a frame, 60 times per second; 200 per second were sent.",
            wrong=(
                (209, "That is how many were lost."),
                (300, "That is how many were sent: direction `out`."),
                (391, "That is all rows: those sent and those that came back."),
                ((89, 90), "Nearly: count every row with direction `in`."),
                (
                    (92, 96),
                    "Near: such a number varies from run to run. Count the rows with direction `in` of the sample.",
                ),
            ),
            otherwise="The server sends back what it has read: count the rows with direction `in`.",
        ),
        ("What the server has read comes back: direction `in`.",),
    ),
    "06.2": Question(
        "Where did the other 209 die?",
        choice(
            ("d*", "program", "in the program", "the program*", "script*", "the script"),
            "In the program: it lets go of its peer at the end of each frame, and what waited in there goes with it. "
            "No buffer was full, no network was involved.",
            wrong=(
                (
                    ("a*", "network*", "the network", "path*", "the path"),
                    "127.0.0.1 has no cable. Nothing is lost there.",
                ),
                (
                    ("b*", "kernel*", "the kernel*"),
                    (
                        "A possible place, but the kernel counts what it drops, and it counted 0 here: see "
                        'provenance["sample"]["truth"].'
                    ),
                ),
                (
                    ("c*", "ring*", "the ring*", "queue*", "godot s queue"),
                    "Near! Godot had fetched them into the peer's queue, and it was not full. Who threw it away?",
                ),
            ),
            otherwise="Answer with 'a', 'b', 'c' or 'd'.",
        ),
        ("Which variable holds the peer, and how long does it live?",),
    ),
    "06.3": Question(
        "Write process(server, peers), so that nothing is lost.",
        _mended,
        (
            "First server.poll(). Then take every new peer, and append it to `peers`.",
            "Then, for each of `peers`: while peer.get_available_packet_count() > 0: peer.get_packet()",
        ),
    ),
    "06.4": Question(
        "Where did the missing datagrams of the sample udp-ring-full die?",
        choice(
            ("c*", "ring*", "the ring*", "queue*", "godot s queue", "in godot s queue", "godot s ring"),
            "In Godot's queue: 65,536 bytes per peer, and each datagram takes its size and 24 more. 63 of 1,000 bytes "
            "fit. Neither Python nor the script is told.",
            wrong=(
                (("a*", "network*", "the network"), "127.0.0.1 has no cable."),
                (
                    ("b*", "kernel*", "the kernel*"),
                    "That was udp-kernel-full. Here the kernel's counter stayed at 0: it delivered all 88.",
                ),
                (
                    ("d*", "program*", "the program*", "script*"),
                    "The program is the mended one: it keeps its peers and empties them.",
                ),
            ),
            otherwise="Answer with 'a', 'b', 'c' or 'd'.",
        ),
        (
            "The kernel's counter is in provenance['sample']['truth']. And the program is the mended one.",
            "How many came back? And how many bytes is that, with 24 more for each?",
        ),
    ),
    "06.5": Question(
        "What share of the messages did the path of the sample udp-lossy-path lose (%)?",
        number(
            (6.75, 6.95),
            "41 of 600, 6.8 %. Duplicates make up for nothing, and what comes late is not lost.",
            unit="%",
            wrong=(
                (
                    (5.4, 5.6),
                    "33 of 600: that is 600 less the rows. But 8 of the rows came twice, and stand for nobody else.",
                ),
                (
                    (8.4, 8.6),
                    "That counts the 10 that were overtaken: they came, only later than the next one.",
                ),
                ((0.067, 0.07), "That is the share; in per cent it is a hundred times that."),
                ((41, 41), "That is how many. What share is that of 600?"),
                ((5.0, 5.0), "That is what was asked of the path; chance gave a little more. Count."),
            ),
            otherwise="Count the numbers that never came: analysis.sequence(table) does it.",
        ),
        ("analysis.sequence(table) has the columns `lost` and `expected`.",),
    ),
}
