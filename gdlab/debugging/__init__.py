"""The engine's debugger link without its socket: bytes to typed messages, and what is answered to them.

Every debug build of Godot speaks to a debugger when it is started with ``--remote-debug``. The protocol is the engine's
own and carries no version: what is read here is that of Godot 4.6 (``core/debugger``, ``scene/debugger``,
``modules/multiplayer``); messages of other names and other layouts are kept as they are, with the reason.

::

    reader = Reader()
    for received in reader.receive(chunk, now_ns):
        print(received.message)
"""

from gdlab.debugging.clock import EngineClock, Offset
from gdlab.debugging.messages import (
    Bandwidth,
    BreakEnter,
    BreakExit,
    Call,
    Evaluation,
    ForEditor,
    FrameProfile,
    FunctionName,
    GameMessage,
    Hardware,
    Inspected,
    InspectedObject,
    MemoryUsage,
    Message,
    MonitorNames,
    Monitors,
    Node,
    ObjectPath,
    Output,
    Paths,
    ProcessId,
    Property,
    Report,
    RpcCount,
    RpcCounts,
    SceneTree,
    StackDump,
    SyncCount,
    SyncCounts,
    Unreadable,
    Variable,
    VariableCount,
)
from gdlab.debugging.monitors import MONITORS
from gdlab.debugging.parse import parse
from gdlab.debugging.sending import PROFILERS, REFUSED, request
from gdlab.debugging.session import PEERS_LEAVE_S, TOUCHING, Breaks, Broken, Session
from gdlab.debugging.stream import MAX_FRAME_BYTES, Reader, Received

__all__ = [
    "MAX_FRAME_BYTES",
    "MONITORS",
    "PEERS_LEAVE_S",
    "PROFILERS",
    "REFUSED",
    "TOUCHING",
    "Bandwidth",
    "BreakEnter",
    "BreakExit",
    "Breaks",
    "Broken",
    "Call",
    "EngineClock",
    "Evaluation",
    "ForEditor",
    "FrameProfile",
    "FunctionName",
    "GameMessage",
    "Hardware",
    "Inspected",
    "InspectedObject",
    "MemoryUsage",
    "Message",
    "MonitorNames",
    "Monitors",
    "Node",
    "ObjectPath",
    "Offset",
    "Output",
    "Paths",
    "ProcessId",
    "Property",
    "Reader",
    "Received",
    "Report",
    "RpcCount",
    "RpcCounts",
    "SceneTree",
    "Session",
    "StackDump",
    "SyncCount",
    "SyncCounts",
    "Unreadable",
    "Variable",
    "VariableCount",
    "parse",
    "request",
]
