"""Everything that may stand around an IP packet in a capture, and IP packets in pieces."""

import random
import struct

import pytest

from gdlab.files import load
from gdlab.files.packets.tunnels import PORTS
from tests.files.packets import (
    A6,
    B6,
    NS,
    A,
    B,
    block,
    ethernet,
    interface,
    ip4,
    ip6,
    old_packet,
    packet,
    pcap,
    section,
    simple_packet,
    statistics,
    tcp,
    udp,
)

V4, V6 = ip4(17, udp(b"payload")), ip6(17, udp(b"payload"))
VLAN = b"\0\1\x08\0" + V4
SNAP = b"\xaa\xaa\x03\0\0\0\x08\0" + V4
WIFI = b"\x08\1" + bytes(22)
QOS = b"\x88\1" + bytes(22) + b"\0\0"
FOUR_ADDRESSES = b"\x08\3" + bytes(28)
LABELS = b"\0\1\0\x40" + b"\0\1\1\x40"


def pktap(inside, flags, link=1):
    return struct.pack("<III24xI", 108, 1, link, flags) + bytes(68) + inside


def nflog(order, family=2):
    fields = struct.pack(order + "HH4s", 8, 1, b"\0\0\0\0") + struct.pack(order + "HH", 4 + len(V4), 9) + V4
    return bytes([family, 0, 0, 0]) + fields


def radiotap(fields, present, inside):
    return struct.pack("<BBHI", 0, 0, 8 + len(fields), present) + fields + inside


def in_udp(port, content, source=50000):
    return ip4(17, udp(content, source, port))


NSH = b"\x0f\xc6\1\1" + bytes(20)  # 24 bytes, IPv4 next
GTP_EXTENDED = b"\x34\xff" + struct.pack(">H", len(V4) + 8) + b"\0\0\0\1" + b"\0\0\0\x85" + b"\1\0\1\0" + V4


def rows(tmp_path, content):
    path = tmp_path / "foreign.pcap"
    path.write_bytes(content)
    return load(path, reader="gdlab")


