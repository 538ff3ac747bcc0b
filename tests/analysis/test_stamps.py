"""The number and the time that gdlab's own GDScript writes into messages are known in every form."""

from __future__ import annotations

import random
import struct

import pytest

from gdlab import analysis, variant
from tests.traffic import table

EVERY_US = 100_000


def as_json(seq, t_us):
    return b'{"seq":%d,"t_us":%d,"text":"Hello from Godot"}' % (seq, t_us)


def as_text(seq, t_us):
    return b"Hello from Godot seq=%d t_us=%d" % (seq, t_us)


def as_bytes(seq, t_us):
    return struct.pack("<IQ", seq, t_us)


def as_long_bytes(seq, t_us):
    return struct.pack("<IQ", seq, t_us) + bytes(12)


def as_variant(seq, t_us):
    return variant.dumps({"seq": seq, "t_us": t_us, "pos": variant.Vector2(seq, 0.5)})


FORMS = [as_json, as_text, as_bytes, as_long_bytes, as_variant]


def sent(form, numbers):
    """Messages of a game that counts them, in the order in which they come."""
    payloads = [form(number, 5_000_000 + number * EVERY_US) for number in numbers]
    return table([number * EVERY_US * 1000 + 1_000_000 for number in numbers], payloads)


@pytest.mark.parametrize("form", FORMS)
def test_loss_is_found_without_being_told_where_the_number_is(form):
    (told,) = analysis.sequence(sent(form, [0, 1, 2, 4, 5, 6, 8, 9])).to_dict("records")
    assert (told["messages"], told["expected"], told["lost"]) == (8, 10, 2)
    found = analysis.findings(sent(form, [0, 1, 2, 4, 5, 6, 8, 9])).set_index("rule")
    assert found.what["missing-numbers"].startswith("2 of 10 numbered messages never arrived")
    assert found.evidence["foreign-clock"] == "8 messages with t_us of the other side"


@pytest.mark.parametrize("form", FORMS)
def test_jitter_is_of_the_clock_in_the_messages(form):
    found = analysis.jitter(sent(form, range(20)))
    assert len(found) == 20
    assert found.jitter_ms.dropna().max() == 0


def numbers_alone(n):
    return struct.pack("<IQ", n, 7)


def times_alone(n):
    return struct.pack("<IQ", 7, n * EVERY_US)


def another_pace(n):
    return struct.pack("<IQ", n, n * EVERY_US // 1000)


def noise(n):
    return random.Random(n).randbytes(12)


def more_behind(n):
    return struct.pack("<IQI", n, n * EVERY_US, n)


def json_without_a_time(n):
    return b'{"seq": %d}' % n


def words_for_numbers(n):
    return b'{"seq": "a%d", "t_us": "b"}' % n


@pytest.mark.parametrize(
    "form",
    [
        numbers_alone,
        times_alone,
        another_pace,
        noise,
        more_behind,
        json_without_a_time,
        words_for_numbers,
    ],
)
def test_what_only_looks_like_it_is_none(form):
    made = table([n * EVERY_US * 1000 for n in range(20)], [form(n) for n in range(20)])
    assert analysis.sequence(made).empty
    assert analysis.jitter(made).empty


def test_latency_without_a_field_needs_an_offset_of_the_clocks():
    with pytest.raises(ValueError, match="no one-way delay"):
        analysis.latency(sent(as_json, range(20)))
    with pytest.raises(ValueError, match="needs the field with the time of sending"):
        analysis.latency(sent(as_json, range(20)), received="v.t_us")
