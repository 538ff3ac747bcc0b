"""How values become typed columns."""

import json

import numpy as np
import pandas as pd
import pytest

from gdlab import variant as v
from gdlab.codecs import MAX_COLUMNS, columns, places


def flat(*values):
    """Columns of some values, as a DataFrame, with the counts of what was omitted."""
    objects = np.empty(len(values), object)
    objects[:] = values
    found = columns(objects, np.ones(len(values), bool))
    return pd.DataFrame(found.series(pd.RangeIndex(len(values)))), found


def dtypes(frame):
    return {name: str(dtype) for name, dtype in frame.dtypes.items()}


def test_a_message_of_a_game_becomes_one_column_a_number():
    frame, _ = flat(
        {"seq": 7, "t": 0.5, "pos": v.Vector2(1.5, -2.0), "name": "p1", "up": True},
        {"seq": 8, "t": 1.5, "pos": v.Vector2(2.5, -3.0), "name": "p2", "up": False},
    )
    assert list(frame.columns) == ["v.seq", "v.t", "v.pos.x", "v.pos.y", "v.name", "v.up"]
    assert dtypes(frame) == {
        "v.seq": "Int64",
        "v.t": "Float64",
        "v.pos.x": "Float64",
        "v.pos.y": "Float64",
        "v.name": "string",
        "v.up": "boolean",
    }
    assert frame["v.pos.x"].tolist() == [1.5, 2.5]


def test_missing_keys_and_nulls_are_na_and_ints_stay_ints():
    frame, _ = flat({"seq": 2**53 + 1}, {"other": 1}, {"seq": None})
    assert dtypes(frame) == {"v.seq": "Int64", "v.other": "Int64"}
    assert frame["v.seq"][0] == 2**53 + 1
    assert frame["v.seq"].isna().tolist() == [False, True, True]


def test_a_column_of_nulls_only_is_there_and_is_na():
    frame, _ = flat({"a": None}, {"a": None})
    assert frame["v.a"].isna().all()


def test_a_null_in_place_of_a_container_makes_no_column():
    frame, _ = flat({"pos": v.Vector2i(1, 2)}, {"pos": None})
    assert list(frame.columns) == ["v.pos.x", "v.pos.y"]
    assert frame["v.pos.x"].isna().tolist() == [False, True]


def test_ints_and_floats_are_one_float_column_unless_an_int_would_be_rounded():
    frame, _ = flat({"x": 1, "id": 2**53 + 1}, {"x": 1.5, "id": 0.5})
    assert dtypes(frame) == {"v.x": "Float64", "v.id": "object"}
    assert frame["v.id"].tolist() == [2**53 + 1, 0.5]


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [
        ([-(2**63), 2**63 - 1], "Int64"),
        ([0, 2**64 - 1], "UInt64"),
        ([-1, 2**63], "object"),
        ([10**400, 1], "object"),
        ([True, False], "boolean"),
        ([True, 1], "object"),
        (["a", v.StringName("b")], "string"),
        (["a", 1], "object"),
    ],
)
def test_dtypes_that_hold_every_value_as_it_came(numbers, dtype):
    frame, _ = flat(*numbers)
    assert dtypes(frame) == {"v": dtype}
    assert frame["v"].tolist() == numbers
    assert [type(x) for x in frame["v"].tolist()] == [
        str if type(x) is v.StringName else type(x) for x in numbers
    ]


def test_nan_of_the_sender_is_not_a_missing_value():
    frame, _ = flat({"x": float("nan")}, {}, {"x": float("inf")})
    column = frame["v.x"].array
    assert column._mask.tolist() == [False, True, False]
    assert np.isnan(column._data[0])


def test_keys_that_are_no_names_are_quoted_so_that_a_dot_always_separates():
    frame, _ = flat({"a.b": 1, "a": {"b": 2}, 'say "hi"': 3, "": 4, "名": 5, "two words": 6})
    assert frame.iloc[0].to_dict() == {
        'v["a.b"]': 1,
        "v.a.b": 2,
        'v["say \\"hi\\""]': 3,
        'v[""]': 4,
        "v.名": 5,
        'v["two words"]': 6,
    }


def test_keys_of_other_types_stay_apart_as_in_godot():
    value = v.Dictionary(
        [(1, "int"), (1.0, "float"), (True, "bool"), ("1", "str"), (v.Vector2i(1, 2), "vector")]
    )
    frame, _ = flat(value)
    assert frame.iloc[0].to_dict() == {
        "v[1]": "int",
        "v[1.0]": "float",
        "v[True]": "bool",
        'v["1"]': "str",
        "v[Vector2i(1, 2)]": "vector",
    }


def test_a_name_of_a_column_leads_to_its_value():
    value = v.Dictionary({"pos": v.Vector3(1, 2, 3), "items": [{"id": 4}], 1: "x", "a.b": 5})
    frame, _ = flat(value)

    class Dotted:
        """Reads `.key` as an item where there is one, as the names of columns do."""

        def __init__(self, value):
            self.value = value

        def __getattr__(self, name):
            inside = self.value
            return Dotted(inside[name] if isinstance(inside, dict) else getattr(inside, name))

        def __getitem__(self, key):
            return Dotted(self.value[key])

    for name in frame.columns:
        if not name.endswith("[]"):
            assert eval(name, {"v": Dotted(value), **vars(v)}).value == frame[name][0], name


