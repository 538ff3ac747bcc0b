"""The compressors a host may use; the range coder is tested with what a game sent, in test_golden."""

from __future__ import annotations

import random
import zlib

import pytest

from gdlab.multiplayer.enet import METHODS, decompress


def test_fastlz_repeats_what_it_wrote_in_both_levels() -> None:
    # Three literals, then a match of length 3 + 2 at distance 3; level 2 sets the first three bits to 1.
    level1 = bytes([0x02]) + b"abc" + bytes([0x60, 0x02])
    assert decompress("fastlz", level1, 100) == b"abcabcab"
    level2 = bytes([0x22]) + b"abc" + bytes([0x60, 0x02])
    assert decompress("fastlz", level2, 100) == b"abcabcab"


def test_fastlz_takes_long_matches() -> None:
    assert decompress("fastlz", b"\x00a" + bytes([0xE0, 20, 0x00]), 100) == b"a" * 30
    assert decompress("fastlz", b"\x20a" + bytes([0xE0, 255, 10, 0x00]), 1000) == b"a" * 275


@pytest.mark.parametrize("method", METHODS)
def test_no_method_gives_more_than_the_limit(method: str) -> None:
    packed = zlib.compress(b"a" * 100_000)
    if method == "fastlz":
        packed = b"\x20a" + bytes([0xE0] + [255] * 1000 + [10, 0])
    if method == "zstd":
        packed = pytest.importorskip("zstandard").compress(b"a" * 100_000)
    found = decompress(method, packed, 4096)
    assert found is None or len(found) <= 4096


def test_what_is_no_command_is_given_up_at_its_first_byte() -> None:
    seen: list[int] = []

    def nothing(body: bytearray) -> int:
        seen.append(len(body))
        return -1

    assert decompress("range", random.Random(2).randbytes(100), 4096, nothing) is None
    assert seen == [1]


@pytest.mark.parametrize("method", METHODS)
def test_noise_ends_in_nothing_or_within_the_limit(method: str) -> None:
    noise = random.Random(5)
    for _ in range(300):
        data = noise.randbytes(noise.randrange(1, 200))
        head = {"zlib": b"\x78\x9c", "zstd": b"\x28\xb5\x2f\xfd"}.get(method, b"")
        found = decompress(method, head + data, 500)
        assert found is None or len(found) <= 500
