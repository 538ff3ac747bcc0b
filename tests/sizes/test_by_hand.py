"""Packed by hand is a layout that a reader can decode: `decode=` does, and gets the values back."""

from __future__ import annotations

import random

import pytest

import gdlab as gd
from gdlab import codecs
from gdlab import variant as v
from gdlab.sizes.by_hand import Layout, packed_by_hand
from tests.codecs.tables import table_of


def moves(count=50):
    drawn = random.Random(1)
    return [
        {
            "id": drawn.randrange(200),
            "seq": n * 1000,
            "delta": drawn.randrange(-100, 100),
            "pos": v.Vector3(n, n * 0.5, -n),
            "cell": v.Vector2i(n, -n),
            "up": n % 2 == 0,
            "health": {"now": n / 4, "exact": n / 10},
        }
        for n in range(count)
    ]


def test_what_is_packed_by_hand_is_decoded_to_the_same_values():
    messages = moves()
    layout = Layout(messages)
    assert layout.format == "<B id, H seq, b delta, 3f pos, 2i cell, ? up, f health_now, d health_exact"
    decoded = codecs.decode(table_of(*map(layout.pack, messages)), layout.format)
    for name in ("id", "seq", "delta", "up"):
        assert decoded[f"v.{name}"].tolist() == [message[name] for message in messages]
    assert decoded["v.pos.z"].tolist() == [message["pos"].z for message in messages]
    assert decoded["v.cell.y"].tolist() == [message["cell"].y for message in messages]
    assert decoded["v.health_exact"].tolist() == [message["health"]["exact"] for message in messages]
    assert decoded["v.health_now"].tolist() == [message["health"]["now"] for message in messages]


def test_the_size_of_many_is_that_of_one_layout():
    messages = [{"n": 1}, {"n": 300}]
    assert list(map(len, map(Layout(messages).pack, messages))) == [2, 2]  # not 1 and 2: nobody could tell


def test_shapes_are_told_apart_by_a_first_byte():
    messages = [{"hp": 7}, {"pos": v.Vector2(1, 2)}, {"hp": 8}]
    packed = list(map(Layout(messages).pack, messages))
    assert [data[0] for data in packed] == [0, 1, 0]
    assert list(map(len, packed)) == [2, 9, 2]
    assert Layout(messages).format is None


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("abc", 4),
        (["a", "bc"], 1 + 2 + 3),
        ([1, 300], 1 + 2 * 2),
        ([1, "x"], 1 + (1 + 1) + (1 + 1 + 1) + 0),
        (b"1234", 5),
        (v.PackedFloat32Array([1, 2]), 9),
        (None, 0),
        (1e300, 8),
        (v.Vector2(1e300, 0), 8),
        ({"a": "x" * 300}, 2 + 300),
    ],
    ids=repr,
)
def test_lengths_that_vary_have_a_count(value, size):
    assert len(packed_by_hand(value)) == size


def test_the_report_names_the_layout():
    report = gd.sizes({"id": 7, "pos": v.Vector2(1, 2)})
    assert 'Packed by hand is "<B id, 2f pos" here, which decode= reads.' in report.notes
    assert report["by_hand"] == 9
