"""Messages read together say what `probe.parse` says of each, however many ways of writing are mixed."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdlab import probe
from gdlab.analysis import probe_layouts as layouts
from gdlab.payloads import PayloadArray

#: Ways to write a probe; the last ones are nobody's, or none at all.
WAYS = (
    '{{"probe": "ping", "seq": {0}, "t_us": {1}}}',
    '{{"probe": "pong", "seq": {0}, "t_us": {1}}}',
    '{{"probe":"pong","seq":{0},"t_us":{1}}}',
    '{{"probe":"ping","seq":{0}.0,"t_us":{1}.0}}',
    '{{"probe": "pong", "seq": {0}, "t_us": {1}, "r_us": {2}, "s_us": {3}}}',
    '{{"probe":"pong","r_us":{2},"s_us":{3},"seq":{0},"t_us":{1}}}',
    '{{"probe": "pong", "t_us": {1}, "seq": {0}}}',
    '{{"probe": "pong", "seq": {0}, "t_us": {1}, "s_us": {3}}}',
    '{{"probe": "pong", "seq": 0{0}, "t_us": {1}}}',
    '{{"probe": "pong", "seq": -{0}, "t_us": {1}}}',
    '{{"probe": "pong",\n "seq": {0}, "t_us": {1}}}',
    '{{"probe": "pong", "seq": {0}, "t_us": "{1}"}}',
)


def assert_agrees(texts):
    read = layouts.read(PayloadArray._from_sequence(texts))
    for row, text in enumerate(texts):
        one = probe.parse(text)
        assert read.whole[row] == (one is not None), text
        if one is None:
            assert not read.numbers[row].any()
            continue
        held = one.r_us is not None and one.s_us is not None
        assert (read.pong[row], read.held[row]) == (one.is_pong, held), text
        wanted = [one.seq, one.t_us, *((one.r_us, one.s_us) if held else (0, 0))]
        assert read.numbers[row].tolist() == wanted, text


@pytest.mark.slow
@settings(max_examples=40)
@given(st.integers(0, 2**32), st.lists(st.sampled_from(WAYS), min_size=1, max_size=6), st.integers(1, 19))
def test_any_mixture_of_ways_to_write(seed, ways, digits):
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 10 ** rng.integers(0, digits, (300, 4)), endpoint=True).tolist()
    chosen = rng.integers(0, len(ways), 300).tolist()
    assert_agrees([ways[way].format(*row).encode() for way, row in zip(chosen, numbers, strict=True)])


@pytest.mark.slow
@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_any_byte_changed(seed):
    rng = np.random.default_rng(seed)
    texts = np.array([list(probe.ping(100 + i, 10**12 * (100 + i))) for i in range(300)], dtype=np.uint8)
    changed = np.flatnonzero(rng.random(300) < 0.3)
    texts[changed, rng.integers(0, texts.shape[1], len(changed))] = rng.integers(0, 256, len(changed))
    assert_agrees([row.tobytes() for row in texts])


def test_each_written_differently():
    # As many layouts as messages, all of one length: each is still read, one by one.
    texts = []
    for mask in range(512):
        gaps = [" " * (mask >> bit & 1) for bit in range(9)]
        fill = " " * (9 - sum(map(len, gaps)))
        keys = '{{"probe"{0}:{1}"ping"{2},{3}"seq"{4}:{5}7{6},{7}"t_us":{8}9}}{fill}'
        texts.append(keys.format(*gaps, fill=fill).encode())
    assert len({len(text) for text in texts}) == 1
    assert all(json.loads(text)["seq"] == 7 for text in texts)
    assert_agrees(texts)


def test_nothing_to_read():
    assert len(layouts.read(PayloadArray._from_sequence([])).whole) == 0
    assert_agrees([b"", b"{", b"x" * 600])
