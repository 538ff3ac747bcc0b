"""The questions of the lessons: right answers are accepted, each usual wrong one is explained; in both languages."""

import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

import gdlab as gd
from gdlab import analysis
from gdlab.course.checking import LESSONS, questions
from gdlab.course.verdicts import Mark
from gdlab.variant import PackedFloat32Array, PackedFloat64Array, dumps
from tests.languages import chinese, in_chinese


def sums(message):
    parts = message.text.split(" + ")
    return str(int(parts[0]) + int(parts[1])) if len(parts) == 2 else None


def unpack(buffer):
    messages = []
    while len(buffer) >= 4 and len(buffer) >= 4 + int.from_bytes(buffer[:4], "little"):
        size = int.from_bytes(buffer[:4], "little")
        messages.append(buffer[4 : 4 + size])
        buffer = buffer[4 + size :]
    return messages, buffer


async def echo(ws):
    async for message in ws:
        await ws.send(message)


def drain(server, peers):
    server.poll()
    while server.is_connection_available():
        peers.append(server.take_connection())
    for peer in peers:
        while peer.get_available_packet_count() > 0:
            peer.get_packet()


def read_in_reads():
    """How many reads of the sample are no JSON, as a student would count them."""
    count = 0
    for payload in gd.sample("tcp-no-framing").df.query("event == 'message'").payload:
        try:
            json.loads(payload)
        except ValueError:
            count += 1
    return count


def thrown_away():
    return gd.sample("mp-throttle").multiplayer().losses().missing_before.sum()


def in_frames(frame, known):
    """Where a player was in a frame, on the line between two updates."""
    before, after = [each for each in known if each <= frame], [each for each in known if each > frame]
    if not before or not after:
        return known[max(before, default=min(known))]
    first, second = max(before), min(after)
    part = (frame - first) / (second - first)
    return tuple(a + (b - a) * part for a, b in zip(known[first], known[second], strict=True))


def project(*, repeat=16, every=4, behind=11):
    """The closing project with a good program, of which parts can be taken away."""

    def send(state, memory):
        recent = memory.setdefault("recent", [])
        recent += [(state["frame"], door) for door in state["doors"]]
        if state["frame"] % every:
            return None
        recent[:] = [(frame, door) for frame, door in recent if state["frame"] - frame < max(repeat, every)]
        return struct.pack("<Hff", state["frame"], state["x"], state["y"]) + bytes(door for _, door in recent)

    def draw(now_ms, arrived, memory):
        known, opened = memory.setdefault("known", {}), memory.setdefault("opened", set())
        doors = []
        for payload in arrived:
            frame, x, y = struct.unpack_from("<Hff", payload)
            known[frame] = x, y
            doors += [door for door in payload[10:] if door not in opened]
            opened.update(payload[10:])
        return (*in_frames(now_ms * 60 / 1000 - behind, known), doors) if known else None

    return gd.course.playable(send, draw, seed="Ada")


def cost_of_a_move():
    calls = gd.sample("mp-hog").multiplayer().calls
    return calls[(calls.method == "move") & (calls["size"] == 18)].wire_bytes.mode()[0]


def rates_of_players():
    table = gd.sample("three-players").decoded()
    by = table.groupby("v.id").time
    return (by.size() - 1) / (by.max() - by.min()).dt.total_seconds()


def sample(name):
    return gd.sample(name).df


def watched_game():
    cap = gd.sample("watched-game")
    return cap, cap.watched


def slowest_frame():
    explained = gd.together(*watched_game()).explained
    return explained.query("what == 'frame'").stall_ms.max()


def poison():
    cap, watch = watched_game()
    row = gd.together(cap, watch).causes[watch.log.kind == "script_error"].iloc[0]
    return cap.df.payload[row]


def drawn(network, *buffers_ms):
    ride = gd.relay.through(gd.sample("player-60hz"), network, seed=7)
    return analysis.playout(ride.client, ride.server, seq="v.seq", buffers_ms=buffers_ms)


def enough_on_congested():
    table = drawn("congested", 10, 20, 30, 40, 50, 60, 80, 100, 150)
    return table.index[table.late == 0][0]


def longest_stall():
    return gd.sample("relay-tcp-stalls").truth.stall_ms.max()


def other():
    return gd.course.mystery(2, canned=True)


