"""From the name and the values of a message to its typed record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from gdlab.debugging import messages as m
from gdlab.debugging.fields import Fields, OtherLayout

#: The editor's own business: kept, not taken apart.
_FOR_EDITOR: Final = frozenset(
    {
        "window:title",
        "request_quit",
        "filesystem:update_file",
        "visual:profile_frame",
        "game_view:get_screenshot",
        "show_selection_limit_warning",
        "remote_selection_invalidated",
        "remote_nothing_selected",
        "remote_objects_selected",
        "performance:profile_total",
    }
)


#: Paths repeat the names above them: a tree that is very deep would be far larger than its message.
MAX_PATH_CHARACTERS: Final = 64 * 2**20


def parse(name: str, data: Sequence[Any]) -> m.Message:
    """The record of a message.

    Parameters
    ----------
    name, data : the first and the last of the three values of every message.

    Returns
    -------
    A record of `gdlab.debugging.messages`; `GameMessage` for a name that is not the engine's, `Unreadable` for one that
    is and comes in another layout. Nothing is raised: what a game sends is data.
    """
    reader = _READERS.get(name)
    if reader is None:
        made = m.ForEditor if name in _FOR_EDITOR else m.GameMessage
        return made(name, tuple(data))
    try:
        return reader(Fields(data))
    except OtherLayout as error:
        return m.Unreadable(
            name, f"{name} in a layout that this version of gdlab does not know: {error}", tuple(data)
        )


def _output(fields: Fields) -> m.Message:
    texts, kinds = fields.texts(), fields.integers()
    if len(texts) != len(kinds):
        raise OtherLayout(f"{len(texts)} texts and {len(kinds)} kinds, where as many were expected")
    return m.Output(texts, kinds)


def _report(fields: Fields) -> m.Message:
    hours, minutes, seconds, milliseconds = (fields.integer() for _ in range(4))
    file, function, line = fields.text(), fields.text(), fields.integer()
    error, explanation, is_warning = fields.text(), fields.text(), fields.truth()
    stack = []
    for _ in range(fields.groups(3)):
        called_in, called, at = fields.text(), fields.text(), fields.integer()
        stack.append(m.Call(called_in, at, called))
    game_s = hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
    return m.Report(game_s, file, function, line, error, explanation, is_warning, tuple(stack))


def _monitors(fields: Fields) -> m.Message:
    values = [fields.any() for _ in range(fields.left)]
    return m.Monitors(
        tuple(float(v) if isinstance(v, int | float) and not isinstance(v, bool) else None for v in values)
    )


def _monitor_names(fields: Fields) -> m.Message:
    return m.MonitorNames(fields.texts(), fields.integers())


def _bandwidth(fields: Fields) -> m.Message:
    return m.Bandwidth(fields.integer(), fields.integer())


def _rpcs(fields: Fields) -> m.Message:
    return m.RpcCounts(
        tuple(
            m.RpcCount(fields.integer(), fields.text(), *(fields.integer() for _ in range(4)))
            for _ in range(fields.groups(6))
        )
    )


def _syncs(fields: Fields) -> m.Message:
    return m.SyncCounts(
        tuple(m.SyncCount(*(fields.integer() for _ in range(7))) for _ in range(fields.groups(7)))
    )


def _paths(fields: Fields) -> m.Message:
    if fields.left % 3:
        raise OtherLayout(f"{fields.left} values, where a multiple of 3 was expected")
    return m.Paths(
        tuple(m.ObjectPath(fields.integer(), fields.text(), fields.text()) for _ in range(fields.left // 3))
    )


def _profile(fields: Fields, *, is_total: bool) -> m.Message:
    frame = fields.integer()
    spent = [fields.number() for _ in range(5)]
    servers = []
    count = fields.integer()
    if not 0 <= count <= fields.left:
        raise OtherLayout(f"{count} servers announced, and {fields.left} values follow")
    for _ in range(count):
        name = fields.text()
        servers.append((name, tuple((fields.text(), fields.number()) for _ in range(fields.groups(2)))))
    functions = []
    for _ in range(fields.groups(5)):
        signature, calls = fields.integer(), fields.integer()
        functions.append((signature, calls, fields.number(), fields.number(), fields.number()))
    return m.FrameProfile(
        frame, spent[0], spent[1], spent[2], spent[3], spent[4], tuple(servers), tuple(functions), is_total
    )


def _signature(fields: Fields) -> m.Message:
    return m.FunctionName(fields.text(), fields.integer())


def _hardware(fields: Fields) -> m.Message:
    return m.Hardware(fields.text(), fields.text())


def _memory(fields: Fields) -> m.Message:
    return m.MemoryUsage(
        tuple(
            (fields.text(), fields.text(), fields.text(), fields.integer()) for _ in range(fields.groups(4))
        )
    )


def _tree(fields: Fields) -> m.Message:
    """Six values a node, depth first; the path is made of the names above."""
    if fields.left % 6:
        raise OtherLayout(f"{fields.left} values, where six a node were expected")
    nodes: list[m.Node] = []
    above: list[tuple[str, int]] = []  # path, and children that are still to come
    spelt = 0
    for _ in range(fields.left // 6):
        children, name, kind, object_id, scene_file, flags = (
            fields.integer(),
            fields.text(),
            fields.text(),
            fields.integer(),
            fields.text(),
            fields.integer(),
        )
        path = f"{above[-1][0] if above else ''}/{name}"
        spelt += len(path)
        if spelt > MAX_PATH_CHARACTERS:
            raise OtherLayout(f"the paths of its nodes have more than {MAX_PATH_CHARACTERS} characters")
        nodes.append(m.Node(path, name, kind, object_id, scene_file, flags, children))
        if above:
            above[-1] = (above[-1][0], above[-1][1] - 1)
        above.append((path, children))
        while above and above[-1][1] <= 0:
            above.pop()
    return m.SceneTree(tuple(nodes))


def _inspected(fields: Fields) -> m.Message:
    """A list of objects, or (`scene:inspect_object`) one that lies open."""
    if isinstance(fields.peek(), int):
        return m.Inspected((_object(fields),))
    return m.Inspected(tuple(_object(Fields(fields.array())) for _ in range(fields.left)))


def _object(fields: Fields) -> m.InspectedObject:
    object_id, class_name, properties = fields.integer(), fields.text(), fields.array()
    found = []
    for each in properties:
        if not isinstance(each, list | tuple):
            raise OtherLayout(f"a property is {type(each).__name__}, where Array was expected")
        inside = Fields(each)
        found.append(
            m.Property(
                inside.text(),
                inside.integer(),
                inside.integer(),
                inside.text(),
                inside.integer(),
                inside.any(),
            )
        )
    return m.InspectedObject(object_id, class_name, tuple(found))


def _enter(fields: Fields) -> m.Message:
    return m.BreakEnter(fields.truth(), fields.text(), fields.truth(), fields.integer())


def _dump(fields: Fields) -> m.Message:
    # Another order than in `error`.
    return m.StackDump(
        tuple(m.Call(fields.text(), fields.integer(), fields.text()) for _ in range(fields.groups(3)))
    )


def _variable(fields: Fields) -> m.Message:
    return m.Variable(fields.text(), fields.integer(), fields.integer(), fields.any())


def _evaluation(fields: Fields) -> m.Message:
    expression, _kind = fields.text(), fields.integer()
    return m.Evaluation(expression, fields.integer(), fields.any())


_READERS: Final[dict[str, Callable[[Fields], m.Message]]] = {
    "set_pid": lambda fields: m.ProcessId(fields.integer()),
    "output": _output,
    "error": _report,
    "performance:profile_frame": _monitors,
    "performance:profile_names": _monitor_names,
    "multiplayer:bandwidth": _bandwidth,
    "multiplayer:rpc": _rpcs,
    "multiplayer:syncs": _syncs,
    "multiplayer:cache": _paths,
    "servers:profile_frame": lambda fields: _profile(fields, is_total=False),
    "servers:profile_total": lambda fields: _profile(fields, is_total=True),
    "servers:function_signature": _signature,
    "visual:hardware_info": _hardware,
    "servers:memory_usage": _memory,
    "scene:scene_tree": _tree,
    "scene:inspect_objects": _inspected,
    "scene:inspect_object": _inspected,
    "debug_enter": _enter,
    "debug_exit": lambda _fields: m.BreakExit(),
    "stack_dump": _dump,
    "stack_frame_vars": lambda fields: m.VariableCount(fields.integer()),
    "stack_frame_var": _variable,
    "evaluation_return": _evaluation,
}