GRE = {
    "plain": b"\0\0\x08\0" + V4,
    "IPv6": b"\0\0\x86\xdd" + V6,
    "checksum, key and sequence": b"\xb0\0\x08\0" + bytes(12) + V4,
    "Ethernet": b"\0\0\x65\x58" + ethernet(V4),
    "WCCP": b"\0\0\x88\x3e" + bytes(4) + V4,
    "WCCP without a header": b"\0\0\x88\x3e" + V4,
    "Wi-Fi of an access point": b"\0\0\x82\0" + WIFI + SNAP,
    "PPTP": b"\x30\x81\x88\x0b" + bytes(12) + b"\xff\x03\0\x21" + V4,
    "ERSPAN": b"\0\0\x88\xbe" + ethernet(V4),
    "ERSPAN II": b"\x10\0\x88\xbe" + bytes(4) + bytes(8) + ethernet(V4),
}
AROUND = {
    "Cooked with VLAN": (113, bytes(14) + b"\x81\0" + VLAN),
    "Cooked 2 with VLAN": (276, b"\x81\0" + bytes(18) + VLAN),
    "PPPoE": (1, ethernet(b"\x11\0\0\1\0\x2a\0\x21" + V4, b"\x88\x64")),
    "PPPoE, IPv6": (1, ethernet(b"\x11\0\0\1\0\x2a\0\x57" + V6, b"\x88\x64")),
    "VLAN and PPPoE": (1, ethernet(b"\0\1\x88\x64\x11\0\0\1\0\x2a\0\x21" + V4, b"\x81\0")),
    "PPP": (9, b"\xff\x03\0\x21" + V4),
    "PPP, short": (9, b"\x21" + V4),
    "PPP with a direction": (204, b"\0\xff\x03\0\x21" + V4),
    "LLC and SNAP": (1, ethernet(SNAP, struct.pack(">H", len(SNAP)))),
    "LLC alone": (1, ethernet(b"\x06\x06\x03" + V4, struct.pack(">H", 3 + len(V4)))),
    "MPLS": (1, ethernet(LABELS + V4, b"\x88\x47")),
    "MPLS, Ethernet in it": (1, ethernet(LABELS + bytes(4) + ethernet(V6), b"\x88\x47")),
    "802.11": (105, WIFI + SNAP),
    "802.11 with quality of service": (105, QOS + SNAP),
    "802.11 from bridge to bridge": (105, FOUR_ADDRESSES + SNAP),
    "radiotap": (127, radiotap(b"", 0, WIFI + SNAP)),
    "radiotap with time and checksum": (127, radiotap(bytes(8) + b"\x10", 3, WIFI + SNAP + b"\1\2\3\4")),
    "radiotap with padding": (127, radiotap(b"\x20", 2, QOS + bytes(2) + SNAP)),
    "PPI": (192, struct.pack("<BBHI", 0, 0, 8, 105) + WIFI + SNAP),
    "PKTAP": (258, pktap(ethernet(V4), 1)),
    "PKTAP, raw": (258, pktap(V6, 1, 101)),
    "NFLOG": (239, nflog("<")),
    "NFLOG of the other order": (239, nflog(">")),
    "NFLOG without a family": (239, nflog("<", 0)),
    "Cisco HDLC": (104, b"\x0f\0\x08\0" + V4),
    "frame relay": (107, b"\x18\x41\x03\xcc" + V4),
    "ATM": (11, SNAP),
    "packet filter": (117, b"\x3d" + bytes(63) + V4),
    "IP in IP": (101, ip4(4, V4)),
    "6in4": (101, ip4(41, V6)),
    "4in6": (101, ip6(4, V4)),
    "6in6": (101, ip6(41, V6)),
    "AH": (101, ip4(51, b"\x11\4" + bytes(22) + udp(b"payload"))),
    "AH over IPv6": (101, ip6(51, b"\x11\4" + bytes(22) + udp(b"payload"))),
    "AH as a tunnel": (101, ip4(51, b"\4\4" + bytes(22) + V4)),
    "VXLAN": (101, ip4(17, udp(b"\x08\0\0\0\0\0\1\0" + ethernet(V4), 50000, 4789))),
    "Geneve": (101, ip6(17, udp(b"\0\0\x65\x58\0\0\1\0" + ethernet(V4), 50000, 6081))),
    "VXLAN with a group policy": (101, in_udp(4789, b"\x88\0\0\7\0\0\1\0" + ethernet(V4))),
    "VXLAN that names IPv6": (101, in_udp(4790, b"\x0c\0\0\2\0\0\1\0" + V6)),
    "VXLAN with a service header": (101, in_udp(4790, b"\x0c\0\0\4\0\0\1\0" + NSH + V4)),
    "Geneve, the answer": (101, in_udp(50000, b"\0\0\x65\x58\0\0\1\0" + ethernet(V4), 6081)),
    "GTP": (101, in_udp(2152, b"\x30\xff" + struct.pack(">H", len(V4)) + b"\0\0\0\1" + V4)),
    "GTP with an extension": (101, in_udp(2152, GTP_EXTENDED)),
    "GTP of the first version": (
        101,
        in_udp(3386, b"\x1e\xff" + struct.pack(">H", len(V4)) + bytes(16) + V4),
    ),
    "Teredo": (101, in_udp(3544, V6)),
    "Teredo with all its headers": (101, in_udp(3544, b"\0\1\0\0" + bytes(9) + bytes(8) + V6)),
    "L2TP": (101, in_udp(1701, b"\0\2\0\1\0\2\xff\x03\0\x21" + V4)),
    "L2TP with all fields": (101, in_udp(1701, b"\x4a\2" + bytes(10) + b"\0\2zz\0\x57" + V6)),
    "AYIYA": (101, in_udp(5072, b"\x41\x52\x11\x29" + bytes(4 + 16 + 20) + V6)),
    "GRE in UDP": (101, in_udp(4754, b"\0\0\x08\0" + V4)),
    "a service header": (1, ethernet(NSH + V4, b"\x89\x4f")),
    "a backbone's tag": (1, ethernet(bytes(4) + ethernet(V4), b"\x88\xe7")),
    "MACsec, authenticated": (1, ethernet(b"\0\0\0\0\0\1\x08\0" + V4 + bytes(16), b"\x88\xe5")),
    "MACsec with its channel": (
        1,
        ethernet(b"\x20\0\0\0\0\1" + bytes(8) + b"\x86\xdd" + V6 + bytes(16), b"\x88\xe5"),
    ),
    "ARCNET": (7, b"\1\2\xd4\0\0\1" + V4),
    "ARCNET, the exception": (7, b"\1\2\xd4\xff\xff\xff\xff\0\0\1" + V4),
    "ARCNET, the old form, of Linux": (129, b"\1\2\0\0\xf0" + V4),
    "PPP in Cisco's form": (50, b"\x0f\0\x08\0" + V4),
    "an atomic fragment": (101, ip6(44, b"\x11\0\0\0" + bytes(4) + udp(b"payload"))),
} | {f"GRE, {name}": (101, ip4(47, content)) for name, content in GRE.items()}