@dataclass
class Later:
    """An answer that is computed from a sample."""

    make: Callable[[], Any]


#: What a student may answer, computed from the samples where the lesson has them do so.
RIGHT = {
    "01.1": [Later(lambda: float((sample("udp-60fps").payload == b"The answer is... 42!").sum())), 4, "4"],
    "01.2": [Later(lambda: sample("udp-60fps").wire_bytes.iloc[0]), 48, "48 bytes"],
    "01.3": ["a", "A", "OK", "a) OK"],
    "01.4": [sums],
    "02.1": [1000 / 60, 16.7, "16.7 ms", 16],
    "02.2": [Later(lambda: analysis.frame_rate(sample("udp-unknown-fps")).hz), 48, "48 Hz", "about 48 fps"],
    "02.3": [Later(lambda: float(analysis.round_trips(sample("udp-30fps")).rtt_ms.median())), 1000 / 60],
    "02.4": [1000, "1,000"],
    "03.1": [Later(read_in_reads), 93],
    "03.2": ["b", "b) the bytes, in order"],
    "03.3": [Later(lambda: 4 + len(dumps(42))), 12],
    "03.4": [unpack],
    "04.1": [Later(lambda: len(dumps({"hp": 100}))), 28],
    "04.2": [Later(lambda: len(dumps(0.1))), 12],
    "04.3": [24_000, "24 kB"],
    "04.4": [Later(lambda: PackedFloat32Array([7, 12.5, -3.25]))],
    "05.1": [echo],
    "05.2": [65_535, "65,535", Later(lambda: float(sample("ws-too-big").query("direction == 'out'").size_bytes.min()))],
    "05.3": [1006, "1006"],
    "05.4": [4000, 4999, "4001"],
    "05.5": ["c", "lost"],
    "06.1": [Later(lambda: float((sample("udp-one-a-frame").direction == "in").sum())), 91],
    "06.2": ["d", "the program"],
    "06.3": [drain],
    "06.4": ["c", "in Godot's queue", "the ring"],
    "06.5": [Later(lambda: 100 * analysis.sequence(sample("udp-lossy-path")).loss.iloc[0]), "6.8 %", 6.83],
    "07.1": [Later(lambda: gd.sample("three-players").decoded().groupby("v.id").size_bytes.sum().idxmax()), 2],
    "07.2": [Later(rates_of_players), Later(lambda: rates_of_players().to_frame()), {1: 10, 2: 30, 3: 10}],
    "07.4": ["b", "apostrophe"],
    "08.1": [Later(slowest_frame), 184.5, "184.5 ms"],
    "08.2": ["find_path", "find_path()", Later(lambda: gd.sample("watched-game").watched.functions.function[1])],
    "08.3": [Later(poison), '{"order": "crate"}'],
    "08.4": [Later(lambda: gd.sample("watched-game").watched.break_times.stood_ms.max() / 1000), 1.4, "1.4 s"],
    "09.1": ["state", "World.state"],
    "09.2": [Later(cost_of_a_move), "56 bytes"],
    "09.3": [Later(thrown_away), 433],
    "09.4": ["owners", "owners()"],
    "10.1": [Later(enough_on_congested), 100, "100 ms"],
    "10.2": [Later(lambda: 100 * drawn("wifi", 20).missing.iloc[0]), "17.8 %"],
    "10.3": ["b", "loss", "b) loss"],
    "10.4": [Later(longest_stall), 71, "71 ms"],
    "11.1": [Later(lambda: float((other().server.df.direction == "in").sum())), 600],
    "11.2": ["b", "server", "the server"],
    "11.3": [Later(lambda: 100 * analysis.where_lost(other().client, other().client, relay=other().server,
             seq="v.n").loss.iloc[1]), "5.3 %"],
    "11.4": ["b", "the one-way delay"],
    "12.1": [11.283, "11.3 ms"],
    "12.2": [4.381, "4.4"],
    "12.3": [157, "157"],
    "12.4": [1000 / 30, "33 seconds", 33.3],
    "13.1": [Later(project)],
    "13.2": [Later(project)],
    "13.3": [Later(project)],
    "13.4": [Later(project)],
}  # fmt: skip


