"""Every script in the real engine, against the capture that it was written for."""

from __future__ import annotations

import json
import re
import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

import gdlab as gd
from gdlab import analysis, godot, variant
from gdlab.analysis.probes import probes
from gdlab.variant import Vector2
from tests.gdscript.cases import CASES, Case
from tests.gdscript.stage import MESSAGES, Played, play, project, read_by, said_to, start
from tests.waiting import limit, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from gdlab.godot import Engine

#: So many play at once; the first test of each such company plays for all of it.
_COMPANY = 60


@pytest.fixture(scope="module")
def plays(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], Played]:
    """What came of a case."""
    played: dict[Case, Played] = {}

    def of(case: Case) -> Played:
        if case not in played:
            company = [one for one in CASES if (one.kind, one.game_listens) == (case.kind, case.game_listens)]
            company = company[company.index(case) // _COMPANY * _COMPANY :][:_COMPANY]
            played.update(play(company, tmp_path_factory.mktemp("game"), engine))
        return played[case]

    return of


def of_kind(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [case for case in CASES if case.kind in kinds], ids=str)


@of_kind("send", "web")
def test_a_sender_is_heard_and_hears(plays: Callable[[Case], Played], case: Case) -> None:
    played = plays(case)
    assert played.errors == []
    assert f"gdlab says: {read_by(case)}" in played.prints
    messages = [read(case.codec, payload) for payload in whole(case, played.payloads())]
    assert len(messages) >= MESSAGES
    first = messages[0]["seq"]
    assert case.game_listens or first == 0
    assert [message["seq"] for message in messages] == list(range(first, first + len(messages)))
    times = [message["t_us"] for message in messages if "t_us" in message]
    assert all(before < after for before, after in pairwise(times))
    if times and case.framing != "raw":  # gdlab knows both without being told, in whatever form they are sent
        (numbered,) = analysis.sequence(played.table).to_dict("records")
        assert (numbered["messages"], numbered["lost"]) == (len(messages), 0)
        assert len(analysis.jitter(played.table)) == len(messages)
    kinds = set(played.table.query("event == 'message' and direction == 'in'").kind)
    assert kinds == {"text" if case.codec in {"text", "json"} else "binary"} or case.transport != "ws"
    errors = played.table.query("event == 'error'").detail
    # The capture is stopped while the game sends: that may be inside a message.
    assert [detail for detail in errors if not detail.startswith("the stream ended")] == []


@of_kind("echo")
def test_an_echo_answers_pings_and_all_else(plays: Callable[[Case], Played], case: Case) -> None:
    played = plays(case)
    assert played.errors == []
    assert said_to(case) in b"".join(played.payloads())
    if case.framing == "raw":
        return  # what was read at once may have been a ping and more
    assert f"back to gdlab: {len(said_to(case))} bytes" in played.prints
    if case.framing.startswith("fixed"):
        return  # gdlab's pings do not fit, which its rows say
    trips = analysis.round_trips(played.table)
    answered = trips[trips.outcome == "answered"]
    assert len(answered) >= 1
    assert (answered.turnaround_ms >= 0).all()


@of_kind("probe")
def test_a_probe_measures_round_trips(plays: Callable[[Case], Played], case: Case) -> None:
    played = plays(case)
    assert played.errors == []
    found = probes(played.table)
    found["out"] = (played.table.direction == "out").to_numpy()[found.row]
    assert not found.ours.any()
    asked, answered = found[~found.pong], found[found.pong]
    assert len(answered) >= MESSAGES
    assert not asked.out.any()
    assert answered.out.all()
    assert set(answered.exchange) <= set(asked.exchange)
    company = [one for one in CASES if (one.kind, one.game_listens) == (case.kind, case.game_listens)]
    # All games print alike, so only their number tells that each of them did.
    measured = [line.split() for line in played.prints if line.startswith("round trip ")]
    assert len(measured) >= MESSAGES * len(company)
    assert case.game_listens or [words[2] for words in measured].count("0:") == len(company)
    assert all(0 < float(words[3]) < 20_000 for words in measured)


def whole(case: Case, payloads: list[bytes]) -> list[bytes]:
    """The messages; where nothing tells them apart, what was read at once is taken apart here."""
    if case.framing != "raw":
        return payloads
    data = b"".join(payloads)
    if case.codec == "json":
        return [piece + b"}" for piece in data.split(b"}")[:-1]]
    if case.codec == "text":
        return [b"Hello" + piece for piece in data.split(b"Hello")[1:]]
    size = 12 if case.codec == "bytes" else len(variant.dumps({"seq": 0, "t_us": 1, "pos": Vector2()}))
    return [data[at : at + size] for at in range(0, len(data), size)]


def read(codec: str, payload: bytes) -> dict[str, Any]:
    """A message that a script sends."""
    if codec == "text":
        said = re.fullmatch(r"Hello from Godot seq=(\d+) t_us=(\d+)", payload.decode())
        assert said is not None
        return {"seq": int(said[1]), "t_us": int(said[2])}
    if codec == "json":
        message = json.loads(payload)
        assert message.pop("text") == "Hello from Godot"
        return dict(message)
    if codec == "variant":
        message = variant.loads(payload)
        assert message.pop("pos") == Vector2(message["seq"], 0.5)
        return dict(message)
    if len(payload) < 12:
        return {"seq": payload[0]}
    seq, t_us = struct.unpack_from("<IQ", payload)
    assert set(payload[12:]) <= {0}
    return {"seq": seq, "t_us": t_us}


def test_a_warning_would_end_the_play(engine: Engine, tmp_path: Any) -> None:
    project(tmp_path)
    script = tmp_path / "unused.gd"
    script.write_text("extends Node\n\n\nfunc _ready() -> void:\n\tvar unused := 1\n")
    with start(tmp_path, [script], engine) as game:
        run = game.wait(60)
    assert "never used" in " ".join(str(error) for error in run.errors)


#: Messages that are no ping, some of them nearly.
NO_PINGS = [
    b"\xff\xfe\x00\x01",
    b"\x00\x00\x00\x00",
    b"{",
    b'{"probe": "ping"}',
    b'{"probe": ["ping"], "seq": 1, "t_us": 2}',
    b'{"probe": "ping", "seq": [1], "t_us": {}}',
    b'{"probe": "ping", "seq": "1", "t_us": null}',
    b'{"probe": "pong", "seq": 1, "t_us": 2}',
    b'{"probe": "ping", "seq": 1, "t_us": 2' + b" " * 600 + b"}",
    b"[" * 500,
    b'"{"',
]


@pytest.mark.parametrize("scheme", ["udp", "ws"])
def test_an_echo_sends_back_what_is_no_ping(engine: Engine, scheme: str) -> None:
    with (
        gd.listen(f"{scheme}://127.0.0.1:0") as cap,
        godot.start(source=cap.gdscript("echo"), engine=engine, time_limit_s=60) as game,
    ):
        cap.wait_sync(1, timeout=limit(30))
        for payload in NO_PINGS:
            cap.send(payload)
        wait_until(lambda: set(NO_PINGS) <= set(cap.df.query("direction == 'in'").payload), 20)
        assert game.errors == []
    came = cap.df.query("event == 'message' and direction == 'in'")
    assert [payload for payload in came.payload if b"Hello from" not in payload] == NO_PINGS
    assert scheme == "udp" or set(came[came.payload.isin(NO_PINGS)].kind) == {"binary"}


@pytest.mark.parametrize("codec", ["json", "text", "bytes", "variant"])
def test_the_echo_script_gives_latency_by_its_own_clock(engine: Engine, codec: str) -> None:
    with gd.listen("udp://127.0.0.1:0", ping=0.02) as cap:
        script = cap.gdscript("echo", codec=codec).replace("EVERY_S := 1.0", "EVERY_S := 0.05")
        with godot.start(source=script, engine=engine, time_limit_s=60):
            cap.wait_sync(20, timeout=limit(30))
            wait_until(lambda: cap.round_trips().turnaround_ms.notna().sum() >= 20, 20)
    delays = cap.latency()
    assert len(delays) >= 20
    assert (delays.latency_ms + delays.error_ms >= 0).all()
    told = cap.findings().set_index("rule")
    assert "t_us of the other side" in told.evidence["foreign-clock"]
    assert "missing-numbers" not in told.index


def test_a_game_says_that_nobody_is_there(engine: Engine) -> None:
    for scheme, said in (("tcp", "nobody listens there"), ("ws", "nobody answers at ws://127.0.0.1:")):
        with gd.listen(f"{scheme}://127.0.0.1:0") as cap:
            script = cap.gdscript()
        with godot.start(source=script, engine=engine, time_limit_s=60) as game:
            game.wait_for(said, 30)
            assert game.errors == []
