"""Tables of generated traffic with known truth, as a capture would hold them."""

from __future__ import annotations

import functools
import json

import numpy as np
import pandas as pd

from gdlab.facts import Fact
from gdlab.messages import CATEGORIES, SCHEMA
from gdlab.words import sentence

#: 2026-01-01 00:00:00 UTC.
START_NS = 1_767_225_600_000_000_000
ENDPOINT = "udp://127.0.0.1:4242"
PEER = "127.0.0.1:53211"


def table(
    time_ns=(),
    payload=b"x",
    *,
    endpoint=ENDPOINT,
    peer=PEER,
    direction="in",
    event="message",
    kind="text",
    time_source="kernel",
    size_bytes=None,
    header_bytes=28,
    fact=None,
    **decoded,
) -> pd.DataFrame:
    """A capture's table; every argument one value for all rows or one for each, times from the start."""
    time_ns = np.asarray(time_ns, dtype=np.int64)
    n = len(time_ns)

    def column(value):
        return [value] * n if isinstance(value, str | bytes) else list(value)

    payloads = np.empty(n, dtype=object)
    payloads[:] = column(payload)
    sizes = [len(p) for p in payloads] if size_bytes is None else size_bytes
    frame = pd.DataFrame(
        {
            "time": pd.DatetimeIndex((START_NS + time_ns).view("datetime64[ns]")).tz_localize("UTC"),
            "time_source": text(time_source, n, "time_source"),
            "endpoint": text(endpoint, n),
            "peer": text(peer, n),
            "direction": text(direction, n, "direction"),
            "event": text(event, n, "event"),
            "kind": text(kind, n, "kind"),
            "framing": text("", n),
            "size_bytes": np.broadcast_to(np.asarray(sizes, dtype=np.int64), n).copy(),
            "wire_bytes": np.broadcast_to(np.asarray(sizes, dtype=np.int64), n) + header_bytes,
            "payload": payloads,
            **(fact_of(fact, n) if fact is None or isinstance(fact, Fact) else facts_of(list(fact))),
        }
    )
    for name, values in decoded.items():
        frame[name.replace("__", ".")] = values
    assert [c.name for c in SCHEMA] == list(frame.columns[: len(SCHEMA)])
    return frame


@functools.cache
def _dtype(categories):
    return pd.Categorical(categories).set_categories(categories).dtype


def text(value, n, name=None):
    """A categorical column; of one value for all rows, which is what most are, without looking at each row."""
    if not isinstance(value, str) or not n:
        rows = [] if isinstance(value, str) else list(value)
        if name is None:
            return pd.Categorical(rows)
        categories = tuple(CATEGORIES[name])
        numbers = {category: number for number, category in enumerate(categories)}
        codes = np.array([numbers.get(row, -1) for row in rows], np.int8)
        return pd.Categorical.from_codes(codes, dtype=_dtype(categories), validate=False)
    dtype = _dtype((value,) if name is None else tuple(CATEGORIES[name]))
    code = dtype.categories.get_loc(value) if value in dtype.categories else -1
    return pd.Categorical.from_codes(np.full(n, code, np.int8), dtype=dtype, validate=False)


@functools.lru_cache(64)
def fact_of(fact, n):
    """As `facts_of`, of one fact or none for all rows; a table that is made of them copies them."""
    return {
        "reason": text(fact.reason if fact else "", n, "reason"),
        "by": text(fact.by if fact else "", n, "by"),
        "code": pd.array([fact.code if fact else None] * n, dtype="Int32"),
        "count": pd.array([fact.count if fact else None] * n, dtype="Int64"),
        "detail": pd.array([sentence(fact) if fact else ""] * n, dtype="string"),
    }


def facts_of(facts):
    """The columns behind the payload, of facts or None."""
    return {
        "reason": pd.Categorical(
            [f.reason if f else "" for f in facts], categories=list(CATEGORIES["reason"])
        ),
        "by": pd.Categorical([f.by if f else "" for f in facts], categories=list(CATEGORIES["by"])),
        "code": pd.array([f.code if f else None for f in facts], dtype="Int32"),
        "count": pd.array([f.count if f else None for f in facts], dtype="Int64"),
        "detail": pd.array([sentence(f) if f else "" for f in facts], dtype="string"),
    }


def merged(*tables: pd.DataFrame) -> pd.DataFrame:
    """Several tables as one in order of time, with categories united, as a capture of several endpoints."""
    whole = pd.concat(tables, ignore_index=True)
    whole = whole.sort_values("time", kind="stable", ignore_index=True)
    for name in ("endpoint", "peer"):
        whole[name] = whole[name].astype(object).astype("category")
    for name, categories in CATEGORIES.items():
        if whole[name].dtype != _dtype(tuple(categories)):
            whole[name] = pd.Categorical(whole[name], categories=list(categories))
    return whole


def ping(seq: int, t_us: int) -> bytes:
    return json.dumps({"probe": "ping", "seq": int(seq), "t_us": int(t_us)}).encode()


def pong(seq: int, t_us: int, **more: int) -> bytes:
    return json.dumps({"probe": "pong", "seq": int(seq), "t_us": int(t_us), **more}).encode()


def pings(sent_ns, rtt_ns, *, peer: str = PEER, endpoint: str = ENDPOINT, echo: bool = False) -> pd.DataFrame:
    """Probes sent at times and answered after round trips (negative: never)."""
    sent_ns, rtt_ns = np.asarray(sent_ns, dtype=np.int64), np.asarray(rtt_ns, dtype=np.int64)
    asked = [ping(i, s // 1000) for i, s in enumerate(sent_ns)]
    back = rtt_ns >= 0
    answers = [a if echo else a.replace(b"ping", b"pong") for a, b in zip(asked, back, strict=True) if b]
    times = np.concatenate([sent_ns, (sent_ns + rtt_ns)[back]])
    directions = ["out"] * len(sent_ns) + ["in"] * int(back.sum())
    whole = table(times, asked + answers, peer=peer, endpoint=endpoint, direction=directions)
    return whole.sort_values("time", kind="stable", ignore_index=True)