def test_lists_have_their_length_and_their_first_elements():
    frame, _ = flat(["CHAT", "Hello"], ["PID", 9527, None], list(range(20)))
    assert frame["v[]"].tolist() == [2, 3, 20]
    assert frame["v[0]"].tolist() == ["CHAT", "PID", 0]
    assert frame["v[7]"].isna().tolist() == [True, True, False]
    assert "v[8]" not in frame


def test_packed_arrays_are_lists_and_bytes_have_only_a_length():
    frame, _ = flat(
        {
            "f": v.PackedFloat32Array([0.5, 2]),
            "p": v.PackedVector2Array([[1, 2]]),
            "c": v.PackedColorArray([[0, 0.5, 1, 1]]),
            "s": v.PackedStringArray(["a"]),
            "b": b"1234",
        }
    )
    assert frame.iloc[0].to_dict() == {
        "v.f[]": 2,
        "v.f[0]": 0.5,
        "v.f[1]": 2.0,
        "v.p[]": 1,
        "v.p[0].x": 1.0,
        "v.p[0].y": 2.0,
        "v.c[]": 1,
        "v.c[0].r": 0.0,
        "v.c[0].g": 0.5,
        "v.c[0].b": 1.0,
        "v.c[0].a": 1.0,
        "v.s[]": 1,
        "v.s[0]": "a",
        "v.b[]": 4,
    }


def test_transforms_and_records_have_godots_field_names():
    frame, _ = flat(
        {
            "t": v.Transform2D(origin=v.Vector2(3, 4)),
            "path": v.NodePath(("A", "B"), ("x",), True),
            "rid": v.RID(5),
            "signal": v.Signal("hit", 2**63 + 1),
            "o": v.EncodedObject(9),
        }
    )
    row = frame.iloc[0].to_dict()
    assert (row["v.t.x.x"], row["v.t.origin.y"]) == (1.0, 4.0)
    assert (row["v.path"], row["v.rid"], row["v.signal.name"]) == ("/A/B:x", 5, "hit")
    assert (row["v.signal.object_id"], row["v.o.object_id"]) == (2**63 + 1, 9)
    assert dtypes(frame)["v.signal.object_id"] == "UInt64"


def test_a_dictionary_and_a_vector_at_one_place_share_the_column():
    frame, _ = flat({"pos": v.Vector2(1, 2)}, {"pos": {"x": 3, "y": 4}})
    assert frame["v.pos.x"].tolist() == [1.0, 3.0]


def test_the_number_of_columns_is_bounded_and_the_rest_is_counted():
    hostile = {f"k{i}": i for i in range(10_000)}
    frame, found = flat(hostile, {"seq": 1}, {"seq": 2})
    assert len(frame.columns) == MAX_COLUMNS
    assert frame["v.seq"].isna().tolist() == [True, False, False]
    assert found.omitted.tolist() == [10_001 - MAX_COLUMNS, 0, 0]
    assert found.omitted_columns == 10_001 - MAX_COLUMNS


def test_random_keys_of_one_sender_do_not_crowd_out_those_of_the_others(monkeypatch):
    monkeypatch.setattr(places, "MAX_PLACES", 1000)
    noise = [{f"n{i}_{j}": j for j in range(100)} for i in range(30)]
    game = [{"seq": i} for i in range(30)]
    frame, found = flat(*(value for pair in zip(noise, game, strict=True) for value in pair))
    assert frame["v.seq"].dropna().tolist() == list(range(30))
    shown = frame.drop(columns="v.seq").notna().sum(axis=1).to_numpy()
    assert (shown[::2] + found.omitted[::2] == 100).all()  # nothing is left out without being counted
    assert (found.omitted[1::2] == 0).all()


def test_what_is_too_deep_or_under_too_long_a_key_is_counted():
    deep = 1
    for _ in range(places.MAX_DEPTH + 1):
        deep = {"d": deep}
    frame, found = flat(deep, {"k" * 1000: 1, "ok": 2}, {("x" * 1000,): 1} and {"ok": 3})
    assert list(frame.columns) == ["v.ok"]
    assert found.omitted.tolist() == [1, 1, 0]


def test_values_that_are_not_present_are_not_looked_at():
    objects = np.array([{"a": 1}, {"b": 2}], object)
    found = columns(objects, np.array([False, True]))
    assert list(found.columns) == ["v.b"]


def test_no_values_make_no_columns():
    assert flat()[1].columns == {}


def test_numpy_numbers_of_a_users_codec_are_numbers():
    frame, _ = flat({"a": np.int32(3), "b": np.float64(0.5), "c": np.zeros((2, 2)), "d": np.array(4)})
    assert dtypes(frame)["v.a"] == "Int64"
    assert frame["v.b"].tolist() == [0.5]
    assert frame["v.c[1][0]"].tolist() == [0.0]
    assert frame["v.d"].tolist() == [4]


def test_names_are_json_strings_that_a_reader_can_parse():
    name = places.suffix('a"b\n')
    assert json.loads(name[1:-1]) == 'a"b\n'
