"""One bad message takes nothing from the others."""

import gdlab as gd
from gdlab.codecs import decode
from tests.files.tables import table_of


def test_half_a_surrogate_pair_blinds_nothing():
    """JSON may hold one, in a value or in a key, and Arrow's strings may not."""
    table = table_of(
        [{"payload": each} for each in (b'{"seq": 1}', b'{"seq": 2, "s": "\\ud800", "\\udc00": 1}')]
    )
    decoded = decode(table)
    assert list(decoded["v.seq"]) == [1, 2]
    assert decoded["v.s"][1] == "\ud800"
    (column,) = (name for name in decoded.columns if "udc00" in name)
    assert list(decoded[column].dropna()) == [1]


def test_a_value_that_no_variant_holds_is_left_out_of_the_sizes_and_said():
    payloads = (
        b'{"seq": 1}',
        b'{"seq": 73786976294838206464}',
        b'{"seq": 18446744073709551615}',
        b'{"s": "\\ud800"}',
    )
    report = gd.sizes(table_of([{"payload": each} for each in payloads]))
    assert any("no Variant holds" in note for note in report.notes)


def test_white_space_that_json_does_not_know_is_no_json():
    """Python takes vertical tabs and form feeds for white space as well, and then nothing is left of the text."""
    payloads = (b'{"seq": 1}', b"\x0b" * 70, b"\x0c true", b" true")
    decoded = decode(table_of([{"payload": each} for each in payloads]))
    assert decoded["codec"].tolist() == ["auto:json", "auto:bytes", "auto:bytes", "auto:json"]
    assert decoded["value"].tolist() == [{"seq": 1}, *payloads[1:3], True]
