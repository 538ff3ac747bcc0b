"""Tasks whose numbers differ by student: made from a seed, with the truth known to who made them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

from gdlab.analysis import playout, round_trips
from gdlab.analysis.sequence import sequence
from gdlab.capture.samples import sample
from gdlab.course import own_samples
from gdlab.course.own_task import Task, pick, recording
from gdlab.course.questions import number
from gdlab.impair import Link
from gdlab.impair.streams import Stream
from gdlab.messages import Direction, Event, Kind, TimeSource
from gdlab.relays.crossing import through
from gdlab.sizes.call import sizes
from gdlab.store import Limit, Store, table
from gdlab.variant import Vector2, dumps
from gdlab.words import worded

#: Buffers of the task of lesson 10, in milliseconds.
BUFFERS: Final = (10, 20, 30, 40, 50, 60, 80, 100, 120, 150, 200)
_STREAM_HEADER: Final = 4
_SECOND_NS: Final = 1_000_000_000
#: Made captures begin here: 2026-01-01, noon UTC.
_BEGAN_NS: Final = 1_767_268_800 * _SECOND_NS


def _greetings(seed: int) -> Task:
    """A game that greets so often before it hears the answer."""
    count = pick(seed, "01", 0, 5, 40)
    rows = sample("udp-60fps").df
    greets = rows[(rows.direction == "in") & (rows.payload == b"The answer is... 42!")]
    others = rows[~rows.index.isin(greets.index)]
    more = pd.concat([greets.iloc[[0]]] * count, ignore_index=True)
    more["time"] = greets.time.iloc[0] + pd.to_timedelta(np.arange(count) * _SECOND_NS // 60, unit="ns")
    later = others.assign(time=others.time + pd.Timedelta(count * _SECOND_NS // 60, unit="ns"))
    mixed = pd.concat([more, later], ignore_index=True).sort_values("time", kind="stable")
    return Task(
        "01",
        "How many bytes did all greetings of your game take together, headers included?",
        recording(mixed, "own-01"),
        number(
            48 * count,
            worded("{count} greetings of 48 bytes: 20 of text, and 28 of headers.", count=count),
            unit="bytes",
            wrong=(
                (count, "That is how many there are. How many bytes travelled?"),
                (20 * count, "That is their text. What travels before each of them?"),
                (48, "That is one greeting."),
            ),
            otherwise="Sum up `wire_bytes` of the rows whose payload is the greeting.",
        ),
    )


def _longer_way(seed: int) -> Task:
    """The game of the sample, behind a network that takes so much longer."""
    added_ms = pick(seed, "02", 0, 6, 60)
    rows = sample("udp-60fps").df
    late = rows.direction == "in"
    moved = rows.assign(time=rows.time + pd.to_timedelta(late.to_numpy() * added_ms * 1_000_000, unit="ns"))
    own = recording(moved.sort_values("time", kind="stable"), "own-02")
    median = float(round_trips(own.df).rtt_ms.median())
    return Task(
        "02",
        "Your game runs at 60 frames per second, on a path of its own. What is the median round trip, in ms?",
        own,
        number(
            (median - 0.1, median + 0.1),
            worded(
                "{median:.1f} ms, of which the path takes {added_ms}: the rest is the wait for a frame.",
                median=median,
                added_ms=added_ms,
            ),
            unit="ms",
            wrong=(
                ((8.5, 9.6), "That is the sample's. Yours is another capture."),
                ((added_ms - 0.1, added_ms + 0.1), "That is the path alone, without the wait for the frame."),
                ((median / 1000 - 0.001, median / 1000 + 0.001), "That is in seconds."),
            ),
            otherwise="capture.round_trips().rtt_ms has one value per ping.",
        ),
    )


def _stream(seed: int) -> Task:
    """A stream with big-endian lengths, read in pieces that mean nothing."""
    count = pick(seed, "03", 0, 40, 160)
    lengths = Stream(seed, 0, "own", "03 lengths")
    data = b"".join(
        (size := 4 + int(lengths.at(n) * 60)).to_bytes(_STREAM_HEADER, "big") + bytes([65 + n % 26]) * size
        for n in range(count)
    )
    store = Store("tcp://127.0.0.1:4242", Limit(rows=10_000))
    cuts = Stream(seed, 0, "own", "03 cuts")
    position, reads = 0, 0
    for read in itertools.count():
        piece = data[position : position + 20 + int(cuts.at(read) * 200)]
        if not piece:
            break
        store.append(
            _BEGAN_NS + read * 16_666_667,
            store.peer_code("127.0.0.1:50001"),
            piece,
            direction=Direction.IN,
            event=Event.MESSAGE,
            kind=Kind.BINARY,
            time_source=TimeSource.KERNEL,
            wire_bytes=len(piece) + 52,
        )
        position, reads = position + len(piece), reads + 1
    return Task(
        "03",
        "Your stream has a length before each message: 4 bytes, the highest first. How many messages are in it?",
        recording(table.build([store.snapshot()]), "own-03"),
        number(
            count,
            worded(
                '{count} messages in {reads} reads: capture.reframe("u32be") reads it as it was meant.',
                count=count,
                reads=reads,
            ),
            wrong=(
                (reads, "That is how often was read. Where reads end means nothing."),
                (len(data), "That is how many bytes there are."),
            ),
            otherwise='capture.reframe("u32be") reads it again with another framing.',
        ),
    )


def _value(seed: int) -> Task:
    """A message of the student's own shape."""
    names = ("hp", "speed", "name", "team", "ammo", "score", "level")
    chosen = [names[(pick(seed, "04", 0, 0, 6) + n) % 7] for n in range(pick(seed, "04", 1, 2, 4))]
    value: dict[str, Any] = {name: pick(seed, "04", 10 + n, 1, 100_000) for n, name in enumerate(chosen)}
    value["pos"] = Vector2(float(pick(seed, "04", 2, 0, 100)), 0.5)
    size = len(dumps(value))
    return Task(
        "04",
        worded("How many bytes does your message take as a Variant? {value}", value=value),
        value,
        number(
            size,
            worded(
                "{size} bytes, {names} of them for the names.",
                size=size,
                names=size - len(dumps(list(value.values()))),
            ),
            unit="bytes",
            wrong=((len(dumps(list(value.values()))), "That is without the names of the keys."),),
            otherwise="len(gd.variant.dumps(value)); a name of n letters takes 8 bytes and n, filled up to four.",
        ),
    )


