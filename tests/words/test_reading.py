"""Why something could not be read: the same reason, with the same numbers, in every language."""

import struct

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab import variant
from gdlab.codecs import decode
from gdlab.errors import FramingError, GdlabError, LoadError, VariantDecodeError
from gdlab.facts import Fact, Statement
from gdlab.framing import framer
from gdlab.payloads import PayloadArray
from tests.languages import chinese, in_chinese, numbers

BAD = {
    "json": [
        b"{not json}", b"[1, 2", b'{"a" 1}', b"[1 2]", b'"\x01"', b'"\\q"', b'"open', b"[1] 2", b"\xef\xbb\xbf{}",
        b"\xff", b"[NaN]", b"[" * 300, b"9" * 5000,
    ],
    "osc": [
        b"abc", b"abcd", b"/a\0\0,i\0\0\0\0\0\0abcd", b"#bundle\0\0\0\0\0", b"#bundle\0" + bytes(8) + b"\0\0\1\0abcd",
        b"/abc", b"/a\0x", b"/\xff\0\0", b"/a\0\0,i\0\0", b"/a\0\0,q\0\0", b"/a\0\0,[\0\0", b"/a\0\0,b\0\0\0\0\1\0",
        b"/a\0\0,c\0\0\0\xff\xff\xff", (b"#bundle\0" + bytes(8) + b"\0\0\0\x14") * 20,
    ],
    "text": [b"ok then \xff"],
    "<B type, H seq": [b"\1"],
    "variant": [
        b"", b"\x02", b"\x7f\0\0\0", variant.dumps("hello")[:-4], variant.dumps([1, 2])[:-2],
        variant.dumps(np.arange(4, dtype=np.int32))[:-2], struct.pack("<III", 22, 1, 2),
        struct.pack("<III", 18, 1, 1), struct.pack("<II", 29, 9), struct.pack("<II", 24, 0),
        b"\x04\0\0\0\1\0\0\0\xff\0\0\0",
        struct.pack("<IIII", 0x1001C, 99, 0, 0), b"".join([struct.pack("<II", 28, 1)] * 1100),
    ],
    "auto": [
        variant.dumps([1, 2])[:-2], variant.dumps(7) + b"xyz", b'{"a": ', b"\x16\xfe\xfd" + bytes(12),
        b"\x1f\x8b\x08" + bytes(20), b"\xef\xbb\xbfhello", b"{'a': 1}", b"\xff\xfe\xff",
        "hello there".encode("utf-16-le"),
        struct.pack("<IIIII", 18, 1, 4, 1, 97),
    ],
}  # fmt: skip


def told(codec, payload):
    table = pd.DataFrame({"payload": PayloadArray._from_sequence([payload])})
    return decode(table, codec)["decode_error"].iloc[0]


@pytest.mark.parametrize(
    ("codec", "number"),
    [(codec, number) for codec, payloads in BAD.items() for number in range(len(payloads))],
)
def test_why_a_payload_does_not_decode(codec, number):
    payload = BAD[codec][number]
    english, theirs = told(codec, payload), in_chinese(lambda: told(codec, payload))
    assert isinstance(english, str)
    assert not chinese(english)
    assert chinese(theirs), theirs
    assert numbers(english) == numbers(theirs), (english, theirs)


def test_an_error_is_data_until_it_is_read():
    with pytest.raises(VariantDecodeError) as caught:
        variant.loads(variant.dumps("hello")[:-4])
    error = caught.value
    assert isinstance(error.statement, Statement)
    assert str(error).startswith("not a Godot 4 Variant: at byte 4 expected a string of 5 bytes")
    assert error.found == "4 bytes left"
    assert in_chinese(lambda: str(error)).startswith("不是 Godot 4 的 Variant")
    assert in_chinese(lambda: error.found) == "剩余 4 字节"
    assert str(error).startswith("not a Godot 4 Variant")


@pytest.mark.parametrize("framing", ["nonsense", "line", "fixed", "auto"])
def test_why_a_framing_is_none(framing):
    with pytest.raises(FramingError) as caught:
        framer(framing)
    assert not chinese(str(caught.value))
    assert chinese(in_chinese(lambda: str(caught.value)))
    assert numbers(str(caught.value)) == numbers(in_chinese(lambda: str(caught.value)))


@pytest.mark.parametrize(
    ("framing", "stream"),
    [
        ("varint", b"\xff" * 6), ("mqtt", b"\0\0"), ("mqtt", b"0\0\0\0"), ("mqtt", b"\xc0\1x"),
        ("variants", b"\xff" * 8),
        ("content_length", b"a: b\r\n\r\n"), ("u16le:inclusive", b"\1\0\0"), ("json", b"}\n"), ("u32le", b"GET / HTTP"),
    ],
)  # fmt: skip
def test_why_a_stream_is_given_up(framing, stream):
    made = framer(framing, max_frame_bytes=1000)
    made.receive_data(stream)
    flaws = [frame.flaw for frame in made.frames() if frame.flaw]
    error = made.error or FramingError(flaws[0])
    assert isinstance(error.statement, Fact)
    assert not chinese(str(error))
    assert chinese(in_chinese(lambda: str(error)))
    assert numbers(str(error)) == numbers(in_chinese(lambda: str(error)))


def test_an_error_of_plain_text_stays_as_it_is():
    assert str(GdlabError("as it is")) == "as it is"
    assert GdlabError("as it is").statement is None
    assert str(GdlabError()) == ""


FILES = {
    "missing.csv": None,
    "empty.csv": b"",
    "archive.zip": b"PK\x03\x04" + bytes(40),
    "side.json": b'{"a": 1}',
    "other.csv": b"a,b\n1,2\n",
    "short.csv.gz": b"\x1f\x8b\x08\x00" + bytes(10),
    "broken.parquet": b"PAR1" + bytes(20) + b"PAR1",
}


@pytest.mark.parametrize("name", FILES)
def test_why_a_file_cannot_be_loaded(name, tmp_path):
    path, content = tmp_path / name, FILES[name]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LoadError) as caught:
        gd.load(path)
    error = caught.value
    assert isinstance(error.statement, Statement)
    assert not chinese(str(error))
    assert chinese(in_chinese(lambda: str(error)))
    assert numbers(str(error)) == numbers(in_chinese(lambda: str(error)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("T", "T99"),
        (",message,", ",message\n"),
        ("text,hi", "words,hi"),
        ("text,hi", "hex,zz"),
        ("\n", ""),
    ],
)
def test_why_a_damaged_csv_cannot_be_loaded(old, new, tmp_path):
    path = tmp_path / "run.csv"
    with gd.listen("udp://127.0.0.1:0", restart=True) as cap, gd.connect(cap.addresses[0]) as game:
        game.send("hi")
        cap.wait_sync(1)
        cap.to_csv(path)
    head, _, rows = path.read_text(encoding="utf-8").partition("\n")
    path.write_text(head + "\n" + rows.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LoadError) as caught:
        gd.load(path)
    text, theirs = str(caught.value), in_chinese(lambda: str(caught.value))
    assert not chinese(text)
    assert chinese(theirs)
    assert "损坏" in theirs or "截断" in theirs
    assert numbers(text) == numbers(theirs)
