"""Against a running Godot: what is written here is what it reads, and what it writes is read here."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from gdlab import godot
from gdlab import variant as v
from gdlab.godot import Engine
from tests.variant.golden import nested
from tests.variant.strategies import VALUES

SCRIPT = Path(__file__).parent / "engine.gd"
#: The engine needs a millisecond for each; all of them are asked for where new examples are looked for.
RANDOM_VALUES = 2200 if os.environ.get("GDLAB_EXPLORE") == "1" else 300


def _packets(raw: bytes) -> list[bytes]:
    packets = []
    pos = 0
    while pos < len(raw):
        (size,) = struct.unpack_from("<I", raw, pos)
        packets.append(raw[pos + 4 : pos + 4 + size])
        pos += 4 + size
    return packets


def _ask(
    engine: Engine, tmp_path: Path, payloads: list[bytes]
) -> tuple[list[tuple[bytes, str]], list[bytes]]:
    """What the engine makes of payloads: bytes and text of each; and values of its own."""
    paths = [tmp_path / name for name in ("input", "answers", "own")]
    paths[0].write_bytes(
        struct.pack("<I", len(payloads)) + b"".join(struct.pack("<I", len(data)) + data for data in payloads)
    )
    run = godot.run(source=SCRIPT.read_text(), args=[*map(str, paths)], engine=engine, time_limit_s=90)
    assert paths[2].exists(), run.reason
    answers = _packets(paths[1].read_bytes())
    texts = [text.decode() for text in answers[1::2]]
    return list(zip(answers[::2], texts, strict=True)), _packets(paths[2].read_bytes()[4:])


def _random_values() -> list[Any]:
    values: list[Any] = []

    @settings(
        max_examples=RANDOM_VALUES,
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


def _types_in(values: list[Any]) -> set[v.Type]:
    found = set()
    pending = list(values)
    while pending:
        value = pending.pop()
        found.add(v.type_of(value))
        if isinstance(value, v.Array):
            pending += value
        elif isinstance(value, v.Dictionary):
            pending += [*value.keys(), *value.values()]
    return found


@pytest.mark.timeout(300)
def test_engine_and_we_agree_on_random_values(engine: Engine, tmp_path: Path) -> None:
    values = [
        *_random_values(),
        nested(1025, v.Array),
        nested(1025, v.Dictionary),
        v.Array([nested(1023, v.Array)]),
    ]
    assert len(values) > 0.9 * RANDOM_VALUES
    written = [v.dumps(value) for value in values]
    again = [v.dumps(v.loads(data)) for data in written]
    assert again == written
    answers, own = _ask(engine, tmp_path, written + again)
    first, second = answers[: len(values)], answers[len(values) :]
    for value, data, (bytes_back, text), (_, text_again) in zip(values, written, first, second, strict=True):
        assert bytes_back == data, f"the engine wrote other bytes for {value!r}: {text}"
        assert text == text_again
    assert _types_in(values) == set(v.Type) - {v.Type.OBJECT}

    assert len(own) == 1000
    for data in own:
        value, used = v.loads_from(data)
        assert used == len(data)
        assert v.dumps(value) == data
