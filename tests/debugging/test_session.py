"""What the debugger's side of a link answers, without any socket."""

from __future__ import annotations

from gdlab.debugging import Reader, Session, Unreadable
from gdlab.debugging.messages import GameMessage
from gdlab.variant import dumps, loads

MONITORS = ["performance:profile_frame", 1, [1.0] * 59]


def frame(name: str, data: list[object], thread: int = 1) -> bytes:
    body = dumps([name, thread, data])
    return len(body).to_bytes(4, "little") + body


def asked(session: Session) -> list[tuple[str, int, list[object]]]:
    """The requests that would be sent now."""
    data, found = session.outgoing(), []
    while data:
        size = int.from_bytes(data[:4], "little")
        name, thread, values = loads(data[4 : 4 + size])
        found.append((name, thread, values))
        data = data[4 + size :]
    return found


def connected(**options: object) -> Session:
    session = Session(**options)  # type: ignore[arg-type]
    session.receive(frame("set_pid", [4711]), 0)
    return session


def test_every_break_is_answered_at_once_to_the_thread_it_names() -> None:
    session = connected()
    session.receive(frame("debug_enter", [False, "Invalid call", True, 12]), 5)
    assert [(name, thread) for name, thread, _ in asked(session)] == [
        ("get_stack_dump", 12),
        ("continue", 12),
    ]
    assert session.broken is not None
    session.receive(frame("debug_exit", []), 6)
    assert session.broken is None


def test_a_break_before_the_first_frame_is_answered_too() -> None:
    session = connected(profile=["frames"])
    session.receive(frame("debug_enter", [True, "Breakpoint Statement", False, 1]), 5)
    assert [name for name, _, _ in asked(session)] == ["continue"]


def test_a_held_break_waits_until_it_is_let_go() -> None:
    session = connected(breaks="hold")
    session.receive(frame("debug_enter", [True, "Breakpoint Statement", True, 1]), 5)
    assert "continue" not in [name for name, _, _ in asked(session)]
    assert session.broken is not None
    assert session.broken.since_ns == 5
    assert session.resume()
    assert [name for name, _, _ in asked(session)] == ["continue"]
    session.receive(frame("debug_exit", []), 9)
    assert not session.resume()


def test_a_game_that_stops_again_and_again_is_asked_not_to() -> None:
    session = connected()
    for number in range(8):
        session.receive(frame("debug_enter", [False, "again", False, 1]), number * 100_000_000)
        session.receive(frame("debug_exit", []), number * 100_000_000 + 1)
    names = [name for name, _, _ in asked(session)]
    assert names.count("continue") == 8
    assert names.count("set_ignore_error_breaks") == 1
    assert session.ignoring


def test_a_break_now_and_then_is_no_reason_to_ignore_them() -> None:
    session = connected()
    for number in range(20):
        session.receive(frame("debug_enter", [False, "rarely", False, 1]), number * 1_000_000_000)
        session.receive(frame("debug_exit", []), number * 1_000_000_000 + 1)
    assert not session.ignoring


def test_requests_wait_for_the_first_frame_as_the_game_would_drop_them() -> None:
    session = connected(profile=["frames", "rpcs"])
    session.ask("scene:request_scene_tree")
    assert asked(session) == []
    session.receive(frame(*_named(MONITORS)), 7)
    assert [(name, values) for name, _, values in asked(session)] == [
        ("profiler:servers", [True, [0, False]]),
        ("profiler:multiplayer:rpc", [True]),
        ("scene:request_scene_tree", []),
    ]


def _named(message: list[object]) -> tuple[str, list[object], int]:
    return str(message[0]), list(message[2]), 1  # type: ignore[call-overload]


def test_what_follows_a_call_is_marked_as_touched() -> None:
    session = connected()
    session.receive(frame(*_named(MONITORS)), 7)
    (before,) = session.receive(frame("gdlab:x", [1]), 8)
    session.ask("scene:live_node_call", [1, "jump"])
    (after,) = session.receive(frame("gdlab:x", [2]), 9)
    assert (before.touched, after.touched) == (False, True)


def test_looking_touches_nothing() -> None:
    session = connected()
    session.receive(frame(*_named(MONITORS)), 7)
    session.ask("scene:request_scene_tree")
    session.ask("scene:inspect_objects", [[1], False])
    session.ask("multiplayer:cache", [1])
    assert not session.touched


def test_a_recording_is_answered_nothing() -> None:
    session = Session(replayed=True, profile=["frames"])
    session.receive(frame("debug_enter", [False, "x", True, 1]), 1)
    session.receive(frame(*_named(MONITORS)), 7)
    assert session.outgoing() == b""


def test_bytes_that_are_no_variant_are_kept_with_the_reason() -> None:
    reader = Reader()
    found = reader.receive(b"\x04\x00\x00\x00\xff\xff\xff\x00" + frame("gdlab:x", [1]), 0)
    assert isinstance(found[0].message, Unreadable)
    assert "no Variant" in found[0].message.reason
    assert found[1].message == GameMessage("gdlab:x", (1,))
