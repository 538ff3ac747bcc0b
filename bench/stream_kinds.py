"""Seeded streams of many kinds, and how well their framing is guessed: ``python -m bench.stream_kinds [COUNT [SEED]]``.

Each stream is what a game or a server of that kind would write: a few to some dozens of messages, cut into reads as
the writes were, glued, or torn. What is counted: streams without a row, wrong guesses, and known kinds recognised.
"""

from __future__ import annotations

import json
import random
import struct
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gdlab import variant

WORDS = [
    "player",
    "enemy",
    "pos",
    "velocity",
    "health",
    "chat",
    "hello",
    "world",
    "ready",
    "quit",
    "jump",
    "fire",
    "map",
    "score",
    "id",
    "name",
    "team",
    "spawn",
]


#: Messages of a stream.
COUNTS = (3, 4, 5, 8, 12, 20, 40)


class Stream(NamedTuple):
    """A stream of some kind.

    Attributes
    ----------
    writes : as the program wrote them.
    wanted : the framings that are right beside "raw"; empty where only raw is.
    payloads : what they should be cut into.
    """

    kind: str
    writes: list[bytes]
    wanted: tuple[str, ...]
    payloads: list[bytes]


def word(r: random.Random) -> str:
    return r.choice(WORDS)


def text(r: random.Random, least: int = 1, most: int = 60) -> bytes:
    made = " ".join(word(r) for _ in range(r.randint(1, 8)))
    if r.random() < 0.1:
        made += " 你好é"
    return made.encode()[:0] + made[: r.randint(least, most)].encode() or b"x"


def value(r: random.Random, depth: int = 0) -> object:
    kind = r.randrange(9 if depth < 2 else 5)
    if kind == 0:
        return r.randint(-(2**31), 2**31 - 1)
    if kind == 1:
        return round(r.uniform(-500, 500), 3)
    if kind == 2:
        return text(r).decode()
    if kind == 3:
        return r.random() < 0.5
    if kind == 4:
        return variant.Vector2(r.uniform(-9, 9), r.uniform(-9, 9))
    if kind == 5:
        return variant.Vector3(r.uniform(-9, 9), r.uniform(-9, 9), r.uniform(-9, 9))
    if kind == 6:
        return [value(r, depth + 1) for _ in range(r.randint(0, 5))]
    return {word(r): value(r, depth + 1) for _ in range(r.randint(1, 5))}


def state(r: random.Random, seq: int) -> dict[str, object]:
    return {
        "seq": seq,
        "t": seq / 60,
        "pos": variant.Vector2(r.uniform(-99, 99), r.uniform(-99, 99)),
        "n": word(r),
    }


def document(r: random.Random, seq: int) -> bytes:
    made: dict[str, object] = {"seq": seq, word(r): r.uniform(-9, 9), "name": text(r).decode()}
    if r.random() < 0.3:
        made["list"] = [{"a": r.random()}, [1, 2], None]
    return json.dumps(made, ensure_ascii=r.random() < 0.5).encode()


def struct_of(r: random.Random) -> Callable[[int], bytes]:
    layout = r.choice(
        ["<Iff", "<HBBff", ">IffI", "<Qddd", "<BBhh", ">Hhhh", "<fff", "<Ifff4x", "<bbbb", "<iiii"]
    )

    def make(seq: int) -> bytes:
        values: list[object] = []
        for code in layout[1:].replace("4x", ""):
            if code in "fd":
                values.append(r.uniform(-100, 100))
            elif code in "bB":
                values.append(r.randrange(0, 100))
            elif code in "hH":
                values.append(r.randrange(0, 30000))
            else:
                values.append(seq if len(values) == 0 else r.randrange(0, 1 << 20))
        return struct.pack(layout, *values)

    return make


def blob(r: random.Random, least: int = 4, most: int = 120) -> bytes:
    how = r.randrange(4)
    if how == 0:
        return r.randbytes(r.randint(least, most))
    if how == 1:
        return struct.pack("<Iff", r.randrange(1000), r.random(), r.random()) + r.randbytes(r.randint(0, 20))
    if how == 2:
        return text(r, max(least, 1), most)
    return bytes([r.randrange(1, 9)]) + struct.pack("<hhf", r.randrange(500), r.randrange(500), r.random())


def varint(number: int) -> bytes:
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes(made) + bytes([number])


def protobuf(r: random.Random, seq: int) -> bytes:
    made = b"\x08" + varint(seq + 1)
    if r.random() < 0.8:
        name = text(r)
        made += b"\x12" + varint(len(name)) + name
    if r.random() < 0.6:
        made += b"\x1d" + struct.pack("<f", r.uniform(-9, 9)) + b"\x25" + struct.pack("<f", r.uniform(-9, 9))
    if r.random() < 0.2:
        inner = r.randbytes(r.randint(100, 300))
        made += b"\x2a" + varint(len(inner)) + inner
    return made


