"""Decoding many uniform messages to columns, beside other readers of the same bytes."""

from __future__ import annotations

import importlib
import io
import json
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bench.rounds import Contender, Metric, Table, Target, bring, check, interleave
from gdlab import variant
from gdlab.codecs import Decoder
from gdlab.messages import Peer
from gdlab.payloads import PayloadArray
from gdlab.store import Store
from gdlab.store.table import Builder

MESSAGES = 200_000
ROWS = 1_000_000
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


def _growing(payloads: list[bytes], codec: str) -> Callable[[], dict[str, float]]:
    """`cap.decoded()` of a capture of `ROWS` rows that repeat the payloads, after each 1,000 more."""
    sizes = np.array([len(payload) for payload in payloads], np.int64)
    data, codes = np.frombuffer(b"".join(payloads), np.uint8), np.zeros(len(payloads), np.int64)
    store, builder, decoder = Store("udp://127.0.0.1:4242"), Builder(), Decoder()
    offsets = np.concatenate([[0], np.cumsum(sizes)])

    def more(rows: int) -> None:
        times = (np.arange(rows) + store.received) * 1000 + 10**18
        peers = codes[:rows] + store.peer_code(Peer("127.0.0.1", 50_000))
        kinds = np.zeros(rows, np.int8)
        store.extend(times, peers, sizes[:rows], data[: offsets[rows]], sizes[:rows] + 28, kinds)

    def table() -> pd.DataFrame:
        return decoder.decode(builder.build([store.snapshot()]), codec)

    while store.received < ROWS:
        more(len(payloads))
    held = [table()]

    def run() -> dict[str, float]:
        more(1000)
        begin = time.process_time()
        held[0] = table()
        took = time.process_time() - begin
        check(len(held[0]) == store.received, f"{len(held[0])} rows of {store.received}")
        return {"new_ms": took * 1e3}

    return run


def _json(title: str, as_json: list[bytes], rounds: int) -> Table:
    """Messages as objects on a line each, beside readers that make columns or objects."""
    blob = b"\n".join(as_json)

    def arrow(module: Any) -> Callable[[], dict[str, float]]:
        options = module.ReadOptions(use_threads=False)
        return _other(as_json, lambda: module.read_json(io.BytesIO(blob), read_options=options))

    def each(read: str) -> Callable[[Any], Callable[[], dict[str, float]]]:
        return lambda module: _other(as_json, lambda: [getattr(module, read)(p) for p in as_json])

    contenders = [
        Contender("gdlab", _gdlab(as_json, "json")),
        _with("pyarrow.json", arrow, "arrow's JSON reader"),
        _with("orjson", each("loads"), "orjson, to objects"),
        _with("msgspec.json", each("decode"), "msgspec, to objects"),
        Contender("json, to objects", each("loads")(json)),
    ]
    results, missing = interleave(contenders, rounds)
    goals = [Target("gdlab", "us", most=1.0), Target("gdlab", "new_ms", most=20)]
    if "pyarrow.json" not in missing:
        goals.append(Target("gdlab", "us", most=1.5, against="arrow's JSON reader"))
    return Table(title, [US, NEW], "gdlab", results, missing, goals)


def tables(rounds: int) -> Iterator[Table]:
    """One table for each form of message, and one of captures that grow."""
    numbers = range(MESSAGES)
    plain = [json.dumps({"seq": n % 65536, "pos": [n * 0.5, 1.0], "hp": n % 100}).encode() for n in numbers]
    yield _json("JSON to columns", plain, rounds)
    texts = [
        json.dumps(
            {"seq": n % 65536, "pos": [n * 0.5, 1.0], "who": f"player{n % 40}", "say": f"hello {n}"}
        ).encode()
        for n in numbers
    ]
    yield _json("JSON with lists and text to columns", texts, rounds)

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

    some = slice(0, 50_000)
    contenders = [
        Contender("struct", _growing(packs[some], FORMAT)),
        Contender("Variant", _growing(variants[some], "variant")),
        Contender("JSON", _growing(plain[some], "json")),
        Contender("JSON with lists and text", _growing(texts[some], "auto")),
    ]
    results, missing = interleave(contenders, 5 * rounds)
    goals = [Target(contender.name, "new_ms", most=20) for contender in contenders]
    yield Table(f"cap.decoded() of {ROWS:,} rows", [NEW], "struct", results, missing, goals)

    for name, payloads, codec in (
        ("JSON", plain, "json"),
        ("Variant", variants, "variant"),
        ("struct", packs, FORMAT),
    ):
        few, many = (f"{count:,} messages" for count in (MESSAGES // 10, MESSAGES))
        contenders = [
            Contender(few, _gdlab(payloads[: MESSAGES // 10], codec)),
            Contender(many, _gdlab(payloads, codec)),
        ]
        results, missing = interleave(contenders, 3 * rounds)
        targets = [Target(many, "us", most=1.2, against=few, source="issue")]
        title = f"growth, {name} to columns: CPU per message at ten times as many"
        yield Table(title, [replace(US, ratio=True)], few, results, missing, targets)
