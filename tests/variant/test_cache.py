"""Layouts are found, kept while they are used, and bounded."""

from __future__ import annotations

import struct

import pytest

from gdlab import variant as v
from gdlab.variant.cache import LayoutCache


def message(seq: int) -> bytes:
    return v.dumps({"seq": seq, "name": "abcd"})


def test_the_second_payload_of_a_shape_makes_a_layout() -> None:
    cache = LayoutCache()
    cache.missed(message(1))
    assert len(cache) == 0
    cache.missed(message(2))
    assert len(cache) == 1
    assert list(cache.readers) == [len(message(3))]


def test_lengths_are_bounded() -> None:
    cache = LayoutCache()
    for size in range(2 * LayoutCache.MAX_READERS):
        cache.missed(bytes(size))
    assert len(cache.readers) <= LayoutCache.MAX_READERS


def test_payloads_without_a_shape_make_none() -> None:
    cache = LayoutCache()
    for i in range(3000):
        cache.missed(v.dumps({f"key{i:06}": i}))
    assert len(cache) == 0


def strangers(count: int) -> list[bytes]:
    """Payloads of many shapes and lengths, each twice."""
    return [
        payload
        for i in range(count)
        for payload in [
            struct.pack("<II", 28, i % 600 + 1)
            + bytes(i % 600 * 4)
            + struct.pack("<II", 27 + i // 600 % 2, 0)
        ]
        * 2
    ]


@pytest.mark.slow
def test_the_number_of_layouts_is_bounded() -> None:
    cache = LayoutCache()
    for data in strangers(5000):
        cache.missed(data)
    assert 0 < len(cache) <= LayoutCache.MAX_LAYOUTS


@pytest.mark.slow
def test_shapes_of_strangers_do_not_keep_a_game_from_its_layout() -> None:
    decoder = v.Decoder()
    ours = v.dumps({"seq": 1, "pos": v.Vector2(1, 2)})
    cache = decoder._layouts
    for data in strangers(1500):
        decoder.loads(data)
        decoder.loads(ours)
        assert decoder.loads(ours)["seq"] == 1
    made = cache._made
    assert made >= LayoutCache.MAX_LAYOUTS
    assert len(ours) in cache.readers


def test_more_shapes_of_one_length_than_are_kept_are_still_read() -> None:
    decoder = v.Decoder()
    values = [{f"k{i:02}": i} for i in range(3 * LayoutCache.MAX_PER_LENGTH)]
    for _ in range(200):
        for value in values:
            assert decoder.loads(v.dumps(value)) == value