@pytest.mark.parametrize("name", AROUND)
def test_the_datagram_is_found_in(tmp_path, name):
    link, content = AROUND[name]
    result = rows(tmp_path, pcap([content], link=link))
    assert list(result.table.payload) == [b"payload"], result.notes
    assert result.table.peer[0] in ("10.0.0.1:5001", "[::a]:5001")
    assert result.table.wire_bytes[0] >= 35


@pytest.mark.parametrize("name", AROUND)
def test_cut_off_anywhere_nothing_worse_happens_than_a_note(tmp_path, name):
    link, content = AROUND[name]
    cut = [(content[:length], len(content)) for length in range(len(content))]
    result = rows(tmp_path, pcap(cut, link=link))
    counted = sum(int(note.split()[0]) for note in result.notes)
    assert len(result.table) + counted == len(cut)
    assert set(result.table.payload[result.table.event == "message"]) <= {
        b"payload"
    }  # only a trailer is missing


@pytest.mark.parametrize(
    ("link", "content", "said"),
    [
        (105, b"\x08\x41" + bytes(22) + SNAP, "encrypted Wi-Fi"),
        (105, b"\x48\1" + bytes(22), "without data"),
        (105, b"\x08\x05" + bytes(22) + SNAP, "fragments of Wi-Fi"),
        (7, b"\1\2\xd4\1\0\1" + V4, "parts of packets over ARCNET"),
        (101, ip4(50, bytes(20)), "encrypted"),
        (1, ethernet(b"\x2c\0\0\0\0\1" + bytes(40), b"\x88\xe5"), "encrypted (MACsec)"),
        (101, ip4(47, b"\x40\0\x08\0" + bytes(40)), "GRE"),
        (1, ethernet(bytes(4) * 30, b"\x81\0"), "not IP"),
        (1, ethernet(b"\0\1\x81\0" * 30 + V4, b"\x81\0"), "more headers"),
    ],
)
def test_what_cannot_be_read_is_counted_in_words(tmp_path, link, content, said):
    result = rows(tmp_path, pcap([content], link=link))
    assert len(result.table) == 0
    assert said in result.notes[0]


def test_tunnels_in_tunnels_have_an_end(tmp_path):
    content = V4
    for _ in range(30):
        content = ip4(4, content)
    assert "more nested tunnels" in rows(tmp_path, pcap([content], link=101)).notes[0]


def test_other_datagrams_to_the_ports_of_tunnels_are_rows(tmp_path):
    contents = [ip4(17, udp(b"no tunnel", 1, port)) for port in PORTS]
    assert list(rows(tmp_path, pcap(contents, link=101)).table.payload) == [b"no tunnel"] * len(PORTS)


def test_pktap_tells_the_direction(tmp_path):
    content = pcap([pktap(ethernet(V4), 1), pktap(ethernet(V4), 2)], link=258)
    assert list(rows(tmp_path, content).table.direction) == ["in", "out"]


# ---- fragments


