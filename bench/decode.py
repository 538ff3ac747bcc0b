"""Decoding many uniform messages to columns, beside other readers of the same bytes."""

from __future__ import annotations

import importlib
import io
import json
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from bench.rounds import Contender, Metric, Table, Target, bring, interleave
from gdlab import variant
from gdlab.codecs import Decoder
from gdlab.payloads import PayloadArray

MESSAGES = 200_000
FORMAT = "<B type, H seq, 3f pos"
US = Metric("us", "µs of CPU per message", 2)
NEW = Metric("new_ms", "ms with 1,000 rows new", 0)


def _table(payloads: list[bytes]) -> pd.DataFrame:
    times = pd.to_datetime(np.arange(len(payloads)) * 1000 + 10**18, utc=True)
    return pd.DataFrame({"time": times, "payload": PayloadArray._from_sequence(payloads)})


def _gdlab(payloads: list[bytes], codec: str) -> Callable[[], dict[str, float]]:
    table = _table(payloads)

    def run() -> dict[str, float]:
        decoder, first = Decoder(), table.iloc[:-1000]
        begin = time.process_time()
        decoder.decode(first, codec)
        middle = time.process_time()
        found = decoder.decode(table, codec)
        end = time.process_time()
        assert int(found["v.seq"].iloc[-1]) == (len(payloads) - 1) % 65536
        return {"us": (middle - begin) / len(first) * 1e6, "new_ms": (end - middle) * 1e3}

    return run


def _other(payloads: list[bytes], read: Callable[[], Any]) -> Callable[[], dict[str, float]]:
    def run() -> dict[str, float]:
        begin = time.process_time()
        read()
        return {"us": (time.process_time() - begin) / len(payloads) * 1e6, "new_ms": float("nan")}

    return run


def _with(module: str, make: Callable[[Any], Callable[[], dict[str, float]]], name: str) -> Contender:
    try:
        return Contender(name, make(importlib.import_module(module)))
    except ModuleNotFoundError:
        return Contender(name, None, bring(module))


def tables(rounds: int) -> Iterator[Table]:
    """One table for each form of message."""
    numbers = range(MESSAGES)
    as_json = [json.dumps({"seq": n % 65536, "pos": [n * 0.5, 1.0], "hp": n % 100}).encode() for n in numbers]
    blob = b"\n".join(as_json)

    def arrow(module: Any) -> Callable[[], dict[str, float]]:
        options = module.ReadOptions(use_threads=False)
        return _other(as_json, lambda: module.read_json(io.BytesIO(blob), read_options=options))

    contenders = [
        Contender("gdlab", _gdlab(as_json, "json")),
        _with("pyarrow.json", arrow, "arrow's JSON reader"),
        _with(
            "orjson", lambda m: _other(as_json, lambda: [m.loads(p) for p in as_json]), "orjson, to objects"
        ),
        _with(
            "msgspec.json",
            lambda m: _other(as_json, lambda: [m.decode(p) for p in as_json]),
            "msgspec, to objects",
        ),
        Contender("json, to objects", _other(as_json, lambda: [json.loads(p) for p in as_json])),
    ]
    results, missing = interleave(contenders, rounds)
    goals = [Target("gdlab", "us", most=1.0), Target("gdlab", "new_ms", most=20)]
    if "pyarrow.json" not in missing:
        goals.append(Target("gdlab", "us", most=1.5, against="arrow's JSON reader"))
    yield Table("JSON to columns", [US, NEW], "gdlab", results, missing, goals)

    variants = [
        variant.dumps({"seq": n % 65536, "pos": variant.Vector2(n * 0.5, 1), "hp": n % 100}) for n in numbers
    ]
    packs = [struct.pack("<BH3f", 1, n % 65536, n, 2, 3) for n in numbers]

    def unpacked() -> pd.DataFrame:
        return pd.DataFrame(list(struct.iter_unpack("<BH3f", b"".join(packs))), columns=list("tsxyz"))

    def by_msgpack(module: Any) -> Callable[[], dict[str, float]]:
        packed = [module.packb({"seq": n % 65536, "pos": [n * 0.5, 1.0], "hp": n % 100}) for n in numbers]
        return _other(packed, lambda: [module.unpackb(p) for p in packed])

    results, missing = interleave(
        [
            Contender("gdlab, Variant", _gdlab(variants, "variant")),
            Contender("gdlab, struct", _gdlab(packs, FORMAT)),
            Contender("struct + pandas", _other(packs, unpacked)),
            _with("msgpack", by_msgpack, "msgpack, to objects"),
        ],
        rounds,
    )
    goals = [Target(who, "us", most=1.0) for who in ("gdlab, Variant", "gdlab, struct")]
    goals += [Target(who, "new_ms", most=20) for who in ("gdlab, Variant", "gdlab, struct")]
    yield Table("Binary messages to columns", [US, NEW], "gdlab, struct", results, missing, goals)