def mqtt(r: random.Random, seq: int) -> bytes:
    if seq == 0 and r.random() < 0.7:
        name = text(r, 1, 20)
        rest = b"\0\4MQTT\4\2\0\x3c" + struct.pack(">H", len(name)) + name
        return b"\x10" + varint(len(rest)) + rest
    topic = b"game/" + word(r).encode()
    if seq == 1 and r.random() < 0.5:
        rest = struct.pack(">HH", seq, len(topic)) + topic + b"\0"
        return b"\x82" + varint(len(rest)) + rest
    if r.random() < 0.1:
        return b"\xc0\0"
    rest = struct.pack(">H", len(topic)) + topic + document(r, seq)
    return b"\x30" + varint(len(rest)) + rest


def http(r: random.Random, seq: int) -> bytes:
    if r.random() < 0.5:
        return f"GET /{word(r)}?q={seq} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n".encode()
    body = document(r, seq)
    return (
        f"POST /{word(r)} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def stomp(r: random.Random, seq: int) -> bytes:
    if seq == 0:
        return b"CONNECT\naccept-version:1.2\nhost:x\n\n"
    return b"SEND\ndestination:/queue/" + word(r).encode() + b"\ncontent-type:text/plain\n\n" + text(r)


def packed(fmt: str) -> Callable[[bytes], bytes]:
    return lambda body: struct.pack(fmt, len(body)) + body


def framed(
    name: str,
    wrap: Callable[[bytes], bytes],
    make: Callable[[random.Random, int], bytes],
    *others: str,
    known: bool = True,
) -> Callable[[random.Random, int], Stream]:
    def stream(r: random.Random, count: int) -> Stream:
        payloads = [make(r, seq) for seq in range(count)]
        return Stream("", [wrap(one) for one in payloads], (name, *others) if known else others, payloads)

    return stream


def plain(_r: random.Random, body: bytes) -> bytes:
    return body


def _structs(r: random.Random, count: int) -> Stream:
    make = struct_of(r)
    writes = [make(seq) for seq in range(count)]
    return Stream("", writes, (), writes)


def _opcode(fmt: str, *, before: bool) -> Callable[[random.Random, int], Stream]:
    def stream(r: random.Random, count: int) -> Stream:
        writes = []
        for _ in range(count):
            body, code = blob(r), r.randrange(1, 12)
            writes.append(
                struct.pack(fmt, code, len(body)) + body
                if before
                else struct.pack(fmt, len(body), code) + body
            )
        code_bytes, size_bytes = (struct.calcsize("<" + part) for part in fmt[1:])
        order = "le" if fmt[0] == "<" else "be"
        if not before:
            code_bytes, size_bytes = size_bytes, code_bytes
        name = f"u{8 * size_bytes}{order}:" + (f"after={code_bytes}" if before else f"plus={code_bytes}")
        return Stream("", writes, (name,), writes)

    return stream


def _inclusive(fmt: str) -> Callable[[random.Random, int], Stream]:
    def stream(r: random.Random, count: int) -> Stream:
        payloads = [blob(r) for _ in range(count)]
        size = struct.calcsize(fmt)
        name = f"u{8 * size}{'le' if fmt[0] == '<' else 'be'}:inclusive"
        return Stream("", [struct.pack(fmt, len(p) + size) + p for p in payloads], (name,), payloads)

    return stream


def _tls(r: random.Random, count: int) -> Stream:
    hello = b"\x16\x03\x01" + struct.pack(">H", 200) + b"\1" + r.randbytes(199)
    return Stream("", [hello], (), [hello])


def _noise(r: random.Random, count: int) -> Stream:
    writes = [r.randbytes(r.randint(1, 200)) for _ in range(count)]
    return Stream("", writes, (), writes)


def _bare_text(r: random.Random, count: int) -> Stream:
    writes = [text(r) for _ in range(count)]
    return Stream("", writes, (), writes)


def variants(r: random.Random, seq: int) -> bytes:
    return variant.dumps(state(r, seq) if r.random() < 0.5 else value(r))


def varied(r: random.Random, seq: int) -> bytes:
    return blob(r)


KINDS: dict[str, Callable[[random.Random, int], Stream]] = {
    "lines": framed("lines", lambda p: p + b"\n", lambda r, s: text(r)),
    "crlf": framed("lines", lambda p: p + b"\r\n", lambda r, s: text(r)),
    "csv lines": framed(
        "lines", lambda p: p + b"\n", lambda r, s: b"%d,%.3f,%.3f" % (s, r.random(), r.random())
    ),
    "json": framed("json", lambda p: p, document),
    "ndjson": framed("json", lambda p: p + b"\n", document, "lines"),
    "json nul": framed("json", lambda p: p + b"\0", document, "nul"),
    "put_var": framed("put_var", packed("<I"), variants, "u32le"),
    "put_var_be": framed("put_var_be", packed(">I"), variants, "u32be"),
    "put_utf8_string": framed("put_utf8_string", packed("<I"), lambda r, s: text(r), "u32le"),
    "put_utf8_string_be": framed("put_utf8_string_be", packed(">I"), lambda r, s: text(r), "u32be"),
    "u32le": framed("u32le", packed("<I"), varied, "put_utf8_string"),
    "u32be": framed("u32be", packed(">I"), varied, "put_utf8_string_be"),
    "u16le": framed("u16le", packed("<H"), varied),
    "u16be": framed("u16be", packed(">H"), varied),
    "u8": framed("u8", packed("<B"), varied, "varint"),
    "varint protobuf": framed("varint", lambda p: varint(len(p)) + p, protobuf, "u8"),
    "variants": framed("variants", lambda p: p, variants),
    "nul text": framed("nul", lambda p: p + b"\0", lambda r, s: text(r)),
    "stomp": framed("nul", lambda p: p + b"\0", stomp),
    "signalr": framed("signalr", lambda p: p + b"\x1e", document),
    "lsp": framed("content_length", lambda p: b"Content-Length: %d\r\n\r\n" % len(p) + p, document),
    "http": framed("http", lambda p: p, http),
    "mqtt": framed("mqtt", lambda p: p, mqtt),
    "u32le inclusive": _inclusive("<I"),
    "u32be inclusive": _inclusive(">I"),
    "u16be inclusive": _inclusive(">H"),
    "opcode u32 length u32": _opcode("<II", before=True),
    "opcode u8 length u32": _opcode("<BI", before=True),
    "opcode u16 length u16 be": _opcode(">HH", before=True),
    "length u16 opcode u16": _opcode("<HH", before=False),
    "structs": _structs,
    "noise": _noise,
    "tls": _tls,
    "bare text": _bare_text,
}
#: Kinds that a guess must name, as their framing is one that users type.
KNOWN = frozenset(
    name
    for name in KINDS
    if name not in {"structs", "noise", "tls", "bare text"}
    and "opcode" not in name
    and "inclusive" not in name
)


def _each(make: Callable[[random.Random, int], bytes]) -> Callable[[random.Random, int], Stream]:
    """A kind that no guess needs to know; a guess is right where it cuts at the writes."""

    def stream(r: random.Random, count: int) -> Stream:
        writes = [make(r, seq) for seq in range(count)]
        return Stream("", writes, (), writes)

    return stream


def slip(body: bytes) -> bytes:
    return body.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


def bson(r: random.Random, seq: int) -> bytes:
    name = text(r) + b"\0"
    body = b"\x10seq\0" + struct.pack("<i", seq) + b"\2n\0" + struct.pack("<i", len(name)) + name + b"\0"
    return struct.pack("<i", len(body) + 4) + body


def calls(r: random.Random, seq: int) -> bytes:
    """``put_u8``, ``put_utf8_string`` and ``put_float`` one after the other, as a game writes it first."""
    name = word(r).encode()
    return (
        bytes([r.randrange(1, 6)]) + struct.pack("<I", len(name)) + name + struct.pack("<ff", r.random(), seq)
    )


#: Kinds that nothing in the guess is made for: they must not be taken for others.
FOREIGN: dict[str, Callable[[random.Random, int], Stream]] = {
    "length u24": _each(lambda r, s: (lambda p: len(p).to_bytes(3) + p)(blob(r))),
    "length u64": _each(lambda r, s: (lambda p: struct.pack("<Q", len(p)) + p)(blob(r))),
    "netstring": _each(lambda r, s: (lambda p: b"%d:%s," % (len(p), p))(blob(r))),
    "magic, length, checksum": _each(
        lambda r, s: (lambda p: b"\xaa\x55" + struct.pack("<H", len(p)) + p + r.randbytes(4))(blob(r))
    ),
    "slip": _each(lambda r, s: slip(blob(r))),
    "utf-16 lines": _each(lambda r, s: (text(r).decode() + "\n").encode("utf-16-le")),
    "bson": _each(bson),
    "calls of StreamPeer": _each(calls),
    "floats": _each(lambda r, s: struct.pack("<5f", *(r.uniform(-9, 9) for _ in range(5)))),
    "sound": _each(lambda r, s: struct.pack("<100h", *(r.randrange(-900, 900) for _ in range(100)))),
    "protobuf without lengths": _each(protobuf),
    "count of entities": _each(
        lambda r, s: (
            lambda n: bytes([n]) + struct.pack(f"<I{3 * n}f", s, *(r.random() for _ in range(3 * n)))
        )(r.randint(1, 6))
    ),
    "websocket": _each(lambda r, s: (lambda p: bytes([0x81, 0x80 | len(p)]) + r.randbytes(4) + p)(blob(r))),
}


def cuts_at_the_writes(made: Stream, name: str) -> bool:
    """Whether a framing divides the stream where its program did."""
    from gdlab.framing import StreamReader

    at, wanted, found = 0, [], []
    for one in made.writes:
        at += len(one)
        wanted.append(at)
    at = 0
    for batch in StreamReader(name).receive(b"".join(made.writes), 1).batches:
        for frame in batch.frames:
            at += len(frame.payload) + frame.header_bytes
            found.append(at)
    return found == wanted


def streams(
    count: int,
    seed: int = 1,
    kinds: dict[str, Callable[[random.Random, int], Stream]] = KINDS,
    counts: tuple[int, ...] = COUNTS,
) -> Iterator[tuple[Stream, list[bytes], list[int]]]:
    """Streams of all kinds in turn, their reads, and the positions of pauses."""
    names = list(kinds)
    for number in range(count):
        r = random.Random(f"{seed} {number}")
        kind = names[number % len(names)]
        made = kinds[kind](r, r.choice(counts))._replace(kind=kind)
        how = r.randrange(4)
        reads = made.writes
        if how == 1:  # glued
            reads, left = [], made.writes
            while left:
                take = r.randint(1, 6)
                reads.append(b"".join(left[:take]))
                left = left[take:]
        elif how == 2:  # torn
            whole = b"".join(made.writes)
            places = sorted(r.randrange(len(whole) + 1) for _ in range(r.randint(1, 6)))
            reads = [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True) if a < b]
        ends, at = [], 0
        for one in reads:
            at += len(one)
            ends.append(at)
        pauses = (
            [] if how in (2, 3) else ends
        )  # at 60 Hz there is none; a slow sender has one after each write
        yield made, reads, pauses


