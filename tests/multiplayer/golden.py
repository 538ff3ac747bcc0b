"""Runs of the real engine as message tables, and what their games wrote down themselves."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from gdlab.multiplayer.names import Names
from tests.variant.golden import described, value_of

FOLDER = Path(__file__).parent.parent / "data" / "multiplayer"
PROJECT = FOLDER / "project"


def _runs() -> dict[str, Path]:
    """Folders by name: ours, and those of a folder the environment names."""
    folders = [FOLDER]
    if os.environ.get("GDLAB_MULTIPLAYER_RUNS"):
        folders.append(Path(os.environ["GDLAB_MULTIPLAYER_RUNS"]))
    return {path.parent.name: path.parent for top in folders for path in sorted(top.glob("*/manifest.json"))}


RUNS = _runs()
RECORDED = sorted(name for name, path in RUNS.items() if list(path.glob("*.packets.jsonl.gz")))


@cache
def names() -> Names:
    """Names of the project all runs are of."""
    return Names.of(PROJECT)


def manifest(name: str) -> dict[str, Any]:
    """What the run was."""
    return dict(json.loads((RUNS[name] / "manifest.json").read_text("utf-8")))


def log(name: str) -> list[dict[str, Any]]:
    """What the games wrote."""
    folder = RUNS[name]
    packed = folder / "calls.jsonl.gz"
    raw = gzip.decompress(packed.read_bytes()) if packed.exists() else (folder / "calls.jsonl").read_bytes()
    return [json.loads(line) for line in raw.decode().splitlines()]


@cache
def table(name: str, *, legs: int = 1) -> pd.DataFrame:
    """Rows of the relay: as they came to it, or with a second leg, as they left it.

    Of one leg, `in` is what a client sent; of two, each leg has its own endpoint, as a relay's capture has.
    """
    told = manifest(name)
    scheme = "ws" if told["transport"] == "ws" else "udp"
    rows = []
    for path in sorted(RUNS[name].glob("*.packets.jsonl.gz")):
        client = path.name.split(".")[0]
        listening = (f"{scheme}://127.0.0.1:4300", f"{client}:1")
        onward = (f"{scheme}://127.0.0.1:{5000 + int(client[-1])}", "127.0.0.1:4242")
        for line in gzip.decompress(path.read_bytes()).splitlines():
            said = json.loads(line)
            data, up, fate = bytes.fromhex(said["hex"]), said["dir"] == "c2s", said.get("fate", "")
            if legs == 1:
                rows.append((said["t"], *listening, "in" if up else "out", data, fate))
                continue
            near, far = (listening, onward) if up else (onward, listening)
            rows.append((said["t"], *near, "in", data, fate))
            if fate != "dropped":
                rows.append((said.get("out", said["t"]), *far, "out", data, ""))
    frame = pd.DataFrame(rows, columns=["t", "endpoint", "peer", "direction", "payload", "fate"])
    frame = frame.sort_values("t", kind="stable").reset_index(drop=True)
    since = int(told["t0"] * 1e9)
    frame.insert(0, "time", pd.to_datetime((frame.pop("t") * 1e9).round().astype("int64") + since, utc=True))
    return frame


def key(values: Any) -> str:
    """Arguments as something to compare: types and bits of everything, long ones as their sum."""
    text = repr([described(value) for value in values])
    return text if len(text) < 4000 else hashlib.md5(text.encode()).hexdigest()


def game_ids(said: list[dict[str, Any]]) -> dict[str, int]:
    """Id of each process."""
    return {
        line["who"]: line["id"]
        for line in said
        if line.get("info") in {"ready", "connected_to_server"} and line.get("id")
    }


def called(name: str) -> Counter[tuple[Any, ...]]:
    """(sender, receiver, path, method, arguments) of each call that the games made to somebody who was there."""
    said = log(name)
    ids = game_ids(said)
    there: dict[str, set[int]] = {}
    found: Counter[tuple[Any, ...]] = Counter()
    for line in said:
        who = there.setdefault(line["who"], set())
        if line.get("info") == "connected_to_server":
            who.add(1)
        elif line.get("info") == "peer_connected":
            who.add(line["id"])
        elif line.get("info") == "peer_disconnected":
            who.discard(line["id"])
        if "rpc" not in line or line.get("result", 0) != 0:
            continue
        own, to = ids[line["who"]], line["to"]
        receivers = who if to == 0 else who - {-to} if to < 0 else {to} & who
        if "args" in line:
            arguments: Any = key(map(value_of, line["args"]))
        else:
            arguments = (line["n"], line["size"], line["md5"])
        for receiver in receivers:
            found[own, receiver, line["node"], line["rpc"], arguments] += 1
    return found
