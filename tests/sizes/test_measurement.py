"""The table of sizes: the figures, what is added to them, and what is said of them."""

import sys

import numpy as np
import pandas as pd
import pytest

from gdlab import variant as v
from gdlab.messages import wire_bytes
from gdlab.sizes import DECLARED, call_bytes, measure

MESSAGE = {"id": 7, "x": 12.5, "y": -3.25, "t": 123456, "name": "p1"}
MEASURED = [
    # value, bytes by var_to_bytes, bytes as JSON: measured in Godot 4.6.3
    (None, 4, 4),
    (True, 8, 4),
    (42, 8, 2),
    (2**31, 12, 10),
    (0.5, 8, 3),
    (0.1, 12, 3),
    ("hi", 12, 4),
    (v.Vector2(1, 2), 12, 12),
    (v.Vector3(1, 2, 3), 16, 17),
    (v.Transform3D(), 52, 82),
    (v.NodePath(("Foo", "Bar")), 32, 9),
    ([1, 2, 3], 32, 7),
    (v.Array([1, 2, 3], element_type=v.Type.INT), 36, 7),
    (v.PackedInt32Array([1, 2, 3]), 20, 7),
    (MESSAGE, 112, 50),
    (list(MESSAGE.values()), 52, 26),
    ([MESSAGE] * 100, 11_208, 5_101),
]


def figure(report, row, column="bytes"):
    return report.table[column][row]


@pytest.mark.parametrize(("value", "variant", "json"), MEASURED, ids=lambda x: repr(x)[:30])
def test_sizes_that_were_measured_in_the_engine(value, variant, json):
    report = measure(value)
    assert (report["variant"], report["json"]) == (variant, json)


def test_the_message_packed_by_hand_takes_its_sixteen_bytes():
    assert measure(MESSAGE)["by_hand"] == 16


def test_compression_gives_the_engines_own_sizes():
    report = measure([MESSAGE] * 100)
    assert [figure(report, "variant", f"{name}_bytes") for name in ("deflate", "zstd")] == [134, 96]
    assert [figure(report, "json", f"{name}_bytes") for name in ("deflate", "zstd")] == [90, 70]


def test_an_rpc_as_the_profiler_the_datagram_and_the_network_see_it():
    packet = call_bytes(5, "hello")
    assert packet == 22  # what the editor's network profiler shows
    assert packet + 10 == 32  # with ENet's header, captured
    assert wire_bytes("udp", packet + 10) == 60


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (True, 1),
        (7, 2),
        (300, 3),
        (70_000, 5),
        (2**40, 9),
        (-128, 2),
        (-129, 3),
        ("hi", 12),
        ([True], 16),
        (b"123", 3),
    ],
)
def test_rpc_arguments_are_shorter_only_at_the_top(value, size):
    assert measure(value)["rpc"] == size


def test_memory_is_a_variant_and_what_lies_outside_of_it():
    assert measure(7)["memory"] == measure(True)["memory"] == measure(v.Vector2(1, 2))["memory"] == 24
    assert measure(7, double=True)["memory"] == 40
    assert (
        measure([1, 2, 3])["memory"] == measure(v.Array([1, 2, 3], element_type=v.Type.INT))["memory"] == 192
    )
    assert measure("1234567")["memory"] == 88


@pytest.mark.parametrize(
    ("value", "label", "size"),
    [
        (7, "PackedByteArray", 1),
        (-7, "PackedInt32Array", 4),
        (2**40, "PackedInt64Array", 8),
        (0.5, "PackedFloat32Array", 4),
        (0.1, "PackedFloat64Array", 8),
        (v.Vector3(1, 2, 3), "PackedVector3Array", 12),
        (v.Color(), "PackedColorArray", 16),
        ([0.5, 0.25], "PackedFloat32Array", 8),
        ([0.5, 0.1], "PackedFloat64Array", 16),
    ],
)
def test_packed_arrays_hold_bare_elements(value, label, size):
    report = measure(value)
    assert report["packed"] == size
    assert label in figure(report, "packed", "label")


def test_double_precision_builds_write_and_hold_wider_vectors():
    report = measure(v.Vector3(1, 2, 3), double=True)
    assert (report["variant"], report["packed"], report["by_hand"]) == (28, 24, 24)
    assert any("not measured" in note for note in report.notes)


def test_headers_of_each_transport():
    report = measure(MESSAGE)
    assert figure(report, "variant", "udp_bytes") == 112 + 8 + 20
    assert figure(report, "variant", "tcp_bytes") == 4 + 112 + 32 + 20
    assert figure(report, "variant", "ws_bytes") == 2 + 112 + 32 + 20
    assert figure(report, "rpc", "udp_bytes") == 4 + 112 + 10 + 8 + 20
    assert figure(report, "rpc", "tcp_bytes") is pd.NA
    assert figure(report, "memory", "udp_bytes") is pd.NA