def judged(key, given):
    """What the check says of an answer; in Chinese it says the same."""
    answer = given.make() if isinstance(given, Later) else given
    verdict = gd.course.check(key, answer)
    translated = in_chinese(lambda: gd.course.check(key, answer))
    assert translated.mark is verdict.mark
    assert chinese(translated.text), translated
    assert not chinese(verdict.text), verdict
    return verdict


@pytest.mark.parametrize("key", RIGHT)
def test_right_answers_are_accepted(key):
    for answer in RIGHT[key]:
        verdict = judged(key, answer)
        assert verdict, verdict


def test_every_question_has_right_and_three_wrong_answers_here():
    asked = {key for lesson in LESSONS for key in questions(lesson)}
    assert asked == {*RIGHT, "02.5", "07.3"} == {*WRONG, "02.5", "07.3"}
    assert {key: len(wrong) for key, wrong in WRONG.items() if len(wrong) < 3} == {}


async def to_bytes(ws):
    async for message in ws:
        await ws.send(f"Got our msg: {message}".encode())


async def old_handler(ws, path):
    async for message in ws:
        await ws.send(message)


async def first_only(ws):
    async for message in ws:
        await ws.send(message)
        return


async def silent(ws):
    async for _message in ws:
        pass


async def shouting(ws):
    async for message in ws:
        await ws.send(message.upper())


async def asleep(ws):
    import asyncio

    await asyncio.sleep(0)


def one_a_frame(server, peers):
    server.poll()
    if server.is_connection_available():
        server.take_connection().get_packet()


def kept_but_if(server, peers):
    server.poll()
    while server.is_connection_available():
        peers.append(server.take_connection())
    for peer in peers:
        if peer.get_available_packet_count() > 0:
            peer.get_packet()


def only_new_ones(server, peers):
    server.poll()
    while server.is_connection_available():
        peer = server.take_connection()
        peers.append(peer)
        while peer.get_available_packet_count() > 0:
            peer.get_packet()


def endless(server, peers):
    server.poll()
    while server.is_connection_available():
        peers.append(server.take_connection())
    for peer in peers:
        while peer.get_available_packet_count() > 0:
            pass


def never_polls(server, peers):
    while server.is_connection_available():
        peers.append(server.take_connection())


def first_message_only(buffer):
    size = int.from_bytes(buffer[:4], "little")
    return [buffer[4 : 4 + size]], buffer[4 + size :]


def with_the_lengths(buffer):
    messages, rest = unpack(buffer)
    return [len(message).to_bytes(4, "little") + message for message in messages], rest


def without_remainder(buffer):
    messages = []
    while len(buffer) >= 4:
        size = int.from_bytes(buffer[:4], "little")
        messages.append(buffer[4 : 4 + size])
        buffer = buffer[4 + size :]
    return messages, buffer


