"""What a game tells its debugger, as typed records.

Layouts are those of Godot 4.6.3; the names in the docstrings are those on the wire. Times are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias


class Call(NamedTuple):
    """One call of a GDScript stack; the most recent one comes first."""

    file: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class ProcessId:
    """``set_pid``: the first message of every game."""

    pid: int


@dataclass(frozen=True, slots=True)
class Output:
    """``output``: what the game printed in a frame.

    Attributes
    ----------
    texts : consecutive plain prints are joined by line feeds into one text.
    kinds : of each text: 0 print, 1 printerr, 2 print_rich (and plain prints that stood before one in the same frame).
    """

    texts: tuple[str, ...]
    kinds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """``error``: an error or a warning.

    Attributes
    ----------
    game_s : since the engine was started, in whole milliseconds.
    file, function, line : where it was raised; of `push_error` and errors of the engine that is a place in the engine.
    error, explanation : the condition that failed, and words for people, which may be empty.
    is_warning : a warning, not an error.
    stack : the calls of GDScript that led there; empty for what is raised while the network is polled.
    """

    game_s: float
    file: str
    function: str
    line: int
    error: str
    explanation: str
    is_warning: bool
    stack: tuple[Call, ...]

    @property
    def text(self) -> str:
        """What to show."""
        return self.explanation or self.error


@dataclass(frozen=True, slots=True)
class Monitors:
    """``performance:profile_frame``: once per second; the engine's monitors, then the custom ones (None: no number)."""

    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class MonitorNames:
    """``performance:profile_names``: of the custom monitors, when they change."""

    names: tuple[str, ...]
    types: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """``multiplayer:bandwidth``: bytes of SceneMultiplayer's packets in the last second."""

    in_bytes: int
    out_bytes: int


class RpcCount(NamedTuple):
    """Remote calls of one node since the last message; one `rpc()` to many peers counts once."""

    object_id: int
    path: str
    calls_in: int
    bytes_in: int
    calls_out: int
    bytes_out: int


@dataclass(frozen=True, slots=True)
class RpcCounts:
    """``multiplayer:rpc``: every tenth of a second."""

    rows: tuple[RpcCount, ...]


class SyncCount(NamedTuple):
    """Synchronisations of one MultiplayerSynchronizer since the last message; on-change traffic is not counted."""

    synchronizer_id: int
    config_id: int
    root_id: int
    syncs_in: int
    bytes_in: int
    syncs_out: int
    bytes_out: int


@dataclass(frozen=True, slots=True)
class SyncCounts:
    """``multiplayer:syncs``: every tenth of a second."""

    rows: tuple[SyncCount, ...]


class ObjectPath(NamedTuple):
    """What an object's id stands for."""

    object_id: int
    class_name: str
    path: str


@dataclass(frozen=True, slots=True)
class Paths:
    """``multiplayer:cache``: the answer to a question for ids."""

    rows: tuple[ObjectPath, ...]


@dataclass(frozen=True, slots=True)
class FrameProfile:
    """``servers:profile_frame`` and, with `is_total`, ``servers:profile_total``.

    Attributes
    ----------
    game_frame : `Engine.get_process_frames()` of the game frame that has just ended.
    frame_s, process_s, physics_s : busy time; a game that sleeps until its next frame is not busy.
    physics_step_s : the fixed step of physics. script_s : spent in GDScript.
    servers : name, then (function, seconds) pairs.
    functions : (signature id, calls, self, total, internal seconds) of the costliest functions, if asked for.
    """

    game_frame: int
    frame_s: float
    process_s: float
    physics_s: float
    physics_step_s: float
    script_s: float
    servers: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]
    functions: tuple[tuple[int, int, float, float, float], ...]
    is_total: bool


@dataclass(frozen=True, slots=True)
class FunctionName:
    """``servers:function_signature``: ``res://file.gd::LINE::function`` of a signature id, before its first use."""

    name: str
    signature_id: int


@dataclass(frozen=True, slots=True)
class Hardware:
    """``visual:hardware_info``."""

    cpu: str
    gpu: str


@dataclass(frozen=True, slots=True)
class MemoryUsage:
    """``servers:memory_usage``: (path, format, type, bytes) of what lies in video memory."""

    rows: tuple[tuple[str, str, str, int], ...]


class Node(NamedTuple):
    """A node of the scene tree.

    Attributes
    ----------
    path : from the root, such as ``/root/Main/Player``.
    kind : the script's path, else its class_name, else the engine's class.
    scene_file : the scene it was made from, empty inside of one.
    """

    path: str
    name: str
    kind: str
    object_id: int
    scene_file: str
    view_flags: int
    children: int


@dataclass(frozen=True, slots=True)
class SceneTree:
    """``scene:scene_tree``: all nodes, depth first."""

    nodes: tuple[Node, ...]


class Property(NamedTuple):
    """A property as the inspector lists it; `type` 0 with no value is a heading."""

    name: str
    type: int
    hint: int
    hint_text: str
    usage: int
    value: Any


@dataclass(frozen=True, slots=True)
class InspectedObject:
    """One object with its properties."""

    object_id: int
    class_name: str
    properties: tuple[Property, ...]


@dataclass(frozen=True, slots=True)
class Inspected:
    """``scene:inspect_objects`` and its older forms."""

    objects: tuple[InspectedObject, ...]


@dataclass(frozen=True, slots=True)
class BreakEnter:
    """``debug_enter``: the whole game stands still until it is told to go on.

    Attributes
    ----------
    can_continue : False after an error of a script: it goes on all the same, but leaves the function.
    text : why; empty if the debugger asked for it.
    thread : which thread the answer must be for.
    """

    can_continue: bool
    text: str
    has_stack: bool
    thread: int


@dataclass(frozen=True, slots=True)
class BreakExit:
    """``debug_exit``: the game goes on."""


@dataclass(frozen=True, slots=True)
class StackDump:
    """``stack_dump``: where a game in a break stands."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class VariableCount:
    """``stack_frame_vars``: how many ``stack_frame_var`` follow."""

    count: int


@dataclass(frozen=True, slots=True)
class Variable:
    """``stack_frame_var``; `kind` is 0 for a local, 1 for a member, 2 for a global."""

    name: str
    kind: int
    type: int
    value: Any


@dataclass(frozen=True, slots=True)
class Evaluation:
    """``evaluation_return``."""

    expression: str
    type: int
    value: Any


@dataclass(frozen=True, slots=True)
class ForEditor:
    """What only an editor has a use for, such as ``window:title``."""

    name: str
    data: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class GameMessage:
    """What the game sent itself by `EngineDebugger.send_message`, or an engine of another version; any name."""

    name: str
    data: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What could not be read: bytes that are no Variant, or a known name with another layout.

    Attributes
    ----------
    name : empty where even that could not be read.
    reason : what was found and what was expected.
    data : the values, if they could be read.
    """

    name: str
    reason: str
    data: tuple[Any, ...] = ()


Message: TypeAlias = (
    ProcessId
    | Output
    | Report
    | Monitors
    | MonitorNames
    | Bandwidth
    | RpcCounts
    | SyncCounts
    | Paths
    | FrameProfile
    | FunctionName
    | Hardware
    | MemoryUsage
    | SceneTree
    | Inspected
    | BreakEnter
    | BreakExit
    | StackDump
    | VariableCount
    | Variable
    | Evaluation
    | ForEditor
    | GameMessage
    | Unreadable
)
