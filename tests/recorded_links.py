"""Recorded debugger links of the real engine; see `data/debugger/README.md`."""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data" / "debugger"
NAMES = tuple(sorted(path.name for path in FOLDER.iterdir() if path.is_dir()))


@functools.cache
def manifest(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / name / "manifest.json").read_text())
    return found


@functools.cache
def stream(name: str, who: str = "game") -> bytes:
    return gzip.decompress((FOLDER / name / f"{who}.debug.bin.gz").read_bytes())


def pieces(name: str, who: str = "game") -> Iterator[tuple[bytes, int]]:
    """The bytes of each read, and when it was, UTC nanoseconds."""
    data, about = stream(name, who), manifest(name)
    entry = next(each for each in about["debug"] if each["who"] == who)
    for offset, length, moment in entry["pieces"]:
        yield data[offset : offset + length], round((about["t0"] + moment) * 1e9)


def marks(name: str) -> list[dict[str, Any]]:
    """What the game wrote of what it did."""
    return [json.loads(line) for line in (FOLDER / name / "marks.jsonl").read_text().splitlines()]


def links() -> list[tuple[str, str]]:
    return [(name, each["who"]) for name in NAMES for each in manifest(name)["debug"]]


def frames(name: str, who: str = "game") -> list[bytes]:
    """The stream cut into its frames, length fields and all."""
    data, at, found = stream(name, who), 0, []
    while at < len(data):
        size = 4 + int.from_bytes(data[at : at + 4], "little")
        found.append(data[at : at + size])
        at += size
    return found