def test_a_rate_and_peers_give_a_budget():
    report = measure(MESSAGE, rate_hz=20, peers=8, over="udp")
    assert figure(report, "variant", "udp_bytes_s") == 140 * 20 * 8
    assert "ws_bytes" not in report.table
    assert "at 20 messages/s to 8 peers" in repr(report)


def test_many_messages_have_means_and_extremes():
    report = measure([{"n": "a" * i} for i in range(9)], each=True)
    sizes = [len(v.dumps({"n": "a" * i})) for i in range(9)]
    assert figure(report, "variant") == np.mean(sizes)
    assert figure(report, "variant", "min_bytes") == min(sizes)
    assert figure(report, "variant", "max_bytes") == max(sizes)
    assert report.notes[0] == "Means of 9 messages."


def test_a_column_of_decoded_values_is_measured_row_by_row():
    report = measure(pd.Series([{"a": 1}, None, {"a": 2}], dtype=object))
    assert (report.messages, report["variant"]) == (2, 28)


@pytest.mark.slow
def test_of_very_many_messages_a_spread_sample_is_taken_and_it_is_said():
    report = measure([1] * 4000 + [2**40] * 4000, each=True)
    assert figure(report, "variant") == 10
    assert report.notes[0] == "Means of 2000 of 8000 messages, evenly spread."


def test_a_missing_package_greys_its_row_and_leaves_the_others(monkeypatch):
    for name in ("msgpack", "zstandard", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    report = measure(MESSAGE)
    assert np.isnan(report["messagepack"])
    assert figure(report, "messagepack", "reason") == "needs the package msgpack: pip install msgpack"
    assert report["cbor"] == 42
    assert "zstandard" in figure(report, "variant", "reason")
    assert figure(report, "variant", "deflate_bytes") == 65
    assert "opacity:.5" in report._repr_html_()
    assert "MessagePack: needs the package msgpack" in repr(report)


@pytest.mark.parametrize(
    ("value", "row", "reason"),
    [
        ({"o": v.EncodedObject(5)}, "json", "running engine"),
        ({"o": v.EncodedObject(5)}, "by_hand", "outside of the game"),
        (v.Dictionary([(1, "a"), (1.0, "b")]), "messagepack", "one key in Python"),
        (v.Dictionary([(v.Dictionary({"a": 1}), 1)]), "cbor", "cannot write"),
    ],
)
def test_what_an_encoding_cannot_hold_has_a_reason(value, row, reason):
    report = measure(value)
    assert np.isnan(report[row])
    assert reason in figure(report, row, "reason")
    assert report["variant"] > 0


def test_deep_values_are_measured_where_the_engine_takes_them():
    value = v.Array()
    for _ in range(1000):
        value = v.Array([value])
    report = measure(value)
    assert report["variant"] == 8 * 1001
    assert report["json"] == 2 * 1001
    assert "nested" in figure(report, "messagepack", "reason")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (7, "three different things"),
        (7, "only Packed*Array stores bare elements"),
        ({"a": 0.1, "b": 0.5}, "0.1 costs 12 bytes and 0.5 costs 8"),
        (2**40, "1099511627776 costs 12 bytes"),
        ({"id": 2**53 + 1}, "9007199254740993 is beyond 2**53"),
        (MESSAGE, "JSON is smaller here (50 against 112 bytes)"),
        (MESSAGE, "Packed by hand, with names and types unsaid, it is 16."),
        ([1000, 2, 3], "In a PackedInt32Array its 3 elements take 4 bytes each"),
        ("x" * 2000, "travels in fragments"),
        (b"x" * 70_000, "do not fit into a datagram"),
    ],
)
def test_notes_say_why(value, words):
    assert any(words in note for note in measure(value).notes), measure(value).notes


def test_the_remark_on_declared_types_has_the_measured_figures():
    assert DECLARED in measure(1).notes
    for figure_ in ("24.5", "24.05", "24.00", "does not hold"):
        assert figure_ in DECLARED


def test_values_are_escaped_in_html():
    assert "<script>" not in measure({"<script>": "<script>"})._repr_html_()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rate_hz": 0}, "more than 0"),
        ({"rate_hz": float("nan")}, "more than 0"),
        ({"rate_hz": 1, "peers": 0}, "at least 1"),
        ({"peers": 2}, "rate_hz"),
        ({"over": "serial"}, "udp, tcp, ws"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        measure(1, **options)


def test_nothing_to_measure_is_refused():
    with pytest.raises(ValueError, match="no message"):
        measure([], each=True)
    with pytest.raises(ValueError, match="decode the payloads"):
        measure(pd.Series([None], dtype=object))


def test_a_value_godot_cannot_hold_is_refused_with_its_place():
    with pytest.raises(v.VariantEncodeError, match=r"id"):
        measure({"id": 2**70})
    with pytest.raises(v.VariantEncodeError, match=r"\['a'\]\['b'\]: .*\.set"):
        measure({"a": {"b": {1, 2}}})


def test_a_row_that_does_not_exist():
    with pytest.raises(KeyError, match="memory, packed, variant, rpc, json"):
        measure(1)["xml"]
