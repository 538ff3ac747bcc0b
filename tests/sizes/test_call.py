"""`gd.sizes` and `df.gdlab` on what was captured."""

import pandas as pd
import pytest

import gdlab as gd
from gdlab import variant as v
from tests.codecs.tables import table_of


def test_sizes_of_a_message_with_its_tree_and_the_types():
    assert gd.sizes({"x": 1.0})["variant"] == 28
    assert gd.sizes.tree({"x": 1.0})["bytes"]["msg"] == 28
    assert len(gd.sizes.types()) >= 39


def test_captured_payloads_are_decoded_first():
    table = table_of(v.dumps({"seq": 1}), b'{"seq": 2}', b"\x80junk")
    for captured in (table, table["payload"], table["payload"].array):
        report = gd.sizes(captured, rate_hz=10)
        assert report.messages == 2
        assert report["variant"] == len(v.dumps({"seq": 1}))
        assert report.notes[0] == "Captured payloads, guessed: 1 bytes, 1 json, 1 variant."
        assert report.notes[1] == "Left out: 1 payload that did not decode."


def test_nothing_that_decodes_is_refused():
    with pytest.raises(ValueError, match="none of the captured payloads"):
        gd.sizes(table_of(b"\x80junk"))


def test_the_accessor_decodes_and_measures():
    table = table_of(b'{"seq": 2}')
    assert table.gdlab.decoded()["v.seq"].tolist() == [2]
    assert table.gdlab.decoded("text")["v"].tolist() == ['{"seq": 2}']
    assert table.gdlab.sizes(over="ws")["json"] == 9


def test_the_accessor_says_what_it_needs():
    with pytest.raises(AttributeError, match="no column 'payload'"):
        pd.DataFrame({"a": [1]}).gdlab  # noqa: B018


def test_a_recording_decodes_its_table(tmp_path):
    with gd.listen("udp://127.0.0.1:0") as cap:
        assert list(cap.decoded().columns[-4:]) == ["codec", "value", "decode_error", "decode_note"]