#: Usual wrong answers, each with a word of its explanation.
WRONG = {
    "01.1": [(8, "out"), (1, "again until"), (3, "first one"), (70, "Count")],
    "01.2": [(20, "payload alone"), (28, "headers alone"), (68, "IPv6"), (1, "wire_bytes")],
    "01.3": [("b", "goes on returning OK"), ("connection refused", "-1"), ("c", "does not wait"), ("x", "'a', 'b'")],
    "01.4": [
        (sums(gd.Message(0, "", None, b"2 + 3")), "a function"),
        (lambda m: 5, "text"),
        (lambda m: None, "return"),
        (lambda m: "5", "42"),
        (lambda m: str(sum(map(int, m.text.split(" + ")))) if b"+" in m.payload else "what?", "leave|Return None"),
    ],
    "02.1": [(8.3, "average"), (60, "How long"), (33.3, "two"), (0.06, "the way"), (500, "one frame")],
    "02.2": [(10.2, "half a frame"), (20.8, "length"), (24, "finer"), (96, "Twice"),
        (91, "pings"), (60, "otherwise"), (30, "frame_phase")],
    "02.3": [(33.3, "largest"), (8.3, "60 frames"), (30, "How long"), (1, "middle")],
    "02.4": [(100, "single one"), (20, "median"), (10, "beyond"), (5, "beyond")],
    "03.1": [(107, "exactly one"), (200, "number of reads"), (300, "sent"), (0, "json.loads"), (17, "ValueError")],
    "03.2": [("a", "glued"), ("c", "Nagle"), ("d", "'a', 'b'")],
    "03.3": [(8, "where does it end"), (4, "int alone"), (24, "memory"), (16, "32 bits"), (3, "each of them 4")],
    "03.4": [
        (first_message_only, "found one"),
        (without_remainder, "one at a time"),
        (lambda buffer: ([buffer], b""), "found one"),
        (with_the_lengths, "too long"),
        (lambda buffer: None, "two things"),
        (unpack(b""), "a function"),
    ],
    "04.1": [(10, "JSON"), (24, "memory"), (26, "padded"), (16, "name"), (1, "tree")],
    "04.2": [(8, "0.5"), (4, "header"), (3, "JSON"), (24, "memory"), (99, "32 bits")],
    "04.3": [(8000, "promises"), (4000, "PackedInt32Array"), (20_000, "padded"), (24, "one element"), (1, "typed")],
    "04.4": [
        ({"id": 7, "x": 12.5, "y": -3.25}, "names"),
        ([7, 12.5, -3.25], "header of its own"),
        (PackedFloat32Array([7, 12.5]), "-3.25 is not in it"),
        (PackedFloat64Array([7, 12.5, -3.25]), "bytes"),
        ("7,12.5,-3.25", "text"),
        (b"\x07", "by hand"),
        (object(), "cannot hold"),
    ],
    "05.1": [
        (old_handler, "2 arguments"),
        (to_bytes, "was_string_packet"),
        (first_only, "answered 1"),
        (silent, "sent nothing"),
        (shouting, "echo"),
        (asleep, "waits for something else"),
        (drain, "async def"),
        (7, "async def"),
    ],
    "05.2": [(65_536, "too big by a byte"), (2**20, "stricter"), (125, "control"), (1, "size_bytes")],
    "05.3": [(1000, "goodbye"), (-1, "Godot itself"), (1001, "browsers"), (1005, "without a code"), (1, "ws-endings")],
    "05.4": [(3000, "libraries"), (1000, "protocol itself"), (1006, "never be sent"), (5000, "four digits"),
        (4000.5, "four digits")],
    "05.5": [("a", "no packets any more"), ("b", "hard to find"), ("?", "'a', 'b'")],
    "06.1": [(209, "lost"), (300, "sent"), (391, "all rows"), (96, "run to run"), (7, "direction")],
    "06.2": [("a", "cable"), ("b", "counts"), ("c", "Near"), ("x", "'a', 'b'")],
    "06.3": [
        (one_a_frame, "nobody holds"),
        (kept_but_if, "emptied"),
        (only_new_ones, "earlier frame"),
        (endless, "did not end"),
        (never_polls, "never calls server.poll"),
        (lambda: None, "two arguments"),
        ("drain", "process"),
    ],
    "06.4": [("a", "cable"), ("b", "delivered all 88"), ("d", "mended one"), ("x", "'a', 'b'")],
    "06.5": [(5.5, "came twice"), (8.5, "overtaken"), (0.0683, "hundred"), (41, "share"), (5, "chance"),
        (50, "sequence")],
    "07.1": [(1, "as large"), (3, "JSON"), (17_024, "which player"), (9, "Group by")],
    "07.2": [
        ({1: 51, 2: 152, 3: 51}, "messages"),
        ({1: 100, 2: 33, 3: 100}, "milliseconds"),
        ({1: 10, 2: 20, 3: 10}, "Player 2"),
        ({1: 10, 2: 30}, "players 1, 2 and 3"),
        (30, "column or a dict"),
    ],
    "07.4": [("a", "calculate"), ("c", "left out"), ("x", "'a', 'b'")],
    "08.1": [(1418, "breakpoint"), (127, "round trip"), (16.7, "should take"), (3, "busy_ms")],
    "08.2": [("spawn_wave()", "self_ms"), ("res://game.gd::24::answer", "standing still"), ("_process", "total_ms"),
             ("other", "watch.functions")],
    "08.3": [(b'{"order": "crate", "width": 4}', "was obeyed"), ('{"order": "stop"}', "no error"),
             (b"hello", "script_error")],
    "08.4": [(1416, "milliseconds"), (0.016, "other break"), (9, "break_times")],
    "09.1": [("move", "tiny"), ("chat", "Four"), ("acknowledge", "2 %"), ("x", "summary()")],
    "09.2": [(18, "alone"), (28, "missing"), (46, "ENet's 10"), (36, "IP"), (5, "explain")],
    "09.3": [(219, "of its own"), (214, "of its own"), (0, "missing_before"), (811, "came out"),
             (1244, "were called"), (5, "missing_before")],
    "10.1": [(50, "average delay"), (80, "Nearly"), (150, "more than is needed"), (30, "wifi"), (0.1, "seconds"),
             (7, "first row")],
    "10.2": [(2.28, "were lost"), (15.5, "were late"), (0.178, "hundred"), (58.8, "10 ms"), (86, "how many"),
             (54.7, "4g-moving"), (99, "row of 20 ms")],
    "10.3": [("a", "waits for the slow"), ("c", "fewer and fewer"), ("d", "right end"), ("x", "'a', 'b'")],
    "10.4": [(101.4, "whole way"), (20, "every message"), (32, "hold_ms"), (11, "sent again"), (0.071, "seconds"),
             (5, "stall_ms")],
    "11.1": [(568, "it answered"), (32, "missing"), (1168, "all rows"), (522, "first mystery"), (7, "direction")],
    "11.2": [("up", "All 600"), ("c", "trap"), ("the network", "Which part"), ("x", "'a', 'b'")],
    "11.3": [(32, "how many"), (0.0533, "hundred"), (94.7, "arrived"), (5.63, "came back"), (13, "first mystery"),
             (6, "was set"), (50, "where_lost")],
    "11.4": [("a", "Numbers"), ("c", "one capture"), ("x", "'a', 'b'")],
    "12.1": [(11_283, "microseconds"), (8.9, "mean"), (0.1, "narrowest")],
    "12.2": [(0, "equally long"), (8.9, "width"), (-4.4, "larger"), (9.88, "furthest")],
    "12.3": [(94, "60 frames"), (160, "narrowest"), (0.157, "milliseconds"), (243.5, "error_us"), (17_219, "average")],
    "13.1": [(Later(lambda: project(every=1)), "Bandwidth"), (Later(lambda: project(every=1, repeat=60)), "Bandwidth"),
             (7, "returned")],
    "13.2": [(Later(lambda: project(repeat=0)), "Lost doors"), (Later(lambda: project(repeat=5)), "Lost doors"),
             ("yes", "returned")],
    "13.3": [(Later(lambda: project(behind=5)), "Jerks"), (Later(lambda: project(behind=20)), "Age"),
             (0.02, "returned")],
    "13.4": [(Later(lambda: project(every=1)), "Bandwidth"), (Later(lambda: project(repeat=0)), "Lost doors"),
             (Later(lambda: project(behind=20)), "Age")],
    "12.4": [(30, "How long"), (0.0333, "other way"), (33_333, "1,000 µs"), (1, "One ppm")],
    "09.4": [("only_server", "no such"), ("both", "number 0"), ("zz_only_client", "number 2"), ("nothing", "trouble"),
             ("x", "both lists")],
}  # fmt: skip