def fragments(datagram, size=1480, ident=7):
    pieces = []
    for offset in range(0, len(datagram), size):
        more = 0x2000 if offset + size < len(datagram) else 0
        pieces.append(ip4(17, datagram[offset : offset + size], ident=ident, fragment=more | offset // 8))
    return pieces


def fragments6(datagram, size=1232, ident=7):
    pieces = []
    for offset in range(0, len(datagram), size):
        more = offset + size < len(datagram)
        pieces.append(
            ip6(44, struct.pack(">BBHI", 17, 0, offset | more, ident) + datagram[offset : offset + size])
        )
    return pieces


@pytest.mark.parametrize("cut", [fragments, fragments6])
def test_fragments_become_one_row_in_any_order_and_when_repeated(tmp_path, cut):
    payload = random.Random(1).randbytes(5000)
    pieces = cut(udp(payload))
    for seed in range(4):
        shuffled = pieces + pieces[:1] * (seed == 3)
        random.Random(seed).shuffle(shuffled)
        result = rows(tmp_path, pcap([ethernet(piece) for piece in shuffled]))
        messages = result.table[result.table.event == "message"]
        assert list(messages.payload) == [payload]
        assert messages.wire_bytes.iloc[0] == sum(map(len, pieces))


def test_two_datagrams_whose_fragments_are_mixed(tmp_path):
    one, two = fragments(udp(b"1" * 3000), ident=1), fragments(udp(b"2" * 3000), ident=2)
    mixed = [piece for both in zip(one, two, strict=True) for piece in both]
    assert [bytes(each[:1]) for each in rows(tmp_path, pcap(mixed, link=101)).table.payload] == [b"1", b"2"]


def test_fragments_without_the_rest_are_counted(tmp_path):
    pieces = fragments(udp(b"x" * 5000))
    result = rows(tmp_path, pcap([*pieces[:2], V4], link=101))
    assert len(result.table) == 1
    assert result.notes == ("2 packets were left out: fragments of a packet that was not captured whole",)


def test_fragments_of_long_ago_are_of_another_datagram(tmp_path):
    one, two = fragments(udp(b"1" * 2000)), fragments(udp(b"2" * 2000))
    result = rows(tmp_path, pcap([one[0], two[1], two[0]], link=101, step=100 * 10**9))
    assert len(result.table) == 0
    assert "3 packets" in result.notes[0]


def test_fragments_that_contradict_each_other_are_dropped_as_receivers_do(tmp_path):
    pieces = fragments(udp(b"x" * 3000))
    other = ip4(17, b"evil" * 370, ident=7, fragment=0x2000)
    result = rows(tmp_path, pcap([pieces[0], other, V4], link=101))
    assert len(result.table) == 1
    assert "contradict" in result.notes[0]


def test_a_stream_whose_segments_are_fragments(tmp_path):
    segment = tcp(b"y" * 3000, seq=1)
    pieces = [
        ip4(6, segment[:1480], ident=3, fragment=0x2000),
        ip4(6, segment[1480:2960], ident=3, fragment=0x2000 | 185),
        ip4(6, segment[2960:], ident=3, fragment=370),
    ]
    assert list(rows(tmp_path, pcap([*pieces, ip4(6, tcp(b"z", seq=3001))], link=101)).table.payload) == [
        b"y" * 3000,
        b"z",
    ]


def test_a_tunnel_in_fragments(tmp_path):
    inside = ip4(17, udp(b"w" * 3000))
    outside = b"\0\0\x08\0" + inside
    pieces = [
        ip4(47, outside[:1480], ident=1, fragment=0x2000),
        ip4(47, outside[1480:2960], ident=1, fragment=0x20B9),
    ]
    pieces.append(ip4(47, outside[2960:], ident=1, fragment=370))
    assert list(rows(tmp_path, pcap(pieces, link=101)).table.payload) == [b"w" * 3000]


# ---- what else a file tells


def test_a_length_in_the_header_of_udp_that_cannot_be_is_an_error_with_the_bytes_there_are(tmp_path):
    contents = [ip4(17, udp(b"hello", length=length)) for length in (3, 14, 60_000, 0, 10)]
    table = rows(tmp_path, pcap(contents, link=101)).table
    assert list(table.event) == ["error"] * 3 + ["message"] * 2
    assert list(table.payload) == [b"hello"] * 4 + [b"he"]


@pytest.mark.parametrize("tag", [b"", b"\0\1\x08\0"], ids=["plain", "tagged"])
def test_ip_that_claims_more_than_the_frame_had_is_not_believed(tmp_path, tag):
    def claiming(packet):
        longer = packet[:2] + (len(packet) + 4096).to_bytes(2) + packet[4:]
        return ethernet(tag + longer, b"\x81\0" if tag else None)

    begun = [ip4(6, tcp(seq=0, flags=2)), ip4(6, tcp(b"one", seq=1)), ip4(6, tcp(b"two", seq=4))]
    loaded = rows(tmp_path, pcap(list(map(claiming, begun))))
    assert list(loaded.table.payload) == [b"one", b"two"]
    assert set(loaded.table.event) == {"message"}
    loaded = rows(tmp_path, pcap([claiming(ip4(17, udp(b"abc", length=3000)))]))
    (row,) = loaded.table.itertuples()
    assert (row.payload, row.event, row.reason) == (b"abc", "error", "malformed")
    assert tag or row.wire_bytes == 20 + 8 + 3


def test_a_simple_packet_is_as_long_as_the_snap_length_lets_it(tmp_path):
    whole = ethernet(ip4(17, udp(b"hello world")))
    cut = whole[:-2]
    content = (
        section() + interface(snap=len(cut)) + simple_packet(cut + b"\xee" * (-len(cut) % 4), len(whole))
    )
    (row,) = rows(tmp_path, content).table.to_dict("records")
    assert (row["event"], row["payload"]) == ("error", b"hello wor")
    assert row["detail"].startswith("2 bytes")


def test_what_the_capturing_program_dropped_is_a_gap(tmp_path):
    ticks = NS // 1000
    eight = [count.to_bytes(8, "little") for count in (250, 100, 300)]
    content = (
        section()
        + interface((2, b"eth7"))
        + packet(ethernet(V4), ticks)
        + statistics((4, eight[0]), (5, eight[1]), ticks=ticks + 1)
        + packet(ethernet(V4), ticks + 2)
        + statistics((5, eight[2]))
    )
    table = rows(tmp_path, content).table
    assert list(table.event) == ["message", "gap", "message", "gap"]
    assert [detail.split()[0] for detail in table.detail[table.event == "gap"]] == ["100", "200"]
    assert table.endpoint[1] == "interface eth7"


def test_what_an_old_packet_block_says_was_dropped_is_a_gap(tmp_path):
    content = section() + interface() + old_packet(ethernet(V4), NS // 1000, drops=7)
    content += old_packet(ethernet(V4), NS // 1000, drops=0xFFFF)
    table = rows(tmp_path, content).table
    assert sorted(table.event) == ["gap", "message", "message"]
    assert table.detail[table.event == "gap"].iloc[0].startswith("7 packets")


def test_modified_pcap_is_named_and_read(tmp_path):
    content = struct.pack("<IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1)
    for kind in (0, 4):
        content += struct.pack("<IIIIIHBB", 5, 6, 14 + len(V4), 14 + len(V4), 1, 0x800, kind, 0) + ethernet(
            V4
        )
    result = rows(tmp_path, content)
    assert list(result.table.direction) == ["in", "out"]
    assert "modified pcap" in result.notes[0]


def test_packets_in_an_unknown_block_are_nobodys(tmp_path):
    content = section() + interface() + block(0x0BAD, V4) + packet(ethernet(V6), NS // 1000)
    assert len(rows(tmp_path, content).table) == 1


def test_hosts_of_both_families_are_told_apart(tmp_path):
    contents = [ip6(17, udp(b"x", port), A6, bytes([n]) + B6[1:]) for port in (1, 2) for n in (1, 2)]
    contents += [ip4(17, udp(b"x", port), A, bytes([n]) + B[1:]) for port in (1, 2) for n in (1, 2)]
    table = rows(tmp_path, pcap(contents * 3, link=101)).table
    assert table.groupby(["endpoint", "peer"], observed=True).size().tolist() == [3] * 8
