"""Bytes of a link become typed messages; what is no link ends in the named error."""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest

from gdlab.debugging import (
    MONITORS,
    BreakEnter,
    EngineClock,
    FrameProfile,
    GameMessage,
    Inspected,
    Monitors,
    Output,
    Reader,
    Received,
    Report,
    RpcCounts,
    SceneTree,
    Session,
    StackDump,
    Unreadable,
    parse,
    request,
)
from gdlab.errors import DebuggerError
from gdlab.variant import dumps
from tests import recorded_links as links

#: The same hundred thousand that were looked at once, where the time is given; a part of them each day.
MUTATIONS = 100_000 if os.environ.get("GDLAB_EXPLORE") == "1" else 15_000


def read(name: str, who: str = "game") -> list[Received]:
    reader = Reader()
    found = [each for chunk, now_ns in links.pieces(name, who) for each in reader.receive(chunk, now_ns)]
    reader.end()
    return found


def frame(value: object) -> bytes:
    body = dumps(value)
    return len(body).to_bytes(4, "little") + body


@pytest.mark.parametrize(("name", "who"), links.links())
def test_every_message_of_the_engine_is_read_and_none_is_lost(name: str, who: str) -> None:
    found = read(name, who)
    assert sum(each.size_bytes for each in found) == len(links.stream(name, who))
    assert len(found) == len(links.frames(name, who))
    assert not [each.message for each in found if isinstance(each.message, Unreadable)]


def test_a_stream_is_read_the_same_whole_and_byte_by_byte() -> None:
    data = links.stream("debug_break")
    whole = Reader().receive(data, 0)
    reader = Reader()
    singly = [each for at in range(len(data)) for each in reader.receive(data[at : at + 1], 0)]
    assert [(each.offset, each.size_bytes, each.frame) for each in whole] == [
        (each.offset, each.size_bytes, each.frame) for each in singly
    ]
    assert repr([each.message for each in whole]) == repr([each.message for each in singly])


@pytest.mark.slow
def test_a_stream_that_is_cut_in_a_message_ends_in_the_named_error() -> None:
    data = links.stream("debug_break")
    ends = {0}
    for each in links.frames("debug_break"):
        ends.add(max(ends) + len(each))
    for cut in range(1, len(data), 41):
        reader = Reader()
        reader.receive(data[:cut], 0)
        if cut in ends:
            reader.end()
        else:
            with pytest.raises(DebuggerError, match="middle of a message"):
                reader.end()


@pytest.mark.slow
def test_mutated_messages_raise_nothing_but_the_named_error() -> None:
    chosen = random.Random(7)
    every = [each for name, who in links.links() for each in links.frames(name, who) if len(each) < 700]
    kinds = {bytes(each[4:40]): each for each in every}  # one of each name and about each size
    samples = sorted(kinds.values())
    outcomes: Counter[str] = Counter()
    hello = frame(["set_pid", 1, [7]])
    session = Session()
    session.receive(hello, 0)
    for _ in range(MUTATIONS):
        data = bytearray(chosen.choice(samples))
        for _ in range(chosen.randint(1, 3)):
            data[chosen.randrange(len(data))] = chosen.randrange(256)
        try:
            found = session.receive(bytes(data), 1)
            outcomes["unreadable" if any(isinstance(e.message, Unreadable) for e in found) else "read"] += 1
        except DebuggerError:
            outcomes["ended"] += 1
        if outcomes["ended"] or session.broken or int.from_bytes(data[:4], "little") != len(data) - 4:
            # The length was hit: what follows would be read from the middle of a message.
            session = Session()
            session.receive(hello, 0)
            outcomes["begun anew"] += 1
            outcomes["ended total"] += outcomes.pop("ended", 0)
        session.outgoing()
        session.sent()
    assert outcomes["unreadable"] > MUTATIONS / 100
    assert outcomes["read"] > MUTATIONS / 100
    assert outcomes["ended total"] > MUTATIONS / 1000


def test_a_frame_over_the_limit_is_passed_over_and_counted() -> None:
    reader = Reader(max_frame_bytes=1000)
    found = reader.receive(frame(["gdlab:huge", 1, [bytes(2000)]]) + frame(["gdlab:small", 1, [1]]), 0)
    names = [each.message.name for each in found if isinstance(each.message, GameMessage)]
    assert names == ["gdlab:small"]
    assert "limit" in next(each.message.reason for each in found if isinstance(each.message, Unreadable))
    assert reader.unreadable >= 1


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 64, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 9],
    ids=["http", "ff", "tls"],
)
def test_what_is_no_game_is_told_from_one(garbage: bytes) -> None:
    session = Session()
    with pytest.raises(DebuggerError, match="Godot"):
        session.receive(garbage + bytes(5000), 0)


def test_a_variant_that_is_no_message_is_no_game() -> None:
    with pytest.raises(DebuggerError, match="set_pid"):
        Session().receive(frame({"seq": 1}), 0)


def test_objects_are_never_decoded() -> None:
    whole = b"\x18\x00\x00\x00" + b"\x04\x00\x00\x00Node" + bytes(4)  # an object sent with its class
    body = dumps(["gdlab:x", 1, [0]])[:-8] + whole
    (found,) = Reader().receive(len(body).to_bytes(4, "little") + body, 0)
    assert isinstance(found.message, Unreadable)


