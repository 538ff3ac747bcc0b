"""Variant decoding against other decoders of the same message, and against the engine itself.

Processor time, of which what else runs takes little; the engine stays running and reports the median over short
stretches of its own time.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.rounds import Contender, Metric, Result, Table, Target, bring, interleave
from gdlab.errors import GdlabError
from gdlab.godot import find
from gdlab.variant import Decoder, PackedFloat32Array, Vector2, dumps
from gdlab.variant.columns import decode_columns

PREPARED, GENERAL = "gdlab, prepared layout", "gdlab, general decoder"
ENGINE = "Godot's bytes_to_var"
NO_ENGINE = "Godot is not installed: python -P tests/engine.py"
NS = Metric("ns", "ns", 0, ratio=True)
#: Messages that become a table.
COUNT = 1_000_000

# Answers each line (a payload in hexadecimal digits, or "floats") with the nanoseconds of one call.
GDSCRIPT = """
extends SceneTree

const STRETCHES := 60

func stretch(data: PackedByteArray, loops: int) -> float:
	var t0 := Time.get_ticks_usec()
	for i in loops:
		pass
	var t1 := Time.get_ticks_usec()
	for i in loops:
		bytes_to_var(data)
	return ((Time.get_ticks_usec() - t1) - (t1 - t0)) * 1000.0 / loops

func _init() -> void:
	var floats := PackedFloat32Array()
	floats.resize(10000)
	while true:
		var line := OS.read_string_from_stdin(1 << 16).strip_edges()
		if line.is_empty():
			break
		var is_floats := line == "floats"
		var data := var_to_bytes(floats) if is_floats else line.hex_decode()
		var times: Array[float] = []
		for i in STRETCHES:
			times.append(stretch(data, 10 if is_floats else 300))
		times.sort()
		print("ns ", times[STRETCHES / 2])
	quit()
