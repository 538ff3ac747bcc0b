"""Every script in the real engine, against the capture that it was written for."""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from gdlab import analysis, variant
from gdlab.analysis.probes import probes
from gdlab.variant import Vector2
from tests.gdscript.cases import CASES, Case
from tests.gdscript.stage import MESSAGES, Played, play, project, read_by, said_to, start

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
    kinds = set(played.table.query("event == 'message' and direction == 'in'").kind)
    assert kinds == {"text" if case.codec in {"text", "json"} else "binary"} or case.transport != "ws"
    assert not len(played.table.query("event == 'error'"))


@of_kind("echo")
def test_an_echo_answers_pings_and_all_else(plays: Callable[[Case], Played], case: Case) -> None:
    played = plays(case)
    assert played.errors == []
    assert f"back to gdlab: {len(said_to(case))} bytes" in played.prints
    assert said_to(case) in b"".join(played.payloads())
    if case.framing.startswith("fixed"):
        return  # gdlab's pings do not fit, which its rows say
    trips = analysis.round_trips(played.table)
    answered = trips[trips.outcome == "answered"]
    assert len(answered) >= 1
    assert (answered.held_ms >= 0).all()
    assert (answered.held_ms <= answered.rtt_ms + 0.001).all()


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
    # All games print alike, so they are counted: one that prints nothing is missing for all.
    for seq in range(1 if case.game_listens else 0, MESSAGES):
        measured = [line for line in played.prints if line.startswith(f"round trip {seq}: ")]
        assert len(measured) == len(company) or case.game_listens
        assert all(0 < float(line.split()[3]) < 20_000 for line in measured)


def whole(case: Case, payloads: list[bytes]) -> list[bytes]:
    """The messages; where nothing tells them apart, what was read at once is taken apart here."""
    if case.framing != "raw":
        return payloads
    data = b"".join(payloads)
    if case.codec == "json":
        return [piece + b"}" for piece in data.split(b"}")[:-1]]
    if case.codec == "text":
        return [b"Hello" + piece for piece in data.split(b"Hello")[1:]]
    size = 12 if case.codec == "bytes" else len(payloads[0])
    return [data[at : at + size] for at in range(0, len(data), size)]


def read(codec: str, payload: bytes) -> dict[str, Any]:
    """A message that a script sends."""
    if codec == "text":
        hello, number, *rest = payload.decode().split()
        assert (hello, rest) == ("Hello", ["from", "Godot"])
        return {"seq": int(number)}
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
