"""The numbers in probe messages, read many at a time.

The probes of a run are written alike but for their digits. The pattern is asked of one of them; where its digits
stand, those of every message of the same length are looked for with a few operations on the whole array, and only
what nobody writes twice, and probes that are Variants, is asked of `probe.parse` one by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gdlab import probe
from gdlab.analysis.gathering import sorting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gdlab.payloads import PayloadArray

    Ints = NDArray[np.int64]

#: Columns of the numbers read.
FIELDS: Final = ("seq", "t_us", "r_us", "s_us")
#: As `probe.parse` takes them; longer ones, and other ways to write a number, are left to it.
_NUMBER: Final = rb"(0|[1-9]\d{0,17})(?:\.0)?"
_TIMES = rb'"r_us": ?' + _NUMBER + rb', ?"s_us": ?' + _NUMBER
#: The order of keys that Python writes, and the alphabetic one of Godot's `JSON.stringify`.
_USUAL: Final = re.compile(
    rb'\{"probe": ?"(ping|pong)"(?:, ?'
    + _TIMES
    + rb')?, ?"seq": ?'
    + _NUMBER
    + rb', ?"t_us": ?'
    + _NUMBER
    + rb"(?:, ?"
    + _TIMES
    + rb")?\}"
)
#: Of `_USUAL`'s groups, the column of `FIELDS` that each number is.
_GROUPS: Final = {2: 2, 3: 3, 4: 0, 5: 1, 6: 2, 7: 3}
#: Each message is compared with at most so many layouts on average; who writes each of a million messages in
#: another way must not make this quadratic.
_TRIES: Final = 6
#: Messages of one length drawn to see how they are written.
_DRAWS: Final = 48
#: Messages compared at a time, so that they stay in the processor's cache.
_BLOCK: Final = 4096
#: Where the `i` of ``{"probe": "ping"`` stands; without the space one byte before.
_TOLD: Final = 12
#: Fewer messages of one length are asked one by one: setting up the arrays would take longer.
_FEW: Final = 24


@dataclass(frozen=True, slots=True)
class Fields:
    """What was read of n payloads.

    Attributes
    ----------
    whole : (n,) bool, whether each is a probe; the others' numbers are 0.
    pong : (n,) bool.
    held : (n,) bool, whether it has `r_us` and `s_us`.
    numbers : (n, 4) int64, in the order of `FIELDS`.
    """

    whole: NDArray[np.bool_]
    pong: NDArray[np.bool_]
    held: NDArray[np.bool_]
    numbers: Ints


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a message of some length is written: bytes at least and above that, and where its numbers stand."""

    pong: bool
    held: bool
    least: NDArray[np.uint8]
    above: NDArray[np.uint8]
    spans: tuple[tuple[int, int, int], ...]  # column of `FIELDS`, begin, end


def read(payloads: PayloadArray) -> Fields:
    """Read the probes among some payloads.

    Parameters
    ----------
    payloads : n of them, such as may be probes.

    Returns
    -------
    What `probe.parse` says of each.
    """
    sizes = np.maximum(payloads.sizes, 0)
    n = len(sizes)
    found = Fields(
        np.zeros(n, np.bool_),
        np.zeros(n, np.bool_),
        np.zeros(n, np.bool_),
        np.zeros((n, len(FIELDS)), np.int64, order="F"),  # filled column by column
    )
    for buffer, starts, rows in payloads.stretches():
        here = Fields(found.whole[rows], found.pong[rows], found.held[rows], found.numbers[rows])
        alike = _alike(buffer, starts, sizes[rows])
        often = np.bincount(alike)
        for each in np.split(sorting(alike), np.cumsum(often[often > 0])[:-1]):
            _read_alike(buffer, starts, int(sizes[rows][each[0]]), each, here)
    return found


def _alike(buffer: NDArray[np.uint8], starts: Ints, sizes: Ints) -> NDArray[np.integer]:
    """Numbers that are different for sizes, and for pings and answers as they are usually written."""
    if sizes.min() <= _TOLD or sizes.max() >= 2**15:
        return sizes
    # Of `"ping"` and `"pong"` the one letter, which stands at one of two places.
    letter = buffer[starts + _TOLD - 1] ^ buffer[starts + _TOLD]
    return sizes.astype(np.uint16) * np.uint16(2) + (letter >> 1 & 1)


def _read_alike(buffer: NDArray[np.uint8], starts: Ints, size: int, rows: Ints, found: Fields) -> None:
    """Read the payloads of one length."""
    budget = _TRIES * len(rows)
    for draw in range(_DRAWS):
        if len(rows) <= _FEW or budget <= 0:
            break
        # Multiples of the golden section fall evenly, and in step with nothing that alternates.
        drawn = int(rows[int(draw * 0.6180339887 % 1 * len(rows))])
        layout = _layout(buffer[starts[drawn] : starts[drawn] + size].tobytes())
        if layout is not None:
            budget -= len(rows)
            rows = rows[~_taken(buffer, starts, size, rows, layout, found)]
    for row in rows.tolist():
        _read_one(buffer[starts[row] : starts[row] + size].tobytes(), row, found)


