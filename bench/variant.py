"""Variant decoding against other decoders of the same message, and against the engine itself.

``python bench/variant.py [--rounds 9] [--messages 1000000]``. All contenders take turns in every round, since
machines change speed, and are measured in CPU time, so what else runs counts little; the engine stays running
and reports the median over short stretches of its own time. Printed are medians of the ratios within a round,
with the targets beside them. msgpack and orjson are left out where they are not installed, the engine where
there is none (GDLAB_GODOT, or godot or godot4 on PATH).
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import shutil
import statistics
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gdlab.variant import Decoder, PackedFloat32Array, Vector2, dumps
from gdlab.variant.columns import decode_columns

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


def optional(name: str) -> Any:
    """A package, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed (uv pip install {name}): its rows are left out")
        return None


class Engine:
    """A Godot that decodes what it is told to, and says how long that took it."""

    def __init__(self, program: str, folder: Path) -> None:
        script = folder / "measure.gd"
        script.write_text(GDSCRIPT)
        self._process = subprocess.Popen(
            [program, "--headless", "--path", str(folder), "--script", str(script)],
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


def engine(folder: Path) -> Engine | None:
    """The engine, if there is one."""
    names = (os.environ.get("GDLAB_GODOT", ""), "godot", "godot4")
    found = next((path for path in map(shutil.which, filter(None, names)) if path), None)
    if found is None:
        print("no Godot: its rows are left out")
    return Engine(found, folder) if found else None


def columns_of(payloads: list[bytes], count: int) -> tuple[bytes, np.ndarray, np.ndarray]:
    """So many payloads in one buffer."""
    repeated = (payloads * (count // len(payloads) + 1))[:count]
    lengths = np.array(list(map(len, repeated)), np.int64)
    return b"".join(repeated), np.cumsum(lengths) - lengths, lengths


def one_round(
    godot: Engine | None, count: int, one: Any, mixed: Any, msgpack: Any, orjson: Any
) -> dict[str, float]:
    """Nanoseconds of every contender, measured one after the other."""
    data = dumps(MESSAGE)
    floats = dumps(PackedFloat32Array(np.zeros(10_000)))
    plain = {**MESSAGE, "pos": list(MESSAGE["pos"])}
    decoder = Decoder()
    for _ in range(4):
        decoder.loads(data)
    times = {"prepared": each(lambda: decoder.loads(data), 20_000)}
    if godot is not None:
        times["engine"] = godot.time_of(data.hex())
    if msgpack is not None:
        packed = msgpack.packb(plain)
        times["msgpack"] = each(lambda: msgpack.unpackb(packed), 20_000)
    if orjson is not None:
        text = orjson.dumps(plain)
        times["orjson"] = each(lambda: orjson.loads(text), 20_000)
    times["general"] = each(lambda: decoder.general(data), 5_000)
    times["walk"] = each(lambda: walk(data), 5_000)
    times["floats"] = each(lambda: decoder.loads(floats), 3_000)
    times["copy"] = each(lambda: bytearray(floats), 3_000)
    if godot is not None:
        times["engine floats"] = godot.time_of("floats")
    for name, columns in (("columns", one), ("mixed", mixed)):
        times[name] = each(lambda columns=columns: decode_columns(*columns).to_dataframe(), 1) / count  # type: ignore[misc]
    few = (one[0], one[1][:10_000], one[2][:10_000])
    times["rows"] = each(lambda: decode_columns(*few, layouts=False), 1) / 10_000
    return times


#: What, contender, reference, target of the ratio, and whether it should be below it.
ROWS = [
    ("one message, prepared layout, to the engine's time", "prepared", "engine", 1.0),
    ("one message, prepared layout, to msgpack's", "prepared", "msgpack", 1.5),
    ("one message, prepared layout, to orjson's", "prepared", "orjson", None),
    ("one message, general decoder, to a struct walk by hand", "general", "walk", None),
    ("one message, general decoder, to the engine's", "general", "engine", 3.9),
    ("columns of one layout with a DataFrame, to the engine's", "columns", "engine", 1 / 10),
    ("columns of one layout with a DataFrame, to orjson's", "columns", "orjson", 1 / 5),
    ("columns of one layout, to row by row into columns", "columns", "rows", 1 / 50),
    ("columns of six layouts in random order, to the engine's", "mixed", "engine", 1 / 3),
    ("columns of six layouts in random order, to orjson's", "mixed", "orjson", 1 / 1.5),
    ("PackedFloat32Array of 10,000, to the engine's", "floats", "engine floats", 0.2),
    ("PackedFloat32Array of 10,000, to a copy of the bytes", "floats", "copy", 1.0),
]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--messages", type=int, default=1_000_000)
    options = parser.parse_args()
    msgpack, orjson = optional("msgpack"), optional("orjson")
    one = columns_of(
        [dumps({**MESSAGE, "seq": i, "t": i / 60 + 0.01}) for i in range(10_000, 20_000)], options.messages
    )
    order = np.random.default_rng(1).integers(0, 6, 20_000)
    mixed = columns_of([dumps(SHAPES[k](i)) for i, k in enumerate(order)], options.messages)
    decode_columns(one[0], one[1][:100], one[2][:100])  # imports pandas
    with tempfile.TemporaryDirectory() as folder:
        godot = engine(Path(folder))
        try:
            rounds = [
                one_round(godot, options.messages, one, mixed, msgpack, orjson) for _ in range(options.rounds)
            ]
        finally:
            if godot is not None:
                godot.close()
    print(f"\nnanoseconds of a message, medians of {options.rounds} rounds of {options.messages} messages:")
    for name in rounds[0]:
        print(f"  {name:15} {statistics.median(times[name] for times in rounds):10.0f}")
    print("\nratios, medians of those within a round:")
    print(f"{'':58}   ratio  (lowest to highest)")
    for what, contender, reference, target in ROWS:
        if reference not in rounds[0]:
            print(f"{what:58} left out: no {reference}")
            continue
        ratios = sorted(times[contender] / times[reference] for times in rounds)
        ratio = statistics.median(ratios)
        verdict = (
            "" if target is None else f"   target {target:.2f}: {'met' if ratio <= target else 'MISSED'}"
        )
        print(f"{what:58} {ratio:7.3f}  ({ratios[0]:.3f} to {ratios[-1]:.3f}){verdict}")


if __name__ == "__main__":
    main()
