"""Frames found in a block of bytes: as one finds them by walking from one to the next."""

import random
import struct

import pytest

from gdlab.framing import StreamReader, Taken
from gdlab.framing.runs import Prefix, PrefixScanner

PREFIXES = [Prefix(1), Prefix(2), Prefix(4), Prefix(2, little_endian=False), Prefix(4, little_endian=False)]


def lengths_of(draw: random.Random, most: int) -> list[int]:
    """Lengths as games have them: mixed, in runs, now and then a long one."""
    lengths: list[int] = []
    while len(lengths) < 600:
        how = draw.randrange(5)
        if how == 0:
            lengths += [draw.randrange(min(most, 300))] * draw.randrange(1, 90)
        elif how == 1:
            lengths += [draw.randrange(min(most, 70_000)) for _ in range(2)]
        else:
            lengths += [draw.randrange(min(most, draw.choice([20, 255, 256, 300]))) for _ in range(60)]
    return [min(length, most) for length in lengths]


def framed(draw: random.Random, prefix: Prefix) -> bytes:
    lengths = lengths_of(draw, min(prefix.most, 1 << 20))
    return b"".join(struct.pack(prefix.code, length) + draw.randbytes(length) for length in lengths)


def walked(data: bytes, prefix: Prefix, limit: int, at: int) -> tuple[list[int], list[int], int]:
    offsets, lengths = [], []
    while at + prefix.header_bytes <= len(data):
        (length,) = struct.unpack_from(prefix.code, data, at)
        end = at + prefix.header_bytes + length
        if end > len(data) or length > limit:
            break
        offsets.append(at + prefix.header_bytes)
        lengths.append(length)
        at = end
    return offsets, lengths, at


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("prefix", PREFIXES, ids=lambda prefix: prefix.code)
def test_a_scanner_finds_block_by_block_what_a_walk_finds(prefix: Prefix, seed: int) -> None:
    draw = random.Random(f"{prefix} {seed}")
    scanner, limit = PrefixScanner(prefix), draw.choice([200, 1 << 24])
    for _ in range(4):
        data, at = framed(draw, prefix), 0
        data = data[: draw.randrange(len(data) + 1)]
        while True:
            offsets, lengths, end = scanner.scan(data, limit, at)
            assert (offsets.tolist(), lengths.tolist(), end) == walked(data, prefix, limit, at)
            if end + prefix.header_bytes > len(data):
                break
            (length,) = struct.unpack_from(prefix.code, data, end)
            at = end + prefix.header_bytes + length  # behind the one over the limit
            if at > len(data):
                break


def messages(taken: Taken) -> list[tuple[bytes, int, int, str]]:
    """Payload, header bytes, time and word of each frame, whatever form it comes in."""
    found = []
    for batch in taken.batches:
        word = batch.first_word
        if batch.before is not None:
            found.append((batch.before.payload, batch.before.header_bytes, batch.time_ns, word))
            word = batch.word
        if batch.table is not None:
            data, *columns = batch.table
            for at, size, header in zip(*(column.tolist() for column in columns), strict=True):
                found.append((data[at : at + size], header, batch.time_ns, word))
                word = batch.word
        for frame, its_word in zip(batch.frames, batch.words, strict=True):
            assert frame.flaw is None
            found.append((frame.payload, frame.header_bytes, batch.time_ns, its_word))
    return found


@pytest.mark.parametrize("name", ["u8", "u16le", "u32le", "u16be", "u32be", "fixed:7", "lines", "put_var"])
@pytest.mark.parametrize("seed", range(4))
def test_a_reader_gives_the_same_frames_in_columns_however_the_reads_are_cut(name: str, seed: int) -> None:
    draw = random.Random(f"{name} {seed}")
    prefix = {"u8": Prefix(1), "u16le": Prefix(2), "u16be": Prefix(2, False), "u32be": Prefix(4, False)}
    wire = framed(draw, prefix.get(name, Prefix(4)))
    one, other = StreamReader(name), StreamReader(name)
    at = 0
    while at < len(wire):
        chunk = wire[at : at + draw.choice([1, 2, 3, 30, 8_000, 9_000, 40_000, 128 * 1024])]
        at += len(chunk)
        assert messages(one.receive(chunk, at, columns=True)) == messages(other.receive(chunk, at))
        assert (one.held_bytes, one.waits_for) == (other.held_bytes, other.waits_for)
        assert one.held_reads() == other.held_reads()
