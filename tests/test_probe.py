"""Round trips from probes, with time as an argument."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdlab import probe, variant
from gdlab.probe import MAX_PROBE_BYTES, REMEMBERED, Pinger, Probe, ProbeStatistics, answer, parse, ping

MS = 1_000_000
START = 1_763_826_000_123_456_789


def counts(**wanted):
    return ProbeStatistics(
        **{
            **dict.fromkeys(
                ("sent", "answered", "unanswered", "waiting", "late", "duplicated", "unexpected"), 0
            ),
            **wanted,
        }
    )


def test_the_message():
    assert ping(17, 123_456_789_999) == b'{"probe": "ping", "seq": 17, "t_us": 123456789}'
    assert parse(ping(17, 123_456_789_999)) == Probe(is_pong=False, seq=17, t_us=123456789)


def test_the_answer_tells_when_it_was_received_and_sent():
    pong = answer(ping(17, 5000), 7_000_999, 9_000_000)
    assert pong == b'{"probe": "pong", "seq": 17, "t_us": 5, "r_us": 7000, "s_us": 9000}'
    assert parse(pong) == Probe(is_pong=True, seq=17, t_us=5, r_us=7000, s_us=9000)
    assert answer(pong, 1, 2) is None
    assert answer(b"hello", 1, 2) is None


def test_a_ping_that_is_a_variant_is_answered_by_one():
    sent = variant.dumps({"probe": "ping", "seq": 17, "t_us": 1_763_826_000_123_456})
    assert ping(17, 1_763_826_000_123_456_789, as_variant=True) == sent
    assert parse(sent) == Probe(is_pong=False, seq=17, t_us=1_763_826_000_123_456)
    pong = answer(sent, 7_000_999, 9_000_000)
    assert variant.loads(pong) == {
        "probe": "pong",
        "seq": 17,
        "t_us": 1_763_826_000_123_456,
        "r_us": 7000,
        "s_us": 9000,
    }
    assert parse(pong) == Probe(is_pong=True, seq=17, t_us=1_763_826_000_123_456, r_us=7000, s_us=9000)
    assert answer(pong, 1, 2) is None


@pytest.mark.parametrize(
    "value",
    [
        {"probe": "pang", "seq": 1, "t_us": 1},
        {"probe": variant.PackedInt32Array([1, 2]), "seq": 1, "t_us": 1},
        {"probe": "ping", "seq": True, "t_us": 1},
        {"probe": "ping", "seq": -1, "t_us": 1},
        {"probe": "ping", "seq": "1", "t_us": 1},
        {"probe": "ping", "seq": 1},
        {"probe": "ping", "seq": 1, "t_us": 1, "more": "x" * MAX_PROBE_BYTES},
        {"seq": 1, "t_us": 1, "probe": "ping"},
        ["probe", "ping", 1, 1],
    ],
)
def test_what_is_no_probe_as_a_variant(value):
    assert parse(variant.dumps(value)) is None


@given(st.binary(max_size=80))
def test_hostile_bytes_behind_the_first_key_of_a_variant(tail):
    payload = b"\x1b\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0probe\0\0\0" + tail
    parse(payload)
    answer(payload, 1, 2)


def test_what_godot_4_6_makes_of_a_ping_is_still_one():
    # JSON.stringify(JSON.parse_string(...)) of the engine
    text = b'{"probe":"ping","seq":17.0,"t_us":1763826000123456.0}'
    assert parse(text) == Probe(is_pong=False, seq=17, t_us=1763826000123456)


@pytest.mark.parametrize("around", [b"%b\n", b" \r\n%b", b"%b\0"])
def test_space_and_a_nul_around_it_do_no_harm(around):
    assert parse(around % ping(1, 2000)) == Probe(is_pong=False, seq=1, t_us=2)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"probe",
        b'"probe"',
        b'["probe"]',
        b'{"probe": "ping"}',
        b'{"probe": "pang", "seq": 1, "t_us": 1}',
        b'{"probe": ["ping"], "seq": 1, "t_us": 1}',
        b'{"probe": "ping", "seq": 1.5, "t_us": 1}',
        b'{"probe": "ping", "seq": true, "t_us": 1}',
        b'{"probe": "ping", "seq": -1, "t_us": 1}',
        b'{"probe": "ping", "seq": "1", "t_us": 1}',
        b'{"probe": "ping", "seq": NaN, "t_us": 1}',
        b'{"probe": "ping", "seq": 1e999, "t_us": 1}',
        b'{"probe": "ping", "seq": 1, "t_us": 9223372036854775808}',
        b'{"probe": "ping", "seq": 1, "t_us": 1',
        b'{"probe": "ping", "seq": 1, "t_us": 1}' + b" " * MAX_PROBE_BYTES,
        b'{"probe": "\xff", "seq": 1, "t_us": 1}',
        b'{"probe":' + b"[" * 480,
    ],
)
def test_what_is_no_probe(payload):
    assert parse(payload) is None


@given(
    st.one_of(st.binary(max_size=80), st.binary(max_size=40).map(lambda b: b'{"probe": "ping", "seq": ' + b))
)
def test_hostile_bytes_never_raise(payload):
    parse(payload)
    answer(payload, 1, 2)
    assert Pinger(1).receive(payload, 1) is None


def test_a_round_trip_through_an_echo():
    pinger = Pinger(100 * MS)
    first, second = pinger.send(START), pinger.send(START + 5 * MS)
    trip = pinger.receive(second, START + 8 * MS)
    assert (trip.seq, trip.rtt_ns, trip.late, trip.held_ns, trip.offset_ns) == (1, 3 * MS, False, None, None)
    assert trip.offset_error_ns is None
    assert pinger.receive(first, START + 16 * MS).rtt_ns == 16 * MS
    assert pinger.statistics() == counts(sent=2, answered=2)


def test_a_round_trip_through_godots_json():
    pinger = Pinger(100 * MS)
    pong = {**json.loads(pinger.send(START)), "probe": "pong"}
    text = json.dumps({k: float(v) if isinstance(v, int) else v for k, v in pong.items()})
    assert pinger.receive(text.encode(), START + MS).rtt_ns == MS


def test_the_offset_of_the_other_clock():
    pinger = Pinger(100 * MS)
    sent = 1_000_000_000
    ahead = 7_000_000_000  # the peer's clock
    received = sent + ahead + 4 * MS  # 4 ms there
    pong = answer(pinger.send(sent), received, received + 10 * MS)
    trip = pinger.receive(pong, sent + 16 * MS)  # 2 ms back
    assert (trip.rtt_ns, trip.held_ns) == (16 * MS, 10 * MS)
    assert trip.offset_ns == ahead + MS  # wrong by half of the asymmetry
    assert abs(trip.offset_ns - ahead) <= trip.offset_error_ns
    assert trip.offset_error_ns == 3 * MS + 1000


@pytest.mark.parametrize(("r_us", "s_us"), [(5, 4), (0, 10**9), (5, None), (None, 5), ("x", 5)])
def test_stamps_that_cannot_be_give_no_offset(r_us, s_us):
    pinger = Pinger(100 * MS)
    fields = {**json.loads(pinger.send(START)), "probe": "pong", "r_us": r_us, "s_us": s_us}
    trip = pinger.receive(json.dumps(fields).encode(), START + MS)
    assert (trip.rtt_ns, trip.held_ns, trip.offset_ns) == (MS, None, None)


def test_unanswered_and_late():
    pinger = Pinger(100 * MS)
    pings = [pinger.send(START + index * 50 * MS) for index in range(3)]
    assert pinger.expire(START + 100 * MS) == []  # just in time
    assert pinger.expire(START + 100 * MS + 1) == [0]
    assert pinger.expire(START + 100 * MS + 1) == []
    trip = pinger.receive(pings[0], START + 120 * MS)
    assert (trip.seq, trip.rtt_ns, trip.late) == (0, 120 * MS, True)
    assert pinger.statistics() == counts(sent=3, unanswered=1, late=1, waiting=2)
    assert pinger.receive(pings[2], START + 200 * MS).late is False  # 100 ms: just in time
    assert pinger.expire(START + 1000 * MS) == [1]
    assert pinger.statistics() == counts(sent=3, answered=1, unanswered=2, late=1)


def test_an_answer_after_the_timeout_is_late_even_if_nobody_asked_in_between():
    pinger = Pinger(100 * MS)
    assert pinger.receive(pinger.send(START), START + 100 * MS + 1).late
    assert pinger.expire(START + 200 * MS) == [0]


def test_duplicated_and_unexpected():
    pinger = Pinger(100 * MS)
    sent = pinger.send(START)
    assert pinger.receive(sent, START + MS) is not None
    assert pinger.receive(sent, START + 2 * MS) is None
    stale = ping(0, START - 3600 * 1000 * MS).replace(
        b"ping", b"pong"
    )  # of an earlier run, with the same seq
    assert pinger.receive(stale, START + 3 * MS) is None
    assert pinger.receive(ping(99, START).replace(b"ping", b"pong"), START + 3 * MS) is None
    assert pinger.statistics() == counts(sent=1, answered=1, duplicated=1, unexpected=2)


def test_a_ping_of_the_peer_is_to_be_answered_an_echo_of_ours_is_not():
    pinger = Pinger(100 * MS)
    own = pinger.send(START)
    theirs = ping(0, START + 77 * MS)
    assert pinger.is_own(own)
    assert not pinger.is_own(theirs)
    assert pinger.receive(theirs, START + MS) is None
    assert pinger.statistics() == counts(sent=1, waiting=1)
    pinger.receive(own, START + MS)
    assert pinger.is_own(own)


def test_memory_is_bounded_if_nobody_answers_and_nobody_asks():
    pinger = Pinger(MS)
    total = REMEMBERED + 100
    first = pinger.send(START)
    for index in range(1, total):
        pinger.send(START + index * 2 * MS)
    assert pinger.statistics() == counts(sent=total, unanswered=total - 1, waiting=1)
    assert len(pinger.expire(START + total * 2 * MS)) == REMEMBERED
    assert pinger.receive(first.replace(b"ping", b"pong"), START + total * 2 * MS) is None
    assert pinger.statistics().unexpected == 1


def test_a_timeout_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        Pinger(0)


def test_the_beginning_of_a_probe_that_is_a_variant_is_what_godot_writes():
    written = probe.ping(1, 1_000, as_variant=True)
    assert written.startswith(probe.VARIANT_PREFIX)
    assert written.startswith(probe.VARIANT_KEY, probe.VARIANT_KEY_AT)
    assert probe.is_variant(written)
