"""Sizes against a running Godot: memory, JSON and RPC arguments are what the engine says."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from gdlab import variant as v
from gdlab.godot import Engine
from gdlab.sizes import memory, rpc
from gdlab.sizes.errors import NoSize
from gdlab.sizes.godot_text import json_text
from gdlab.sizes.types import EXAMPLES
from tests.variant.strategies import VALUES
from tests.waiting import limit

SCRIPT = Path(__file__).parent / "engine.gd"
M1 = {"id": 7, "x": 12.5, "y": -3.25, "t": 123456, "name": "p1"}
#: Types whose memory comes from pools that are filled before, or is shared by all copies of a name.
NOT_COUNTED = {
    v.Type.TRANSFORM2D,
    v.Type.AABB,
    v.Type.BASIS,
    v.Type.TRANSFORM3D,
    v.Type.PROJECTION,
    v.Type.STRING_NAME,
    v.Type.SIGNAL,
}
#: Nobody confirms the node's path to the engine: its id takes 4 bytes instead of 1, and the path "C" follows.
PATH_BYTES = 3 + 2
NUMBERS = [
    0.0, -0.0, 0.1, -0.1, 1 / 3, 1 / 60, 1e-5, 1e-7, 1.5e-10, 1e-300, -1e-300, 5e-324, 1e15, 1e16, 1.5e17, 1e22, 1e300,
    123456789.123456789, 999999.9999999, 16777217.0, float("inf"), -float("inf"), float("nan"), 2.0**63, 9.99e99,
]  # fmt: skip
TEXTS = ['a"b\\c\n\t\r\b\f\v/\x01 é日😀\x7f', "", "plain", "名"]
KEYS = [
    None, True, 1, 1.5, 0.1, 1e20, 1e-7, "b", v.StringName("z"), v.Vector2(0.1, 1 / 3), v.Vector3i(1, 2, 3),
    v.Array(["a", v.StringName("b"), None, 1.0, 1 / 3, v.NodePath(("a",), (), True), v.Dictionary({"q": [1]})]),
    v.Dictionary(), v.Array(), b"\x01\x02", v.PackedFloat32Array([0.1]), v.PackedStringArray(["x"]),
    v.Color(0.123456, 1, 1),
    v.Array([*TEXTS, "it's\a?", v.StringName("it's"), v.NodePath(('"',)), v.PackedStringArray(["\n"])]),
    v.NodePath((), ("",)),
    v.RID(5), v.PackedColorArray([[0.1, 0.2, 0.3, 1]]), v.PackedVector2Array([[1, 2], [3.5, 4]]),
]  # fmt: skip


def sized() -> list[Any]:
    """Values whose memory is compared: every type, and every step of the growing containers."""
    values: list[Any] = [M1, {"a": [1, [2.5, {"b": "c"}]], "p": v.PackedVector3Array([[1, 2, 3]] * 7)}]
    values += [value for value in EXAMPLES if v.type_of(value) not in NOT_COUNTED]
    values += [v.Array(range(n)) for n in (0, 1, 2, 3, 4, 9, 28, 42, 64, 100)]
    values += [v.Dictionary((i, i) for i in range(n)) for n in (0, 1, 17, 18, 35, 36, 72, 73, 200)]
    values += [v.PackedStringArray(["x" * n] * n) for n in range(5)]
    values += ["x" * n for n in range(5)] + TEXTS
    values += [v.NodePath(("A",) * n, ("b",) * m) for n in range(4) for m in range(3)]
    values += [b"x" * n for n in range(4)] + [v.PackedFloat64Array([0.5] * n) for n in range(4)]
    return values


@dataclass
class Answer:
    """What the engine said of one value."""

    json: str
    packet: bytes
    outside_bytes: float


def ask(engine: Engine, tmp_path: Path, values: list[Any], measured: int) -> tuple[list[Answer], bytes]:
    """The engine's answers; memory is measured for the first values only."""
    given_, said = tmp_path / "in", tmp_path / "out"
    (tmp_path / "project.godot").write_text(
        "config_version=5\n"
    )  # or the engine prepares its project manager first
    raw = [v.dumps(value) for value in values]
    given_.write_bytes(
        struct.pack("<I", len(raw))
        + b"".join(struct.pack("<II", i < measured, len(data)) + data for i, data in enumerate(raw))
    )
    command = [
        str(engine.path),
        "--headless",
        "--path",
        str(tmp_path),
        "--script",
        str(SCRIPT),
        "--",
        str(given_),
        str(said),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit(100), check=False)
    assert said.exists(), done.stderr[-2000:]
    data, at = said.read_bytes(), 0

    def field() -> bytes:
        nonlocal at
        (size,) = struct.unpack_from("<I", data, at)
        at += 4 + size
        return data[at - size : at]

    answers = []
    for _ in values:
        text, packet = field().decode(), field()
        answers.append(Answer(text, packet, struct.unpack_from("<d", data, at)[0]))
        at += 8
    return answers, field()


def random_values(n: int) -> list[Any]:
    """Values of every type, the same in every run."""
    values: list[Any] = []

    @settings(
        max_examples=n,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(VALUES)
    def collect(value: Any) -> None:
        values.append(value)

    collect()
    return values


@pytest.mark.godot
@pytest.mark.timeout(200)
def test_the_engine_gives_the_same_memory_json_and_rpc_sizes(engine: Engine, tmp_path: Path) -> None:
    measured = sized()
    ints = [s * (2**k + d) for k in (0, 7, 8, 15, 16, 31, 32, 62) for s in (1, -1) for d in (-1, 0, 1)]
    others: list[Any] = [*EXAMPLES, *NUMBERS, *TEXTS, *ints]
    others += [v.Vector2(x, -x) for x in NUMBERS] + [
        v.PackedFloat32Array([x for x in NUMBERS if abs(x) < 1e30])
    ]
    others += [v.Quaternion(x, 1, 0.5, 2) for x in NUMBERS] + [v.Color(x, 0.12345, 1, 0.5) for x in NUMBERS]
    others += [v.Dictionary([(key, 1)]) for key in KEYS] + [v.Dictionary((key, 1) for key in KEYS[:8])]
    others += random_values(200)
    values = [*measured, *others]
    answers, two = ask(engine, tmp_path, values, len(measured))
    assert len(two) - PATH_BYTES == rpc.call_bytes(5, "hello") == 22

    for value, answer in zip(measured, answers, strict=False):
        # The counter also sees the array that holds the copies' places, which is made before; nothing else.
        expected = memory.memory_bytes(value) - memory.VARIANT
        assert answer.outside_bytes == pytest.approx(expected, abs=0.6), repr(value)[:200]

    compared = 0
    for value, answer in zip(values, answers, strict=True):
        try:
            text = json_text(v.loads(v.dumps(value)))
        except NoSize:
            continue
        compared += 1
        assert len(text.encode()) == len(answer.json.encode()), (
            f"{value!r}: {text} is {answer.json} to the engine"
        )
    assert compared > 350

    for value, answer in zip(values, answers, strict=True):
        if v.type_of(value) is v.Type.OBJECT:
            continue  # its id is another one after decoding
        assert len(answer.packet) - PATH_BYTES == rpc.call_bytes(value), f"{value!r}: {answer.packet.hex()}"