"""

MESSAGE = {"seq": 123456, "t": 0.1, "pos": Vector2(1.5, 2.25), "name": "player_one_abcde"}
SHAPES = [
    lambda i: {"seq": i, "t": 0.1 * i + 0.01, "pos": Vector2(i, 2), "name": "abcd"},
    lambda i: {"seq": i, "t": float(i % 100), "pos": Vector2(i, 2), "name": "abcd"},
    lambda i: {"seq": i + (1 << 40), "t": 0.1 * i + 0.01, "pos": Vector2(i, 2), "name": "abcd"},
    lambda i: {"seq": i, "t": 0.1 * i + 0.01, "pos": Vector2(i, 2), "name": "abcdefgh"},
    lambda i: {"seq": i, "t": float(i % 100), "pos": Vector2(i, 2), "name": "abcdefgh"},
    lambda i: {"seq": i + (1 << 40), "t": float(i % 100), "pos": Vector2(i, 2), "name": "abcdefgh"},
]


def walk(data: bytes, pos: int = 0) -> tuple[Any, int]:
    """A struct walk as people write it by hand: trusts its input, knows the types of the message."""
    (header,) = struct.unpack_from("<I", data, pos)
    pos += 4
    kind = header & 0xFF
    if kind == 2 or kind == 3:
        code, size = (
            (("q", 8) if kind == 2 else ("d", 8))
            if header >> 16 & 1
            else (("i", 4) if kind == 2 else ("f", 4))
        )
        return struct.unpack_from("<" + code, data, pos)[0], pos + size
    if kind == 4:
        (size,) = struct.unpack_from("<I", data, pos)
        pos += 4
        return data[pos : pos + size].decode(), pos + (size + 3) // 4 * 4
    if kind == 5:
        return struct.unpack_from("<2f", data, pos), pos + 8
    if kind == 27:
        (count,) = struct.unpack_from("<I", data, pos)
        pos += 4
        found = {}
        for _ in range(count):
            key, pos = walk(data, pos)
            found[key], pos = walk(data, pos)
        return found, pos
    raise ValueError(kind)


def each(function: Callable[[], object], loops: int) -> float:
    """Nanoseconds of CPU time of one call."""
    turns = itertools.repeat(None, loops)
    started = time.thread_time_ns()
    for _ in turns:
        function()
    return (time.thread_time_ns() - started) / loops


class Engine:
    """A Godot that decodes what it is told to, and says how long that took it."""

    def __init__(self, program: Path, folder: Path) -> None:
        script = folder / "measure.gd"
        script.write_text(GDSCRIPT)
        self._process = subprocess.Popen(
            [str(program), "--headless", "--path", str(folder), "--script", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def time_of(self, what: str) -> float:
        """Nanoseconds of `bytes_to_var` of a payload in hexadecimal digits, or of ``floats``."""
        assert self._process.stdin
        assert self._process.stdout
        print(what, file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith("ns "):
                return float(line.split()[1])
        raise RuntimeError("Godot ended before it answered")

    def close(self) -> None:
        """End it."""
        self._process.communicate("\n", timeout=30)


def engine(stack: contextlib.ExitStack) -> Engine | None:
    """The engine, if there is one."""
    try:
        found = find().path
    except GdlabError:
        return None
    godot = Engine(found, Path(stack.enter_context(tempfile.TemporaryDirectory())))
    stack.callback(godot.close)
    return godot


def by_engine(godot: Engine | None, what: str) -> Contender:
    if godot is None:
        return Contender(ENGINE, None, NO_ENGINE)
    return Contender(ENGINE, lambda: {"ns": godot.time_of(what)})


def by_other(name: str, called: str, message: Any, loops: int) -> Contender:
    """A package that decodes what it has packed itself."""
    try:
        module = importlib.import_module(name)
    except ImportError:
        return Contender(name, None, bring(name))
    packed = (module.packb if name == "msgpack" else module.dumps)(message)
    read = getattr(module, called)
    return Contender(name, lambda: {"ns": each(lambda: read(packed), loops)})


def columns_of(payloads: list[bytes], count: int) -> tuple[bytes, np.ndarray, np.ndarray]:
    """So many payloads in one buffer."""
    repeated = (payloads * (count // len(payloads) + 1))[:count]
    lengths = np.array(list(map(len, repeated)), np.int64)
    return b"".join(repeated), np.cumsum(lengths) - lengths, lengths


def one_message(godot: Engine | None, rounds: int) -> Table:
    data, plain = dumps(MESSAGE), {**MESSAGE, "pos": list(MESSAGE["pos"])}
    decoder = Decoder()
    for _ in range(4):
        decoder.loads(data)
    results, missing = interleave(
        [
            Contender(PREPARED, lambda: {"ns": each(lambda: decoder.loads(data), 20_000)}),
            Contender(GENERAL, lambda: {"ns": each(lambda: decoder.general(data), 5_000)}),
            by_engine(godot, data.hex()),
            by_other("msgpack", "unpackb", plain, 20_000),
            by_other("orjson", "loads", plain, 20_000),
            Contender("struct walk by hand", lambda: {"ns": each(lambda: walk(data), 5_000)}),
        ],
        rounds,
    )
    targets = [
        Target(PREPARED, "ns", most=1.2, against=ENGINE, source="issue"),
        Target(PREPARED, "ns", most=1.2, against="msgpack", source="issue"),
        Target(GENERAL, "ns", most=3.9, against=ENGINE),
    ]
    return Table("one message decoded to objects", [NS], ENGINE, results, missing, targets)


def many_messages(godot: Engine | None, rounds: int) -> Table:
    """Columns with a DataFrame, of messages of one layout and of six in random order."""
    one = columns_of([dumps({**MESSAGE, "seq": i, "t": i / 60 + 0.01}) for i in range(10_000, 20_000)], COUNT)
    order = np.random.default_rng(1).integers(0, 6, 20_000)
    mixed = columns_of([dumps(SHAPES[k](i)) for i, k in enumerate(order)], COUNT)
    few = (one[0], one[1][:10_000], one[2][:10_000])
    plain = {**MESSAGE, "pos": list(MESSAGE["pos"])}

    def columns(source: tuple[bytes, np.ndarray, np.ndarray]) -> Callable[[], Result]:
        return lambda: {"ns": each(lambda: decode_columns(*source).to_dataframe(), 1) / len(source[1])}

    results, missing = interleave(
        [
            Contender("one layout", columns(one)),
            Contender("six layouts", columns(mixed)),
            Contender(
                "row by row", lambda: {"ns": each(lambda: decode_columns(*few, layouts=False), 1) / 10_000}
            ),
            by_engine(godot, dumps(MESSAGE).hex()),
            by_other("orjson", "loads", plain, 20_000),
        ],
        rounds,
    )
    targets = [
        Target("one layout", "ns", most=1 / 10, against=ENGINE),
        Target("one layout", "ns", most=1 / 5, against="orjson"),
        Target("one layout", "ns", most=1 / 50, against="row by row"),
        Target("six layouts", "ns", most=1 / 3, against=ENGINE),
        Target("six layouts", "ns", most=1 / 1.5, against="orjson"),
    ]
    title = f"{COUNT:,} messages decoded to a DataFrame; orjson and the engine: to objects, one by one"
    return Table(title, [NS], ENGINE, results, missing, targets)


def floats(godot: Engine | None, rounds: int) -> Table:
    data, decoder = dumps(PackedFloat32Array(np.zeros(10_000))), Decoder()
    results, missing = interleave(
        [
            Contender("gdlab", lambda: {"ns": each(lambda: decoder.loads(data), 3_000)}),
            by_engine(godot, "floats"),
            Contender("a copy of the bytes", lambda: {"ns": each(lambda: bytearray(data), 3_000)}),
        ],
        rounds,
    )
    targets = [
        Target("gdlab", "ns", most=0.2, against=ENGINE),
        Target("gdlab", "ns", most=1.0, against="a copy of the bytes"),
    ]
    return Table("a PackedFloat32Array of 10,000", [NS], ENGINE, results, missing, targets)


def growth(rounds: int) -> Iterator[Table]:
    """What one value costs must not depend on how many there are, in a message and in a table."""
    decoder = Decoder()
    messages = {n: dumps({f"field {i}": float(i) + 0.1 for i in range(n)}) for n in (8, 80)}
    for data in messages.values():
        for _ in range(4):
            decoder.loads(data)
    tables = {
        n: columns_of([dumps({**MESSAGE, "seq": i}) for i in range(10_000)], n) for n in (COUNT // 10, COUNT)
    }
    for title, works in (
        (
            "growth, one message decoded to objects: a field at ten times as many",
            {
                f"{n} fields": lambda n=n, data=data: each(lambda: decoder.loads(data), 40_000 // n) / n
                for n, data in messages.items()
            },
        ),
        (
            "growth, messages decoded to a DataFrame: a message at ten times as many",
            {
                f"{n:,} messages": lambda n=n, source=source: (
                    each(lambda: decode_columns(*source).to_dataframe(), 1) / n
                )
                for n, source in tables.items()
            },
        ),
    ):
        results, missing = interleave(
            [Contender(name, lambda work=work: {"ns": work()}) for name, work in works.items()], rounds
        )
        small, large = works
        targets = [Target(large, "ns", most=1.2, against=small, source="issue")]
        yield Table(title, [NS], small, results, missing, targets)


def tables(rounds: int) -> Iterator[Table]:
    """All tables of this module."""
    decode_columns(*columns_of([dumps(MESSAGE)], 100))  # imports pandas
    with contextlib.ExitStack() as stack:
        godot = engine(stack)
        for table in (one_message, many_messages, floats):
            yield table(godot, 3 * rounds)
    yield from growth(3 * rounds)
