"""The columns of probes say what `probe.parse` says of each message."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gdlab import analysis, probe, variant
from gdlab.analysis.probes import MIN_BYTES
from tests.traffic import ping, pong, table

NUMBERS = st.one_of(
    st.integers(-3, 100),
    st.integers(2**53 - 2, 2**63 + 2),
    st.floats(allow_nan=False, width=32),
    st.sampled_from([True, None, "7", [], 17.0, 1e30]),
)
KINDS = st.sampled_from(["ping", "pong", "pang", 1])
#: In any order of keys, but for the first: every writer of probes begins with it, and nothing else is looked at.
FIELDS = st.tuples(
    KINDS, st.dictionaries(st.sampled_from(["r_us", "s_us", "seq", "t_us", "more"]), NUMBERS)
).map(lambda parts: {"probe": parts[0], **parts[1]})


def assert_agrees(payload: bytes) -> None:
    found = analysis.probes(table([0], payload))
    one = probe.parse(payload)
    assert len(found) == (one is not None)
    if one is not None:
        row = found.iloc[0]
        assert (row["pong"], row["seq"], row["t_us"]) == (one.is_pong, one.seq, one.t_us)
        held = one.r_us is not None and one.s_us is not None
        assert row["held"] == held
        assert (row["r_us"], row["s_us"]) == ((one.r_us, one.s_us) if held else (0, 0))


@pytest.mark.slow
@given(
    FIELDS, st.sampled_from([(", ", ": "), (",", ":"), (" ,", " : ")]), st.sampled_from([b"", b"\0", b" "])
)
def test_any_fields_in_any_writing(fields, separators, tail):
    payload = json.dumps(fields, separators=separators).encode() + tail
    if len(payload) >= MIN_BYTES:
        assert_agrees(payload)


@given(st.binary(max_size=60))
@example(b' "ping", "seq": 007, "t_us": 1}')  # no JSON
@example(b': "ping", "seq": -1, "t_us": 1}')
@example(b': "ping", "seq": 1.0, "t_us": 9223372036854775807}')
@example(b': "ping", "seq": 1, "t_us": 2, "t_us": 3}')
@example(b': "ping", "seq": 1, "t_us": 2, "r_us": 5, "s_us": -5}')
@example(b': "ping", "seq": 1, "t_us": 2}' + b" " * 600)
def test_any_bytes_behind_the_prefix(tail):
    payload = probe.JSON_PREFIX + tail
    if len(payload) >= MIN_BYTES:
        assert_agrees(payload)


@pytest.mark.slow
@given(FIELDS)
def test_any_fields_as_a_variant(fields):
    fields = {name: value for name, value in fields.items() if type(value) is not int or value < 2**63}
    assert_agrees(variant.dumps(fields))


def test_variants_among_other_messages():
    asked = variant.dumps({"probe": "ping", "seq": 1, "t_us": 2})
    payloads = [asked, variant.dumps({"hp": 7}), ping(3, 4), b"x" * 80, probe.answer(asked, 5000, 6000)]
    found = analysis.probes(table([0, 1, 2, 3, 4], payloads))
    assert found.row.tolist() == [0, 2, 4]
    assert found.exchange.tolist() == [0, 1, 0]
    assert found[["seq", "t_us", "r_us", "s_us"]].iloc[2].tolist() == [1, 2, 5, 6]


@pytest.mark.parametrize(
    "payload",
    [probe.ping(2**62, 10**18), ping(0, 0), pong(3, 4, r_us=5, s_us=6), probe.answer(ping(3, 4), 1, 2)],
)
def test_what_gdlab_and_games_send(payload):
    assert probe.parse(payload) is not None
    assert_agrees(payload)


def test_the_shortest_probe_is_found():
    assert len(analysis.probes(table([0], b'{"probe":"ping","seq":0,"t_us":0}'))) == 1
