"""Captures that tshark has to open: the same rows as of a pcap with the same packets, or why not, in words."""

import shutil
import struct

import pandas as pd
import pytest

import gdlab as gd
from gdlab.errors import LoadError
from gdlab.files import load, tsharkread
from tests.files import packets

NS = 1_700_000_000_123_456_000
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def some_packets():
    stream = [packets.tcp(b"", seq=0, flags=2), packets.tcp(b"second", seq=6), packets.tcp(b"first", seq=1)]
    datagrams = [packets.udp(b"hello"), packets.udp(bytes(range(200)))]
    return [packets.ip4(6, each) for each in stream] + [packets.ip4(17, each) for each in datagrams]


def snoop(frames):
    """A capture as Solaris' snoop writes it (RFC 1761)."""
    out = [b"snoop\0\0\0" + struct.pack(">II", 2, 4)]
    for number, frame in enumerate(frames):
        pad = -len(frame) % 4
        time = divmod((NS + number * 1_000_000) // 1000, 10**6)
        head = (len(frame), len(frame), 24 + len(frame) + pad, 0, *time)
        out.append(struct.pack(">6I", *head) + frame + bytes(pad))
    return b"".join(out)


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain.pcap"
    path.write_bytes(packets.pcap([packets.ethernet(each) for each in some_packets()], start=NS))
    return load(path).table


@pytest.mark.slow
@needs_tshark
def test_a_format_that_gdlab_does_not_know_is_opened_by_tshark(tmp_path, plain):
    path = tmp_path / "run.snoop"
    path.write_bytes(snoop([packets.ethernet(each) for each in some_packets()]))
    found = gd.load(path)
    assert any("tshark opened this file" in note for note in found.notes)
    pd.testing.assert_frame_equal(found.df, plain)
    pd.testing.assert_frame_equal(gd.load(path, reader="tshark").df, plain)
    with pytest.raises(LoadError, match="not a file that gdlab knows"):
        gd.load(path, reader="gdlab")


@needs_tshark
def test_a_link_layer_that_gdlab_does_not_know_is_read_by_tshark(tmp_path, plain):
    path = tmp_path / "infiniband.pcap"
    path.write_bytes(
        packets.pcap([bytes(40) + b"\x08\x00\0\0" + each for each in some_packets()], link=242, start=NS)
    )
    found = gd.load(path)
    assert any("tshark opened this file" in note for note in found.notes)
    pd.testing.assert_frame_equal(found.df, plain)
    assert not len(gd.load(path, reader="gdlab").df)


@needs_tshark
def test_tshark_may_be_asked_for_what_gdlab_reads_too(tmp_path, plain):
    path = tmp_path / "run.pcap"
    path.write_bytes(packets.pcap([packets.ethernet(each) for each in some_packets()], start=NS)[:-3])
    found = gd.load(path, reader="tshark")
    pd.testing.assert_frame_equal(found.df, plain.iloc[:-1])
    assert any("cut short" in note for note in found.notes)


@pytest.mark.slow
@needs_tshark
@pytest.mark.parametrize("content", [b"\0\1\2\3" * 100, b"snoop\0\0\0" + bytes(40), b"\xff" * 50 + bytes(9)])
def test_what_no_tshark_reads_is_refused_in_words(tmp_path, content):
    path = tmp_path / "nothing.bin"
    path.write_bytes(content)
    with pytest.raises(LoadError, match="not a file that gdlab knows"):
        gd.load(path)
    with pytest.raises(LoadError, match="cannot be read by tshark"):
        gd.load(path, reader="tshark")


def test_without_tshark_it_is_offered_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(tsharkread.shutil, "which", lambda _name: None)
    path = tmp_path / "run.snoop"
    path.write_bytes(snoop([packets.ethernet(each) for each in some_packets()]))
    with pytest.raises(LoadError, match="tshark"):
        gd.load(path)
    with pytest.raises(LoadError, match="no tshark here"):
        gd.load(path, reader="tshark")
    path.write_bytes(
        packets.pcap([bytes(40) + b"\x08\x00\0\0" + each for each in some_packets()], link=242, start=NS)
    )
    assert any("where tshark is installed" in note for note in gd.load(path).notes)


def test_another_reader_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="'gdlab' and 'tshark'"):
        gd.load(tmp_path / "x.pcap", reader="wireshark")
