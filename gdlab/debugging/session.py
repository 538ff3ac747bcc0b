"""One game's link: what it said, and what is answered to it; without sockets, time is an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from gdlab.debugging.clock import EngineClock
from gdlab.debugging.messages import BreakEnter, BreakExit, Monitors, ProcessId, Report
from gdlab.debugging.sending import PROFILERS, request
from gdlab.debugging.stream import Reader, Received
from gdlab.errors import DebuggerError

#: What is done when the game stops at a breakpoint or an error.
Breaks = Literal["continue", "hold", "ignore"]

#: The peers of a game that stands still give it up after this long (seen: 5.0 and 6.6 s, ENet).
PEERS_LEAVE_S: Final = 5.0

#: A game that stops so often within so short a time is asked to stop no more. (The request that says so concerns
#: errors by its name, and in Godot 4.6.3 `breakpoint`, too.)
_MANY: Final = 6
_WITHIN_NS: Final = 2_000_000_000

#: Requests that change the game; what comes after one is marked.
TOUCHING: Final = (
    "scene:set_",
    "scene:live_node_call",
    "scene:live_node_prop",
    "scene:suspend_changed",
    "scene:next_frame",
    "scene:speed_changed",
    "evaluate",
    "break",
)

#: What the first message of a link may have at the most: it tells a game from anything else that connects.
_FIRST_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Broken:
    """A game that stands still.

    Attributes
    ----------
    since_ns : when the news came, UTC. text : why; empty if it was asked for.
    can_continue : as the engine says. thread : whom to answer.
    """

    since_ns: int
    text: str
    can_continue: bool
    thread: int


class Session:
    """The debugger's side of one link.

    Parameters
    ----------
    breaks : ``"continue"`` answers every break at once; ``"hold"`` leaves the game standing until `resume`;
        ``"ignore"`` asks it not to stop at all.
    profile : names of `PROFILERS` to switch on with the first game frame.
    replayed : the bytes are a recording: nothing is answered, and it may begin in the middle.
    """

    def __init__(
        self, *, breaks: Breaks = "continue", profile: Sequence[str] = (), replayed: bool = False
    ) -> None:
        self.breaks: Breaks = breaks
        self._replayed = replayed
        self.clock = EngineClock()
        self.broken: Broken | None = None
        self.pid: int | None = None
        #: The game has drawn its first frame: requests reach it from now on.
        self.ready = False
        #: Breaks that were answered, by `resume` or at once.
        self.continued = 0
        #: So many breaks came that the game was asked not to stop any more, neither at errors nor at breakpoints.
        self.ignoring = breaks == "ignore"
        self._recent_ns: deque[int] = deque(maxlen=_MANY)
        self._touched = False
        self._reader = Reader()
        self._begun = 0  # bytes received before the first message was complete
        self._waiting: list[tuple[str, tuple[Any, ...]]] = []
        self._out = bytearray()
        self._sent: list[tuple[str, bytes]] = []
        for name in profile:
            self.profile(name)
        if self.ignoring:
            self._put("set_ignore_error_breaks", [True])

    # ---- receiving

    @property
    def touched(self) -> bool:
        """Whether the notebook has changed something in the game."""
        return self._touched

    def receive(self, chunk: bytes, now_ns: int) -> list[Received]:
        """The messages that are complete with these bytes; answers are in `outgoing`.

        Raises
        ------
        DebuggerError : this is no game of Godot.
        """
        if self.pid is None:
            self._begun += len(chunk)
        found = self._reader.receive(chunk, now_ns)
        if self.pid is None and not self._replayed:
            if found and not isinstance(found[0].message, ProcessId):
                raise DebuggerError(
                    "what connected is not a game of Godot 4: its first message is not set_pid. Start the game with "
                    "--remote-debug and this address",
                    offset=0,
                )
            if not found and self._begun > _FIRST_BYTES:
                raise DebuggerError(
                    f"what connected is not a game of Godot 4: {self._begun} bytes came without the first message that "
                    "every game sends",
                    offset=0,
                )
        for each in found:
            self._take(each)
        return [each._replace(touched=True) for each in found] if self._touched else found

    def _take(self, received: Received) -> None:
        message = received.message
        if isinstance(message, Report):
            self.clock.observe(received.time_ns, message.game_s, prompt=self.ready and _is_prompt(message))
        elif isinstance(message, Monitors):
            if not self.ready:
                self.ready = True
                for name, data in self._waiting:
                    self._put(name, data)
                self._waiting.clear()
        elif isinstance(message, BreakEnter):
            self.broken = Broken(received.time_ns, message.text, message.can_continue, message.thread)
            if message.has_stack:  # the engine handles all requests that wait in one turn: this costs no time
                self._put("get_stack_dump", (), message.thread)
            if self.breaks != "hold":
                self._spare(received.time_ns)
                self._continue()
            elif message.has_stack:
                self._put("get_stack_frame_vars", (0,), message.thread)
        elif isinstance(message, BreakExit):
            self.broken = None
        elif isinstance(message, ProcessId) and self.pid is None:
            self.pid = message.pid

    @property
    def error(self) -> DebuggerError | None:
        """What broke the stream, once all that came before it has been taken."""
        return self._reader.error

    def mark_touched(self) -> None:
        """Something in the game was changed at this point of a recording."""
        self._touched = True

    def end(self) -> None:
        """The link has ended.

        Raises
        ------
        DebuggerError : in the middle of a message.
        """
        self.broken = None
        self._reader.end()

    # ---- sending

    def outgoing(self) -> bytes:
        """What is to be sent, once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def sent(self) -> list[tuple[str, bytes]]:
        """Names and bytes of the requests since the last call, for a recording."""
        sent, self._sent = self._sent, []
        return sent

    def ask(self, name: str, data: Sequence[Any] = ()) -> None:
        """Send a request; before the first game frame it waits, as the game would drop it.

        Raises
        ------
        PermissionError : it would replace the game's code or write a file. VariantEncodeError : see `request`.
        """
        request(name, data)  # what is wrong with it is told to the one who asks
        if not self.ready and self.broken is None and not self._replayed:
            self._waiting.append((name, tuple(data)))
        else:
            self._put(name, data, self.broken.thread if self.broken is not None else 1)

    def profile(self, name: str, *, on: bool = True) -> None:
        """Switch one of `PROFILERS` on or off.

        Raises
        ------
        ValueError : there is none of that name.
        """
        if name not in PROFILERS:
            raise ValueError(f"there is no profiler {name!r}; there are {', '.join(PROFILERS)}")
        for message, data in PROFILERS[name]:
            self.ask(message, data if on else (False,))

    def resume(self) -> bool:
        """Let a game that stands in a break go on; False if it does not stand."""
        if self.broken is None:
            return False
        self._continue()
        return True

    def _spare(self, now_ns: int) -> None:
        """Ask a game that stops again and again not to: each stop takes it a frame, as it polls every 10 ms then."""
        self._recent_ns.append(now_ns)
        if len(self._recent_ns) == _MANY and now_ns - self._recent_ns[0] < _WITHIN_NS and not self.ignoring:
            self.ignoring = True
            self._put("set_ignore_error_breaks", [True], self.broken.thread if self.broken else 1)

    def _continue(self) -> None:
        if self.broken is not None:
            self.continued += 1
            self._put("continue", (), self.broken.thread)

    def _put(self, name: str, data: Sequence[Any] = (), thread: int = 1) -> None:
        if self._replayed:
            return
        body = request(name, data, thread)
        if name.startswith(TOUCHING):
            self._touched = True
        self._sent.append((name, body))
        self._out += body


def _is_prompt(report: Report) -> bool:
    """Whether a report was raised by the game itself, in the frame at whose end it was sent."""
    if report.function == "GDScript::reload":  # while the game loaded
        return False
    return bool(report.stack) or report.file.startswith(("modules/multiplayer/", "scene/main/"))