@pytest.mark.parametrize("key", WRONG)
def test_each_usual_wrong_answer_is_explained(key):
    texts = []
    for given, word in WRONG[key]:
        verdict = judged(key, given)
        assert verdict.mark is Mark.WRONG, (given, verdict)
        assert re.search(word, verdict.text), (given, verdict)
        texts.append(verdict.text)
    assert len(set(texts)) >= len(texts) - 1  # two forms of the same mistake may share one


@pytest.mark.parametrize(("name", "right"), [("udp-60fps", False), ("udp-30fps", False), ("tcp-json", False)])
def test_a_capture_that_is_not_quick_is_refused(name, right):
    recording = gd.sample(name)
    verdict = gd.course.check("02.5", recording)
    assert verdict.mark is Mark.WRONG
    assert ("frames per second" in verdict.text) is name.startswith("udp")
    assert gd.course.check("02.5", recording.df) == verdict


def test_a_capture_that_is_quick_is_accepted():
    """The sample's answers, as they were with the wait for the frame all but taken away."""
    table = gd.sample("udp-60fps").df
    pings = table[(table.direction == "out") & table.payload.map(lambda payload: b"ping" in payload)]
    answers = pings.assign(direction="in", time=pings.time + (pings.time.diff().mean() / 10))
    quick = pd.concat([pings, answers.astype(pings.dtypes)]).sort_values("time", ignore_index=True)
    verdict = gd.course.check("02.5", quick)
    assert verdict, verdict