def _loss(seed: int) -> Task:
    """The player of the sample, over a path that loses, doubles and reorders."""
    share = pick(seed, "06", 0, 20, 120) / 1000
    link = Link(delay_ms=30, jitter_ms=12, loss=share, duplicate=0.02, order="free")
    ride = through(sample("player-60hz"), up=link, seed=seed)
    lost = int(sequence(ride.server.df, seq="v.seq").lost.iloc[0])
    sent = len(ride.client.df)
    return Task(
        "06",
        "A player numbered its messages (`v.seq`). How many of them never reached your capture?",
        recording(ride.server.df, "own-06"),
        number(
            lost,
            worded(
                "{lost} of {sent} never came. What came twice, or too late to be in order, did come.",
                lost=lost,
                sent=sent,
            ),
            wrong=(
                (sent - len(ride.server.df), "Those that came twice fill up the count: look at the numbers."),
            ),
            otherwise='gd.analysis.sequence(capture.df, seq="v.seq") counts what never came.',
        ),
    )


def _players(seed: int) -> Task:
    """Three players, of whose messages some are not there."""
    who = pick(seed, "07", 0, 1, 3)
    keep = Stream(seed, 0, "own", "07")
    rows = sample("three-players").df
    kept = rows[[keep.at(n) < 0.7 or event != "message" for n, event in enumerate(rows.event)]]
    own = recording(kept, "own-07")
    by = own.decoded().groupby("v.id").size_bytes
    bytes_of, count_of = by.sum(), by.size()
    return Task(
        "07",
        worded("How many bytes of payload did player {who} send in your session?", who=who),
        own,
        number(
            float(bytes_of[who]),
            worded("{size} bytes in {count} messages.", size=bytes_of[who], count=count_of[who]),
            unit="bytes",
            wrong=(
                (float(count_of[who]), "That is how many messages. How many bytes are in them?"),
                (float(bytes_of.sum()), "That is what all three sent together."),
            ),
            otherwise='Add up per player: capture.decoded().groupby("v.id").size_bytes.sum()',
        ),
    )


def _call(seed: int) -> Task:
    """What one unreliable call costs a whole game."""
    hz, peers = pick(seed, "09", 0, 1, 6) * 10, pick(seed, "09", 1, 2, 16)
    arguments = (pick(seed, "09", 2, 1, 1_000_000), "x" * pick(seed, "09", 3, 1, 20))
    wire = int(sizes(arguments, as_rpc="unreliable").wire_bytes)
    total = wire * hz * peers
    return Task(
        "09",
        worded(
            "rpc() with the arguments {arguments}, unreliable, {hz} times per second, to {peers} peers: how many "
            "bytes per second leave the server?",
            arguments=arguments,
            hz=hz,
            peers=peers,
        ),
        arguments,
        number(
            total,
            worded(
                "{wire} bytes per call on the wire, {hz} times per second, to each of {peers}: {total:,} per second.",
                wire=wire,
                hz=hz,
                peers=peers,
                total=total,
            ),
            wrong=(
                (wire * hz, "That is to one peer: each gets a datagram of its own."),
                (wire * peers, "That is one frame of it. How many are there in a second?"),
                (wire, "That is one call to one peer."),
            ),
            otherwise='gd.sizes(arguments, as_rpc="unreliable").wire_bytes is one call to one peer.',
        ),
    )


def _buffer(seed: int) -> Task:
    """The player of the sample, over a network with a jitter of its own."""
    jitter = pick(seed, "10", 0, 8, 45)
    ride = through(
        sample("player-60hz"), up=Link(delay_ms=60, jitter_ms=jitter, loss=0.01, order="free"), seed=seed
    )
    tried = playout(ride.client, ride.server, seq="v.seq", buffers_ms=BUFFERS)
    enough = int(tried.index[tried.late == 0][0])
    return Task(
        "10",
        worded(
            "What is the smallest buffer of {buffers} (ms) with which nothing comes too late? (`client` and `server` "
            "of what is given)",
            buffers=BUFFERS,
        ),
        ride,
        number(
            enough,
            worded(
                "{enough} ms: the way varies by up to {jitter} ms to either side.",
                enough=enough,
                jitter=jitter,
            ),
            unit="ms",
            wrong=(
                ((60, 60), "That is how long the way takes. What must be held is what it varies by."),
                ((enough + 1, BUFFERS[-1]), "That is enough, and more than is needed."),
            ),
            otherwise='Look for late == 0: gd.analysis.playout(ride.client, ride.server, seq="v.seq", buffers_ms=...)',
        ),
    )


#: Who makes the task of each lesson.
MAKERS: Final[dict[str, Callable[[int], Task]]] = {
    "01": _greetings,
    "02": _longer_way,
    "03": _stream,
    "04": _value,
    "05": own_samples.endings,
    "06": _loss,
    "07": _players,
    "08": own_samples.stalls,
    "09": _call,
    "10": _buffer,
    "12": own_samples.exchanges,
}
