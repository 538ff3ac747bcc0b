"""Framers against a slicing loop, as ratios: ``python bench/framing.py [--quick]``.

Each round runs every contender once over the same bytes in 256 KiB chunks, one after another, so that a
machine that changes speed does so for all; the figure is the median of the ratios to the slicing loop.
The last table is for one message a chunk, as a game of few messages sends them.
"""

from __future__ import annotations

import argparse
import random
import statistics
import struct
import time
from collections.abc import Callable, Iterable

from gdlab.framing import encode, framer

CHUNK_BYTES = 256 * 1024


def slicing_loop(chunks: Iterable[bytes]) -> int:
    """What one writes by hand for u32 little-endian: a bytes object for each frame, in a list."""
    unpack = struct.Struct("<I").unpack_from
    rest, count = b"", 0
    for chunk in chunks:
        data = rest + chunk
        at, size, found = 0, len(data), []
        while at + 4 <= size:
            (length,) = unpack(data, at)
            end = at + 4 + length
            if end > size:
                break
            found.append(data[at + 4 : end])
            at = end
        rest = data[at:]
        count += len(found)
    return count


def by_frames(name: str) -> Callable[[Iterable[bytes]], int]:
    """`Framer.frames` after each chunk."""

    def run(chunks: Iterable[bytes]) -> int:
        one, count = framer(name), 0
        for chunk in chunks:
            one.receive_data(chunk)
            count += len(one.frames())
        return count

    return run


def by_table(name: str) -> Callable[[Iterable[bytes]], int]:
    """`Framer.table` after each chunk, then `frames` for what it left."""

    def run(chunks: Iterable[bytes]) -> int:
        one, count = framer(name), 0
        for chunk in chunks:
            one.receive_data(chunk)
            count += len(one.table().offsets) + len(one.frames())
        return count

    return run


def in_chunks(wire: bytes, size: int = CHUNK_BYTES) -> list[bytes]:
    return [wire[start : start + size] for start in range(0, len(wire), size)]


def compare(
    contenders: dict[str, tuple[Callable[[Iterable[bytes]], int], list[bytes]]], count: int, rounds: int
) -> None:
    """Run all in turn, print medians; the first is the reference."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (run, chunks) in contenders.items():
            start = time.perf_counter()
            found = run(chunks)
            times[name].append(time.perf_counter() - start)
            if found != count:
                raise AssertionError(f"{name} found {found} of {count} frames")
    reference = next(iter(times.values()))
    for name, values in times.items():
        ratio = statistics.median(mine / theirs for mine, theirs in zip(values, reference, strict=True))
        print(f"  {name:34} {statistics.median(values) / count * 1e9:8.0f} ns/frame   x {ratio:6.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer frames and rounds")
    quick = parser.parse_args().quick
    count, rounds = (20_000, 3) if quick else (200_000, 7)
    source = random.Random(4)
    sizes = {
        "64 bytes each": [64] * count,
        "20 to 200 bytes": [source.randrange(20, 201) for _ in range(count)],
        "runs of 50, then one other": [96 if index % 51 else 40 for index in range(count)],
        "two lengths at random": [source.choice((64, 104)) for _ in range(count)],
    }
    for title, lengths in sizes.items():
        payloads = [bytes(b"a" * length) for length in lengths]
        wire = {name: in_chunks(b"".join(encode(name, p) for p in payloads)) for name in ("u32le", "lines")}
        quoted = [b'{"t":"' + p[8:] + b'"}' for p in payloads]
        json_wire = in_chunks(b"".join(quoted))
        print(f"{title}, chunks of {CHUNK_BYTES // 1024} KiB")
        compare(
            {
                "slicing loop, u32le": (slicing_loop, wire["u32le"]),
                "table(), u32le": (by_table("u32le"), wire["u32le"]),
                "frames(), u32le": (by_frames("u32le"), wire["u32le"]),
                "frames(), lines": (by_frames("lines"), wire["lines"]),
                "frames(), json": (by_frames("json"), json_wire),
            },
            count,
            rounds,
        )
    print("64 bytes each, one frame a chunk")
    small = [encode("u32le", b"a" * 64)] * count
    compare(
        {
            "slicing loop, u32le": (slicing_loop, small),
            "frames(), u32le": (by_frames("u32le"), small),
            "table(), u32le": (by_table("u32le"), small),
            "frames(), lines": (by_frames("lines"), [b"a" * 64 + b"\n"] * count),
            "frames(), json": (by_frames("json"), [b'{"t":"' + b"a" * 56 + b'"}'] * count),
        },
        count,
        rounds,
    )


if __name__ == "__main__":
    main()