def test_a_file_without_addresses(tmp_path):
    session = gd.sample("three-players")
    named = session.to_csv(tmp_path / "named.csv")
    hidden = session.to_csv(tmp_path / "hidden.csv", anonymise=True)
    assert gd.course.check("07.3", hidden)
    assert gd.course.check("07.3", str(hidden))
    assert "127.0.0.1" in gd.course.check("07.3", named).text
    assert "no file" in gd.course.check("07.3", tmp_path / "none.csv").text
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    assert "LoadError" in gd.course.check("07.3", tmp_path / "other.csv").text
    few = gd.sample("tcp-json").to_csv(tmp_path / "few.csv", anonymise=True)
    assert gd.course.check("07.3", few)  # any session will do
    assert "only" in gd.course.check("07.3", gd.sample("ws-endings").to_csv(few, anonymise=True)).text
    assert "path" in gd.course.check("07.3", session).text


def test_the_first_version_of_the_project_is_not_playable_and_hears_why():
    def send(state, _memory):
        return json.dumps({"at": (state["x"], state["y"]), "doors": state["doors"]}).encode()

    def draw(_now_ms, arrived, memory):
        doors = []
        for payload in arrived:
            message = json.loads(payload)
            memory["at"] = message["at"]
            doors += message["doors"]
        return (*memory["at"], doors) if "at" in memory else None

    result = gd.course.playable(send, draw, seed="Ada")
    assert not result
    assert list(result.numbers.index[~result.numbers.good]) == ["jerks", "lost doors", "bandwidth"]
    assert "28 bytes" not in gd.course.check("13.1", result).text
    assert "2000 are allowed" in gd.course.check("13.1", result).text
    assert "doors that never opened" in gd.course.check("13.2", result).text
    assert "jumps or stands" in gd.course.check("13.3", result).text
    assert not gd.course.check("13.4", result)
    assert "returned" in gd.course.check("13.4", 7).text


@pytest.mark.parametrize(
    ("send", "draw", "number"),
    [
        (lambda *_: None, lambda *_: None, ["jerks", "age", "lost doors", "door delay"]),
        (
            lambda *_: b"",
            lambda *_: (0, 0, [3, 3]),
            ["jerks", "age", "lost doors", "wrong doors"],
        ),
    ],
)
def test_a_game_that_shows_nothing_is_no_good_game(send, draw, number):
    numbers = gd.course.playable(send, draw, seed=1).numbers
    assert set(number) <= set(numbers.index[~numbers.good])


@pytest.mark.parametrize(
    ("send", "draw", "message"),
    [
        (lambda *_: "text", lambda *_: None, "send returned a str in frame 0"),
        (lambda *_: [1], lambda *_: None, "return bytes"),
        (lambda *_: bytes(70_000), lambda *_: None, "65,507"),
        (lambda *_: b"x", lambda *_: (1, 2), "draw returned"),
        (lambda *_: b"x", lambda *_: 7, "draw returned 7"),
    ],
)
def test_functions_that_return_something_else_are_told_so(send, draw, message):
    with pytest.raises((TypeError, ValueError), match=message):
        gd.course.playable(send, draw, seed=1)


def test_the_same_seed_is_the_same_game_and_its_grade_file_has_the_numbers(tmp_path):
    def send(state, _memory):
        return str(state["x"]).encode()

    def draw(_now_ms, arrived, memory):
        memory["x"] = float(arrived[-1]) if arrived else memory.get("x", 0.0)
        return memory["x"], 0.0, []

    one, two = (gd.course.playable(send, draw, seed="Ada") for _ in range(2))
    pd.testing.assert_frame_equal(one.frames, two.frames)
    assert not gd.course.playable(send, draw, seed="Bob").frames.equals(one.frames)
    grade = json.loads(one.save(tmp_path / "playable.json").read_text())
    assert (grade["exercise"], grade["student"], grade["of"]) == ("playable", "Ada", 6)
    assert grade["points"] == int(one.numbers.good.sum())
    assert grade["measured"]["jerks"]["value"] == one.numbers.value["jerks"]
