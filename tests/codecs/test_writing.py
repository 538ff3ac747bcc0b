"""One set of names for codecs, whichever way a message goes."""

import re
from pathlib import Path

import pytest

import gdlab as gd
from gdlab import gdscript, variant
from gdlab.codecs.codec import CODECS
from gdlab.codecs.writing import WRITTEN, write
from gdlab.messages import Kind
from gdlab.transports.encoding import encode

GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"
FORMAT = "<B type, H seq, 3f pos, 4s name"


def test_every_name_is_that_of_a_reader_and_stands_in_the_glossary():
    described = set(
        re.findall(
            r"`(\w+)`",
            "".join(re.findall(r"^\| (`.*?) \|", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)),
        )
    )
    assert set(WRITTEN) == set(CODECS)
    assert set(gdscript.CODECS) <= {"auto", *WRITTEN}
    assert described == {"auto", *CODECS}


@pytest.mark.parametrize("codec", WRITTEN)
def test_what_is_written_is_read_back_by_the_same_name(codec):
    value = {
        "bytes": b"as it is",
        "text": "text",
        "osc": {"address": "/seq", "args": [7, "ann", 2.5, True, None, b"\1\2\3", [1 << 40, False]]},
    }.get(codec, {"seq": 7, "name": "ann"})
    outgoing = encode(value, codec)
    with (
        gd.listen("udp://127.0.0.1:0", restart=True, decode=codec) as cap,
        gd.connect(cap.addresses[0]) as game,
    ):
        game.send(value, codec=codec)
        cap.wait_sync(1)
        table = cap.decoded()
    (row,) = table[(table.event == "message") & (table.direction == "in")].itertuples()
    assert row.payload == outgoing.payload
    assert row.codec == codec
    assert row.value == value
    assert (outgoing.kind is Kind.TEXT) == (codec in ("json", "text"))


def test_a_struct_format_writes_what_it_reads():
    payload = write({"type": 1, "seq": 513, "pos": (1, 2.5, -3), "name": "ann"}, FORMAT)
    assert payload == bytes.fromhex("01 0102 0000803f 00002040 000040c0 616e6e00")
    assert write([1, 513, variant.Vector3(1, 2.5, -3), b"ann"], FORMAT) == payload
    with (
        gd.listen("udp://127.0.0.1:0", restart=True, decode=FORMAT) as cap,
        gd.connect(cap.addresses[0]) as game,
    ):
        game.send({"type": 1, "seq": 513, "pos": (1, 2.5, -3), "name": "ann"}, codec=FORMAT)
        cap.wait_sync(1)
        table = cap.decoded()
    row = table[table.event == "message"].iloc[0]
    assert (row["v.type"], row["v.seq"], row["v.pos.y"], row["v.name"]) == (1, 513, 2.5, "ann")


@pytest.mark.parametrize(
    ("value", "codec", "match"),
    [
        ({"a": 1}, "yaml", "no codec that writes is called 'yaml'; there are auto, variant, json"),
        ([1, 2], "osc", 'is sent as {"address": .* but this is list'),
        ({"address": "cube"}, "osc", "begins with '/', but this is 'cube'"),
        ({"address": "/a", "args": [{}]}, "osc", "no argument for dict"),
        ({"address": "/a", "args": [1 << 64]}, "osc", "no argument for int"),
        ({"address": "/a", "args": ["\0"]}, "osc", "ends at a NUL"),
        ({"a": 1}, "bytes", "sends bytes as they are, but this is dict"),
        ({"type": 1}, FORMAT, "has the names type, seq, pos, name, not type"),
        ([1, 2], FORMAT, "takes 4 values"),
        ([1, 70_000, (1, 2, 3), "x"], FORMAT, "70000 does not fit 'seq'"),
        ([1, 2, 3, "x"], FORMAT, "3 does not fit 'pos'"),
        ({1, 2}, "json", "cannot be sent as JSON"),
    ],
)
def test_what_cannot_be_written_is_refused_with_the_way_out(value, codec, match):
    with pytest.raises(TypeError, match=match):
        write(value, codec)
