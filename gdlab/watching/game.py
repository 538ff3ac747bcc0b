"""One game that is watched: its link, and the rows of what it said."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gdlab import clock
from gdlab.debugging import (
    Bandwidth,
    BreakEnter,
    BreakExit,
    Breaks,
    ForEditor,
    FrameProfile,
    FunctionName,
    GameMessage,
    Inspected,
    InspectedObject,
    MonitorNames,
    Monitors,
    Output,
    Paths,
    ProcessId,
    Received,
    Report,
    RpcCounts,
    SceneTree,
    Session,
    StackDump,
    SyncCounts,
    Unreadable,
)
from gdlab.errors import DebuggerError, EndpointClosed
from gdlab.watching.polling import Polls
from gdlab.watching.reading import MAX_TEXT, GameFrame, PlaceMap, broke, printed, reported
from gdlab.watching.ring import Ring
from gdlab.watching.rows import (
    BandwidthRow,
    BreakRow,
    CostRow,
    CountRow,
    FrameRow,
    InspectedRow,
    LogRow,
    MessageRow,
    MonitorRow,
)

_MIB: Final = 2**20
#: Objects and functions whose names are remembered.
_MAX_NAMES: Final = 100_000

_IGNORING: Final = (
    "the game stopped again and again, so it has been asked not to stop any more: errors are still reported, "
    "breakpoints are not"
)
#: Usage of entries that are no properties: PROPERTY_USAGE_GROUP, _CATEGORY and _SUBGROUP.
_HEADINGS: Final = 64 | 128 | 256


@dataclass(frozen=True, slots=True)
class Expected:
    """What the one who started a process knows of it."""

    label: str
    place: PlaceMap | None = None
    project: Path | None = None


class WatchedGame:
    """One link, and what came over it.

    Attributes
    ----------
    label : the name in the tables' column `game`. peer : where it connected from.
    began_ns, ended_ns : of the link, UTC. why : it ended.
    """

    def __init__(
        self,
        label: str,
        peer: str,
        *,
        changed: threading.Condition,
        breaks: Breaks = "continue",
        profile: Sequence[str] = (),
        expected: Callable[[int], Expected | None] = lambda _pid: None,
        began_ns: int | None = None,
    ) -> None:
        self.label, self.peer = label, peer
        self.began_ns = clock.now_ns() if began_ns is None else began_ns
        self.ended_ns: int | None = None
        self.why = ""
        self.version = 0
        self.session = Session(breaks=breaks, profile=profile)
        self.log: Ring[LogRow] = Ring(200_000, 64 * _MIB)
        self.monitors: Ring[MonitorRow] = Ring(100_000, 256 * _MIB)
        self.frames: Ring[FrameRow] = Ring(1_000_000, 64 * _MIB)
        self.rpcs: Ring[CountRow] = Ring(300_000, 64 * _MIB)
        self.syncs: Ring[CountRow] = Ring(300_000, 64 * _MIB)
        self.bandwidth: Ring[BandwidthRow] = Ring(300_000, 64 * _MIB)
        self.messages: Ring[MessageRow] = Ring(200_000, 64 * _MIB)
        self.breaks: Ring[BreakRow] = Ring(10_000, 16 * _MIB)
        self.inspected: Ring[InspectedRow] = Ring(100_000, 128 * _MIB)
        self.costs: Ring[CostRow] = Ring(300_000, 64 * _MIB)
        self.raw: Ring[Received] = Ring(2_000_000, 128 * _MIB)
        #: Requests as they were sent: time, name, bytes.
        self.sent: Ring[tuple[int, str, bytes]] = Ring(200_000, 16 * _MIB)
        self.tree: tuple[int, SceneTree] | None = None
        self.custom: tuple[str, ...] = ()
        self.title = ""
        #: The folder it was started from, where that is known.
        self.project: Path | None = None
        self._expected = expected
        self._place: PlaceMap | None = None
        self._paths: dict[int, str] = {}
        self._functions: dict[int, str] = {}
        self._at: GameFrame = (None, 0)
        self.polls = Polls(self.session)
        self._changed = changed
        self._told_ignoring = False

    # ---- what the link's thread calls

    def receive(self, chunk: bytes, now_ns: int) -> None:
        """Take the bytes of one read."""
        with self._changed:
            for received in self.session.receive(chunk, now_ns):
                self.raw.append(received, received.size_bytes)
                self._take(received)
            self._note_sent(now_ns)
            self.version += 1
            self._changed.notify_all()
            if self.session.error is not None:
                raise self.session.error

    def outgoing(self) -> bytes:
        """What is to be sent."""
        with self._changed:
            self._note_sent(clock.now_ns())
            return self.session.outgoing()

    def tick(self, now_ns: int) -> float | None:
        """Ask for the properties that are due."""
        with self._changed:
            return self.polls.tick(now_ns) if self.session.ready else None

    def ended(self, now_ns: int, why: str) -> None:
        """The connection has ended."""
        with self._changed:
            try:
                self.session.end()
            except DebuggerError as error:
                why = f"{why}; {error}" if why else str(error)
            self.ended_ns, self.why = now_ns, why
            self._end_break(now_ns)
            if self.session.pid is None:
                text = f"a connection from {self.peer} was ended: {why or 'nothing was said'}"
            elif why:
                text = f"the link has ended: {why}"
            else:
                text = "the link has ended: the game quit or crashed (a crash looks the same from here)"
            self.note(now_ns, text)
            self.version += 1
            self._changed.notify_all()

    # ---- what others call

    @property
    def running(self) -> bool:
        """The link stands."""
        return self.ended_ns is None

    @property
    def pid(self) -> int | None:
        """The game's process id; None until it has sent it."""
        return self.session.pid

    @property
    def is_game(self) -> bool:
        """Whether it is a game at all, and not something else that connected."""
        return self.session.pid is not None

    def note(self, now_ns: int, text: str, kind: str = "link") -> None:
        """Add a row of our own to the log."""
        row = LogRow(
            now_ns,
            None,
            *self._at,
            kind,
            text[:MAX_TEXT],
            "",
            None,
            "",
            (),
            "",
            -1,
            self.session.touched,
        )
        self.log.append(row, len(row.text))
        self.version += 1

    def ask(self, name: str, data: Sequence[Any] = ()) -> None:
        """Send a request; the link is to be woken afterwards.

        Raises
        ------
        EndpointClosed : the link has ended. PermissionError, VariantEncodeError : see `gdlab.debugging.request`.
        """
        with self._changed:
            if not self.running:
                raise EndpointClosed(f"{self.label} cannot be asked: {self.why or 'its link has ended'}")
            self.session.ask(name, data)

    def resume(self) -> bool:
        """Let a game that stands in a break go on."""
        with self._changed:
            return self.session.resume()

    def poll(self, path: str, every_s: float | None) -> None:
        """Ask for the properties of a node so often; None ends it."""
        with self._changed:
            self.polls.ask_every(path, every_s)

    def name_yourself(self, expected: Expected) -> None:
        """Take the name of the process that was started."""
        self.label, self._place, self.project = expected.label, expected.place, expected.project

    # ---- messages

    def _take(self, received: Received) -> None:
        message = received.message
        now_ns, touched, cost = received.time_ns, received.touched, received.size_bytes
        match message:
            case FrameProfile(is_total=False):
                self._frame(received, message)
            case Output():
                for row in printed(received, message, self._at):
                    self.log.append(row, len(row.text) + 200)
            case Report():
                self.log.append(reported(received, message, self._at, self._place), cost)
            case Monitors():
                self.monitors.append(MonitorRow(now_ns, message.values, self.custom, touched), cost)
            case MonitorNames():
                self.custom = message.names
            case RpcCounts():
                for rpc in message.rows:
                    self._remember(rpc.object_id, rpc.path)
                    self.rpcs.append(CountRow(now_ns, *rpc, touched), 200)
            case SyncCounts():
                for sync in message.rows:
                    path = self._paths.get(sync.synchronizer_id, "")
                    self.syncs.append(CountRow(now_ns, sync.synchronizer_id, path, *sync[3:], touched), 200)
                self._ask_paths([sync.synchronizer_id for sync in message.rows])
            case Bandwidth():
                self.bandwidth.append(BandwidthRow(now_ns, message.in_bytes, message.out_bytes), 100)
            case BreakEnter():
                if self.session.ignoring and not self._told_ignoring:
                    self._told_ignoring = True
                    self.note(now_ns, _IGNORING)
                self.log.append(broke(received, message, self._at), cost)
                self._end_break(now_ns)
                self.breaks.append(BreakRow(now_ns, None, message.text, "", None, ""), cost)
            case BreakExit():
                self._end_break(now_ns)
            case StackDump():
                self._where(message)
            case SceneTree():
                self.tree = (now_ns, message)
                for node in message.nodes:
                    self._remember(node.object_id, node.path)
                self.polls.found_nodes(message)
            case Inspected():
                for each in message.objects:
                    self._inspected(received, each)
            case Paths():
                for known in message.rows:
                    self._remember(known.object_id, known.path)
            case FunctionName():
                if len(self._functions) < _MAX_NAMES:
                    self._functions[message.signature_id] = message.name
            case ProcessId():
                self._begin(now_ns, message.pid)
            case GameMessage() | Unreadable() | ForEditor():
                if message.name == "window:title" and isinstance(message, ForEditor):
                    self.title = str(message.data[0])[:200] if message.data else ""
                problem = message.reason if isinstance(message, Unreadable) else ""
                self.messages.append(
                    MessageRow(
                        now_ns,
                        self._at[0],
                        message.name,
                        message.data,
                        problem,
                        received.offset,
                        touched,
                    ),
                    cost,
                )
            case _:  # parts of a stopped game: kept raw
                pass

    def _begin(self, now_ns: int, pid: int) -> None:
        known = self._expected(pid)
        if known is not None:
            self.name_yourself(known)
        self.note(now_ns, f"{self.label} has connected, process {pid}")

    def _frame(self, received: Received, message: FrameProfile) -> None:
        self._at = (message.game_frame, received.time_ns)
        self.frames.append(
            FrameRow(
                received.time_ns,
                message.game_frame,
                message.frame_s,
                message.process_s,
                message.physics_s,
                message.script_s,
                received.touched,
            ),
            64,
        )
        for signature, calls, self_s, total_s, _internal in message.functions:
            name = self._functions.get(signature, f"function {signature}")
            self.costs.append(
                CostRow(received.time_ns, message.game_frame, name, calls, self_s, total_s), 200
            )

    def _where(self, message: StackDump) -> None:
        """A stack came in a break: the last break and its row of the log happened there."""
        last = self.breaks.newest()
        if not message.calls or last is None or last.ended_ns is not None or last.file:
            return
        calls = message.calls
        if self._place is not None:
            calls = tuple(
                call._replace(file=found[0], line=found[1])
                if (found := self._place(call.file, call.line)) is not None
                else call
                for call in calls
            )
        first = calls[0]
        self.breaks.replace_newest(last._replace(file=first.file, line=first.line, function=first.function))
        self.log.amend(
            lambda row: row.kind == "break",
            lambda row: row._replace(file=first.file, line=first.line, function=first.function, stack=calls),
        )

    def _end_break(self, now_ns: int) -> None:
        last = self.breaks.newest()
        if last is not None and last.ended_ns is None:
            self.breaks.replace_newest(last._replace(ended_ns=now_ns))
            stood_ms = (now_ns - last.began_ns) / 1e6
            self.note(now_ns, f"the game stood still for {stood_ms:.0f} ms", "continue")

    def _remember(self, object_id: int, path: str) -> None:
        if path and (object_id in self._paths or len(self._paths) < _MAX_NAMES):
            self._paths[object_id] = path

    def _ask_paths(self, ids: list[int]) -> None:
        """Ask once what the ids of synchronizers stand for."""
        unknown = [number for number in ids if number not in self._paths]
        for number in unknown:
            if len(self._paths) < _MAX_NAMES:
                self._paths[number] = ""
        if unknown and self.running:
            self.session.ask("multiplayer:cache", unknown)

    def path_of(self, object_id: int) -> str:
        """The path of an object, empty if it is not known."""
        return self._paths.get(object_id, "")

    # ---- polled variables

    def _inspected(self, received: Received, each: InspectedObject) -> None:
        values = {p.name: p.value for p in each.properties if not (p.type == 0 and p.usage & _HEADINGS)}
        path = str(values.get("Node/path", "")) or self._paths.get(each.object_id, "")
        self._remember(each.object_id, path)
        self.inspected.append(
            InspectedRow(received.time_ns, each.object_id, path, each.class_name, values, received.touched),
            received.size_bytes,
        )
        self.polls.answered(each.object_id)

    def _note_sent(self, now_ns: int) -> None:
        for name, body in self.session.sent():
            self.sent.append((now_ns, name, body), len(body))
