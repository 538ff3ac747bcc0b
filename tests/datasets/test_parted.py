"""Packet captures read by parts: together their rows are those of the whole, whatever goes over an edge."""

import random

import numpy as np
import pandas as pd
import pytest

import gdlab as gd
from gdlab import analysis
from gdlab.files import pieces
from tests.files import packets as p

SEEDS = range(2)


def talk(dice, number):
    """Both directions of a TCP connection: segments that come late, twice, overlapping or not at all."""
    client, server = 20_000 + number, 80
    made = [p.ip4(6, p.tcp(source=client, target=server, seq=0, flags=p.SYN))] * (number % 3 > 0)
    streams = [
        b"".join(b'{"seq": %d, "who": %d}\n' % (n, number) for n in range(40)),
        dice.randbytes(dice.randrange(1500)),
    ]
    if number % 4 == 1:  # a WebSocket
        streams[0] = p.upgrade(b"/play") + b"".join(p.frame(b"m%d" % n, mask=b"abcd") for n in range(60))
        streams[1] = p.switching() + b"".join(p.frame(dice.randbytes(30), 2) for _ in range(30))
    for which, stream in enumerate(streams):
        ports = (client, server) if which == 0 else (server, client)
        hosts = (p.A, p.B) if which == 0 else (p.B, p.A)
        segments, at = [], 0
        while at < len(stream):
            size = dice.randrange(1, 120)
            segments.append((at, stream[at : at + size]))
            at += size
        for _ in range(dice.randrange(3) if number % 2 else 0):
            segments.insert(dice.randrange(len(segments) + 1), dice.choice(segments))
        for _ in range(dice.randrange(4) if number % 3 == 2 else 0):
            one = dice.randrange(len(segments))
            segments.insert(min(one + dice.randrange(5), len(segments) - 1), segments.pop(one))
        if number % 5 == 3 and len(segments) > 4:
            del segments[dice.randrange(1, len(segments) - 1)]
        made += [p.ip4(6, p.tcp(data, *ports, seq=1 + at, ack=1), *hosts) for at, data in segments]
    return made


def fragments(dice, number):
    whole = p.udp(dice.randbytes(700), 30_000 + number)
    return [
        p.ip4(
            17,
            whole[at : at + 240],
            ident=number,
            fragment=at // 8 | (0x2000 if at + 240 < len(whole) else 0),
        )
        for at in range(0, len(whole), 240)
    ]


def mixed(dice):
    """Packets of many conversations between each other, each in its order."""
    queues = [talk(dice, number) for number in range(10)]
    queues += [fragments(dice, number) for number in range(8)]
    for number in range(6):
        there = (p.A, p.B) if number % 2 else (p.B, p.A)
        queues.append(
            [
                p.ip4(17, p.udp(b'{"seq": %d}' % n, 5000 + number, 4242), *there)
                if n % 3
                else p.ip4(17, p.udp(b"answer %d" % n, 4242, 5000 + number), *reversed(there))
                for n in range(60)
            ]
        )
    queues.append([p.ip6(17, p.udp(b"six %d" % n)) for n in range(40)])
    while queues:
        queue = dice.choice(queues)
        yield p.ethernet(queue.pop(0))
        queues = [each for each in queues if each]


def as_pcapng(dice, content):
    """Two sections of several interfaces, with directions, drops, packets without a time, and times that go back."""
    half = len(content) // 2
    made = []
    for part in (content[:half], content[half:]):
        made += [p.section(), p.interface((2, b"eth0")), p.interface((9, b"\x09"), (2, b"lo"))]
        for number, packet in enumerate(part):
            which = dice.randrange(2)
            ticks = (p.NS + number * 10**6 - dice.choice([0, 0, 3 * 10**6])) // (1000 if not which else 1)
            flags = [(2, dice.choice([1, 2]).to_bytes(4, "little"))] * (number % 7 == 0)
            made.append(p.packet(packet, ticks, *flags, number=which))
            if number % 100 == 50:
                dropped = (number // 100 * 5 + 3).to_bytes(8, "little")
                made.append(
                    p.statistics((5, dropped), number=which, ticks=ticks if number % 200 == 50 else 0)
                )
            if number % 90 == 7:
                made.append(p.simple_packet(packet, len(packet)))
            if number % 90 == 8:
                made.append(p.old_packet(packet, ticks, drops=2))
    return b"".join(made)


def assert_same_rows(found, expected):
    assert len(found) == len(expected)
    for name in expected.columns:
        pd.testing.assert_series_equal(found[name].astype(object), expected[name].astype(object))


def plain(table):
    """Without the order of categories, which is that in which the parts have them."""
    return table.astype({name: object for name in table.columns if table[name].dtype == "category"})


def parts_of(path, monkeypatch, size):
    monkeypatch.setattr(pieces, "PIECE_BYTES", size)
    return gd.dataset(path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("form", ["pcap", "pcapng", "cut"])
def test_the_rows_of_all_parts_are_those_of_the_whole(tmp_path, monkeypatch, seed, form):
    dice = random.Random(seed)
    content = list(mixed(dice))
    path = tmp_path / "large.capture"
    path.write_bytes(as_pcapng(dice, content) if form == "pcapng" else p.pcap(content))
    if form == "cut":
        path.write_bytes(path.read_bytes()[: -dice.randrange(1, 60)])
    whole = gd.load(path, reader="gdlab").df
    found = parts_of(path, monkeypatch, dice.randrange(3_000, 30_000))
    assert len(found.paths) >= 3
    assert_same_rows(found.df(), whole)
    assert set(whole["event"]) >= {"message", "gap", "open"}
    pd.testing.assert_frame_equal(plain(found.conversations()), plain(analysis.conversations(whole)))


def test_our_own_captures_with_messages_of_many_segments(tmp_path, monkeypatch):
    table = gd.sample("ws-too-big").df
    path = gd.sample("ws-too-big").to_pcapng(tmp_path / "run.pcapng")
    found = parts_of(path, monkeypatch, 5_000)
    assert len(found.paths) > 2
    assert_same_rows(found.df(), gd.load(path).df)
    assert int(np.max(table["size_bytes"])) > 65_000


def test_what_is_left_out_is_told_once(tmp_path, monkeypatch):
    packets = [p.ethernet(p.ip4(6, p.tcp(b"x" * 50, seq=1 + 50 * n))) for n in range(200)]
    packets.insert(100, packets[20])
    path = tmp_path / "large.pcap"
    path.write_bytes(p.pcap(packets))
    whole = gd.load(path).notes
    found = parts_of(path, monkeypatch, 5_000)
    assert [note for note in found.files["notes"] if note] == ["; ".join(whole)]