def judged(made: Stream, reads: list[bytes], pauses: list[int]) -> str:
    """The framing that is guessed when all has come: as a session does it, piece by piece."""
    from gdlab.framing.guess import guess

    head, ends, found, looked = b"", [], None, 0
    for one in reads:
        head += one
        ends.append(len(head))
        if len(head) < 1.5 * looked and len(head) not in pauses:
            continue
        looked = len(head)
        found = guess(
            head, reads=ends, pauses=[p for p in pauses if p <= len(head)], final=len(head) in pauses
        )
        if found is not None and found.certain:
            break
    else:
        found = guess(head, reads=ends, pauses=[*pauses, len(head)], final=True)
    assert found is not None
    return found.name


def table(
    count: int,
    seed: int,
    kinds: dict[str, Callable[[random.Random, int], Stream]],
    counts: tuple[int, ...] = COUNTS,
) -> tuple[int, float]:
    """Print what became of each kind; return the streams misjudged, and the share of `KNOWN` that was recognised."""
    right: Counter[str] = Counter()
    raw: Counter[str] = Counter()
    wrong: dict[str, Counter[str]] = defaultdict(Counter)
    total: Counter[str] = Counter()
    for made, reads, pauses in streams(count, seed, kinds, counts):
        name = judged(made, reads, pauses)
        total[made.kind] += 1
        if name in made.wanted or (name == "raw" and not made.wanted):
            right[made.kind] += 1
        elif name == "raw":
            raw[made.kind] += 1
        elif kinds is FOREIGN and cuts_at_the_writes(made, name):
            right[made.kind] += 1
        else:
            wrong[made.kind][name] += 1
    for kind in kinds:
        print(f"{kind:28} {total[kind]:5} right {right[kind]:5} raw {raw[kind]:4} wrong {dict(wrong[kind])}")
    known = sum(right[kind] for kind in KNOWN) / max(1, sum(total[kind] for kind in KNOWN))
    return sum(sum(one.values()) for one in wrong.values()), known


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for counts in (COUNTS, (1, 2, 3, 4)):
        misjudged, known = table(count, seed, KINDS, counts)
        print(f"{count} streams of {len(KINDS)} kinds: {misjudged} misjudged ({misjudged / count:.2%})")
        print(f"known kinds recognised: {known:.2%}")
    misjudged, _ = table(count, seed, FOREIGN)
    print(
        f"{count} streams of {len(FOREIGN)} kinds nobody knows: {misjudged} misjudged ({misjudged / count:.2%})"
    )


if __name__ == "__main__":
    main()
