"""Values as people type them: what Godot writes is read back byte for byte, and nothing is ever run."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdlab.errors import GdlabError
from gdlab.variant import Array, Dictionary, NodePath, StringName, Type, Vector2, Vector2i, dumps, equal
from gdlab.variant.literal import LiteralError, parse_literal

LINES = (Path(__file__).parents[1] / "data" / "literals" / "literals.txt").read_text().split("\n")
GOLDEN = [tuple(bytes.fromhex(part) for part in line.split(" ")) for line in LINES if line]


@pytest.mark.parametrize(("wire", "text"), GOLDEN, ids=[text.decode()[:30] for _, text in GOLDEN])
def test_what_godot_writes_is_read_as_the_same_value(wire, text):
    assert dumps(parse_literal(text.decode())) == wire


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, true, null]}', {"a": [1, 2.5, True, None]}),
        ("{'a': 1,}", {"a": 1}),
        (" [ 1 , 2 , ] # two", [1, 2]),
        ("0xFF", 255),
        ("-0b101", -5),
        ("1_000", 1000),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("Vector2(1, 2.5)", Vector2(1.0, 2.5)),
        ("Vector2i(1, 2)", Vector2i(1, 2)),
        ("Vector2()", Vector2()),
        (r'"\u00e9 \ud83d\ude00 \t"', "é 😀 \t"),
        ('&"name"', StringName("name")),
        ('NodePath("/root/A:x")', NodePath(("root", "A"), ("x",), absolute=True)),
        ('PackedByteArray("AQL/")', b"\x01\x02\xff"),
        ("PackedByteArray([1, 2])", b"\x01\x02"),
        ("True", True),
        ("-inf", float("-inf")),
    ],
)
def test_what_people_type(text, value):
    assert equal(parse_literal(text), value)
    assert type(parse_literal(text)) is type(value) or isinstance(parse_literal(text), (Array, Dictionary))


def test_declared_types_are_kept():
    assert parse_literal("Array[int]([1])").element_type is Type.INT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the text ends"),
        ("hello", "text stands in quotes"),
        ("Vector2", "brackets"),
        ("Vector2(1)", "2 numbers"),
        ('Vector2("a", 1)', "numbers, not str"),
        ("Vector2i(1, inf)", "Vector2i"),
        ("PackedByteArray(300)", "range"),
        ("PackedVector2Array(1, 2, 3)", "2 numbers for each"),
        ('__import__("os")', "one of the types"),
        ("[1 2]", "character 4: expected a comma"),
        ("[1]]", "one value is complete"),
        ('{"a" 1}', "colon"),
        ('"abc', "closing quote"),
        (r'"\q"', r"\\n"),
        ("{\n 1: x}", "line 2, character 5"),
        ("Array[Foo]([])", "built-in type"),
        ("Array[int](3)", "an array in the round"),
        ("[" * 500, "100 containers"),
        ("9" * 5000, "400 digits"),
    ],
)
def test_what_is_no_value_is_said_with_its_place(text, said):
    with pytest.raises(LiteralError, match=said) as caught:
        parse_literal(text)
    assert 0 <= caught.value.offset <= len(text)


def test_a_text_beyond_the_limit_is_not_read():
    with pytest.raises(LiteralError, match="at most"):
        parse_literal(" " * (1 << 20) + "1")


@pytest.mark.slow
def test_a_megabyte_of_text_takes_no_time_that_grows_faster():
    assert len(parse_literal('"' + "\\n" * 400_000 + '"')) == 400_000
    assert len(parse_literal("[" + "1," * 300_000 + "]")) == 300_000


@given(st.text(alphabet='Vector2i()[]{}":,.-+0x1e\\u&^ #Aray_Pcked\n', max_size=60))
def test_any_text_is_a_value_or_refused(text):
    try:
        value = parse_literal(text)
    except GdlabError:
        return
    assert value is None or value == value or value != value
