"""Which part costs what: the parts add up to the whole."""

import json

import pytest
from hypothesis import given, settings

from gdlab import variant as v
from gdlab.sizes import memory_bytes, tree, type_table
from tests.variant.strategies import VALUES

MESSAGE = {"id": 7, "items": [1, 2.5, {"pos": v.Vector2(1, 2)}]}


def test_every_part_has_a_row_that_is_an_expression_on_the_message():
    table = tree(MESSAGE)
    assert list(table.index) == [
        "msg",
        "msg['id']",
        "msg['items']",
        "msg['items'][0]",
        "msg['items'][1]",
        "msg['items'][2]",
        "msg['items'][2]['pos']",
    ]
    for part in table.index:
        assert table["value_bytes"][part] == len(v.dumps(eval(part, {"msg": MESSAGE})))


def test_parts_and_header_add_up():
    table = tree(MESSAGE)
    assert (
        table["bytes"]["msg"]
        == len(v.dumps(MESSAGE))
        == 8 + table["bytes"]["msg['id']"] + table["bytes"]["msg['items']"]
    )
    assert table["share"]["msg"] == 1
    assert table["key_bytes"]["msg['items']"] == len(v.dumps("items"))
    assert table["memory_bytes"]["msg"] == memory_bytes(MESSAGE)


def test_json_bytes_of_the_parts_add_up_as_well():
    table = tree({"a": 1, "b": [True, None]})
    assert table["json_bytes"]["msg"] == len('{"a":1,"b":[true,null]}')
    parts = table["json_bytes"]["msg['a']"] + table["json_bytes"]["msg['b']"]
    assert parts == len('"a":1') + len('"b":[true,null]')


def test_long_arrays_are_cut_and_still_add_up():
    table = tree(list(range(1000)))
    assert "msg: 950 more" in table.index
    assert table["bytes"].iloc[1:].sum() + 8 == table["bytes"]["msg"]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_children_add_up_for_any_value(value):
    table = tree(value)
    assert table["value_bytes"]["msg"] == len(v.dumps(value))
    assert (table["header_bytes"] >= 0).all()
    assert (table["share"] <= 1).all()
    json.dumps(table["value"].tolist())


def test_the_table_of_types_has_all_of_them_in_order():
    table = type_table()
    assert set(table["number"]) == set(range(39))
    assert table["number"].is_monotonic_increasing
    assert list(dict.fromkeys(table.index)) == [kind.godot_name for kind in v.Type]


def test_types_compared_in_memory_and_on_the_wire():
    table = type_table().set_index("example", append=True)
    assert table.loc[
        ("int", "42"), ["memory_bytes", "packed_bytes", "variant_bytes", "rpc_bytes"]
    ].tolist() == [24, 1, 8, 2]
    assert table.loc[("float", "0.1"), "variant_bytes"] == 12
    assert table.loc[("float", "0.5"), "variant_bytes"] == 8
    assert (table["memory_bytes"] >= 24).all()
    assert (table["memory_double_bytes"] >= 40).all()