def _layout(payload: bytes) -> _Layout | None:
    """The layout of a payload that is written as usual."""
    match = _USUAL.fullmatch(payload)
    if match is None:
        return None
    least = np.frombuffer(payload, np.uint8).copy()
    above = np.zeros_like(least)
    spans = []
    for group, column in _GROUPS.items():
        begin, end = match.span(group)
        if begin < 0:
            continue
        spans.append((column, begin, end))
        least[begin:end], above[begin:end] = ord("0"), 9
        if end - begin > 1:  # JSON has no leading zeros
            least[begin], above[begin] = ord("1"), 8
    return _Layout(match[1] == b"pong", len(spans) > 2, least, above, tuple(spans))


def _taken(
    buffer: NDArray[np.uint8], starts: Ints, size: int, rows: Ints, layout: _Layout, found: Fields
) -> NDArray[np.bool_]:
    """Read those of the rows that have the layout, and say which."""
    taken = np.ones(len(rows), np.bool_)
    # Of one item each: a row of many bytes is copied by the byte, an item at once.
    whole = np.ndarray(len(buffer) - size + 1, f"V{size}", buffer, strides=(1,))
    # Once for each message of a block: to repeat a row while comparing takes twice as long.
    least, above = (np.tile(each, (min(_BLOCK, len(rows)), 1)) for each in (layout.least, layout.above))
    spans = {column: [end - 8 * word for word in _words(first, end)] for column, first, end in layout.spans}
    words = {column: np.empty((len(starts_at), len(rows)), np.uint64) for column, starts_at in spans.items()}
    done = 0
    for begin in range(0, len(rows), _BLOCK):
        some = rows[begin : begin + _BLOCK]
        above_least = whole[starts[some]].view(np.uint8).reshape(len(some), size)
        above_least -= least[: len(some)]  # bytes wrap around: what is less than the least is far above it
        wrong = above_least > above[: len(some)]
        if wrong.any():
            fits = ~wrong.any(axis=1)
            taken[begin : begin + len(some)] = fits
            above_least = above_least[fits]
        fitting = len(above_least)
        for column, starts_at in spans.items():
            for each, at in zip(words[column], starts_at, strict=True):
                each[done : done + fitting] = np.ndarray(fitting, "<u8", above_least, at, (size,))
        done += fitting
    kept = rows if done == len(rows) else rows[taken]
    for column, first, end in layout.spans:
        # JSON has no leading zeros: the first digit is one less than written.
        found.numbers[:, column][kept] = _number(words[column][:, :done]) + (
            10 ** (end - first - 1) if end - first > 1 else 0
        )
    found.whole[kept] = True
    found.pong[kept] = layout.pong
    found.held[kept] = layout.held
    return taken


def _words(first: int, end: int) -> range:
    """Of digits, how many times eight bytes before their end each word begins, the first word first."""
    return range(-(-(end - first) // 8), 0, -1)


def _number(words: NDArray[np.uint64]) -> Ints:
    """The numbers that digits mean, up to 18 of them; (words, n) of eight digits each, which are changed.

    What stands before them is 0, as far as eight bytes: no two numbers are nearer to each other.
    """
    number = np.zeros(1, np.int64)
    for word, value in enumerate(words, 1):
        # Of times that are near to each other, all but the last digits are alike.
        if word < len(words) and len(value) and (value == value[0]).all():
            value = value[:1]
        # Two, four, then eight digits are put together at once: the lower ones times ten and so on, and the next.
        for bits, mask in ((8, 0x00FF00FF00FF00FF), (16, 0x0000FFFF0000FFFF), (32, 0x00000000FFFFFFFF)):
            value *= np.uint64((10 ** (bits // 8) << bits) + 1)
            value >>= np.uint64(bits)
            value &= np.uint64(mask)
        number = number * 10**8 + value.view(np.int64)
    return number


def _read_one(payload: bytes, row: int, found: Fields) -> None:
    """Read a payload that is written otherwise, or is no probe at all."""
    parsed = probe.parse(payload)
    if parsed is None:
        return
    found.whole[row], found.pong[row] = True, parsed.is_pong
    found.numbers[row, :2] = parsed.seq, parsed.t_us
    if parsed.r_us is not None and parsed.s_us is not None:
        found.held[row] = True
        found.numbers[row, 2:] = parsed.r_us, parsed.s_us