def test_a_message_of_an_unknown_name_is_kept_as_it_is() -> None:
    assert parse("brand:new", [1, "two"]) == GameMessage("brand:new", (1, "two"))


@pytest.mark.parametrize(
    "name", ["output", "error", "servers:profile_frame", "scene:scene_tree", "debug_enter"]
)
def test_a_known_name_in_another_layout_is_kept_with_the_reason(name: str) -> None:
    found = parse(name, ["something else", 3])
    assert isinstance(found, Unreadable)
    assert name in found.reason
    assert found.data == ("something else", 3)


def test_counts_that_announce_more_than_there_is_are_refused() -> None:
    assert isinstance(parse("multiplayer:rpc", [6_000_000, 1]), Unreadable)
    assert isinstance(parse("multiplayer:rpc", [-6]), Unreadable)
    assert isinstance(parse("servers:profile_frame", [1, 0.1, 0.1, 0.1, 0.1, 0.1, 2**40]), Unreadable)


def test_a_very_deep_tree_does_not_grow_beyond_its_limit() -> None:
    nodes: list[object] = []
    for number in range(30_000):
        nodes += [1 if number < 29_999 else 0, "n" * 8, "Node", number, "", 0]
    assert isinstance(parse("scene:scene_tree", nodes), Unreadable)


def test_typed_messages_hold_what_the_game_said() -> None:
    by_kind: dict[type, list[object]] = {}
    for each in read("debug_all"):
        by_kind.setdefault(type(each.message), []).append(each.message)
    monitors = by_kind[Monitors][0]
    assert isinstance(monitors, Monitors)
    assert len(monitors.values) == len(MONITORS) + 2
    assert len(MONITORS) == 59
    slow = [
        m for m in by_kind[FrameProfile] if isinstance(m, FrameProfile) and m.frame_s > 0.1 and not m.is_total
    ]
    assert [m.game_frame for m in slow] == [128]
    reports = [m for m in by_kind[Report] if isinstance(m, Report)]
    deep = next(m for m in reports if m.text == "deep error")
    assert [call.line for call in deep.stack] == [52, 50, 50, 50, 72, 97]
    tree = by_kind[SceneTree][0]
    assert isinstance(tree, SceneTree)
    assert [node.path for node in tree.nodes[:4]] == [
        "/root",
        "/root/Main",
        "/root/Main/Game",
        "/root/Main/Game/c0",
    ]
    output = by_kind[Output][1]
    assert isinstance(output, Output)
    assert "你好 🎮 é" in output.texts[0]


def test_properties_of_one_and_of_several_objects_are_read() -> None:
    inspected = [each.message for each in read("debug_scene") if isinstance(each.message, Inspected)]
    assert [[o.class_name for o in m.objects] for m in inspected] == [["Node2D"], ["Node"], ["Node2D"]]
    names = [p.name for p in inspected[0].objects[0].properties]
    assert {"number", "Members/calls", "Node/path"} <= set(names)


def test_the_counts_of_remote_calls_are_those_of_the_engine() -> None:
    total: Counter[str] = Counter()
    for each in read("hog_profiled", "client1"):
        if isinstance(each.message, RpcCounts):
            for row in each.message.rows:
                total[row.path.rpartition("/")[2]] += row.bytes_out
    assert total == {"World": 29163, "Player": 1480, "Game": 131}


def test_stacks_of_a_break_are_in_the_order_of_the_calls() -> None:
    found = [each.message for each in read("debug_break")]
    enters = [m for m in found if isinstance(m, BreakEnter)]
    assert [m.can_continue for m in enters] == [True, False, False]
    dump = next(m for m in found if isinstance(m, StackDump))
    assert [(call.function, call.line) for call in dump.calls][:2] == [("inner", 10), ("run", 16)]


def test_requests_have_the_bytes_of_the_engine() -> None:
    data = request("scene:inspect_objects", [[5], False])
    (found,) = Reader().receive(data, 0)
    assert found.message == parse("scene:inspect_objects", [[5], False])
    assert found.thread == 1


@pytest.mark.parametrize(
    "name", ["reload_scripts", "reload_all_scripts", "scene:reload_cached_files", "scene:save_node"]
)
def test_requests_that_would_change_code_or_files_are_refused(name: str) -> None:
    with pytest.raises(PermissionError, match=name):
        request(name)
    with pytest.raises(PermissionError, match="editor"):
        Session().ask(name)


def test_the_engines_clock_is_found_to_two_milliseconds() -> None:
    session = Session(replayed=True)
    for chunk, now_ns in links.pieces("debug_all"):
        session.receive(chunk, now_ns)
    offset = session.clock.offset
    assert offset is not None
    truth = [mark["t"] - mark["ticks_us"] / 1e6 for mark in links.marks("debug_all")]
    assert abs(offset.offset_s - links.manifest("debug_all")["t0"] - truth[0]) < 0.002
    assert offset.error_s <= 0.002


def test_a_clock_without_prompt_reports_admits_that_it_is_bad() -> None:
    clock = EngineClock()
    assert clock.offset is None
    clock.observe(10_000_000_000, 1.0, prompt=False)
    assert clock.offset is not None
    assert clock.offset.error_s >= 0.2
    clock.observe(10_950_000_000, 2.0, prompt=True)
    assert clock.offset.offset_s == pytest.approx(8.949)
