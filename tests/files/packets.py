"""Packets and capture files of our own making, every field settable."""

import base64
import hashlib
import struct

NS = 1_700_000_000_123_456_789
A, B = b"\x0a\0\0\1", b"\x0a\0\0\2"
A6, B6 = bytes(15) + b"\x0a", bytes(15) + b"\x0b"
SYN, ACK, PSH, RST, FIN = 2, 16, 8, 4, 1


def udp(payload, source=5001, target=4242, length=None):
    return struct.pack(">HHHH", source, target, 8 + len(payload) if length is None else length, 0) + payload


def tcp(payload=b"", source=5001, target=80, seq=1, ack=1, flags=PSH | ACK):
    wrapped = seq & 0xFFFFFFFF, ack & 0xFFFFFFFF
    return struct.pack(">HHIIBBHHH", source, target, *wrapped, 5 << 4, flags, 65535, 0, 0) + payload


def ip4(protocol, content, source=A, target=B, ident=0, fragment=0):
    total = 20 + len(content)
    head = struct.pack(">BBHHHBBH", 0x45, 0, total, ident, fragment, 64, protocol, 0)
    return head + source + target + content


def ip6(following, content, source=A6, target=B6):
    return struct.pack(">IHBB", 6 << 28, len(content), following, 64) + source + target + content


def ethernet(packet, ether_type=None):
    return bytes(12) + (ether_type or (b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd")) + packet


def pcap(packets, link=1, order="<", start=NS, step=1_000_000):
    """A pcap file in nanoseconds; a packet is bytes, or bytes and its length on the wire."""
    out = [struct.pack(order + "IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link)]
    for number, packet in enumerate(packets):
        data, original = packet if isinstance(packet, tuple) else (packet, len(packet))
        out.append(
            struct.pack(order + "IIII", *divmod(start + number * step, 10**9), len(data), original) + data
        )
    return b"".join(out)


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))


def options(*pairs, order="<"):
    return b"".join(
        struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
        for code, value in (*pairs, (0, b""))
    )


def section(*pairs, order="<"):
    return block(
        0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options(*pairs, order=order), order
    )


def interface(*pairs, link=1, snap=0, order="<"):
    return block(1, struct.pack(order + "HHI", link, 0, snap) + options(*pairs, order=order), order)


def packet(data, ticks, *pairs, number=0, original=None, order="<"):
    head = struct.pack(
        order + "IIIII",
        number,
        ticks >> 32,
        ticks & 0xFFFFFFFF,
        len(data),
        len(data) if original is None else original,
    )
    return block(6, head + data + bytes(-len(data) % 4) + options(*pairs, order=order), order)


def simple_packet(data, original):
    return block(3, struct.pack("<I", original) + data)


def old_packet(data, ticks, drops=0):
    return block(
        2, struct.pack("<HHIIII", 0, drops, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)) + data
    )


def statistics(*pairs, number=0, ticks=0):
    return block(5, struct.pack("<III", number, ticks >> 32, ticks & 0xFFFFFFFF) + options(*pairs))


# ---- WebSocket

KEY = base64.b64encode(b"0123456789abcdef")
ACCEPT = base64.b64encode(hashlib.sha1(KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


def upgrade(path=b"/", extra=b""):
    return (
        b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: " + KEY + b"\r\nSec-WebSocket-Version: 13\r\n" + extra + b"\r\n"
    )


def switching(extra=b""):
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n" + extra + b"\r\n"
    )


def frame(payload, opcode=1, mask=b"", fin=True, reserved=0):
    size = len(payload)
    flag = 0x80 if mask else 0
    head = bytes([0x80 * fin | reserved | opcode])
    if size < 126:
        head += bytes([flag | size])
    else:
        head += (
            bytes([flag | 126]) + struct.pack(">H", size)
            if size < 65536
            else bytes([flag | 127]) + struct.pack(">Q", size)
        )
    if mask:
        payload = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
    return head + mask + payload
