"""Cells of CSV files that went through other hands, back to what they were; refused where that cannot be known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import numpy as np

from gdlab.errors import PayloadError
from gdlab.facts import Statement
from gdlab.files import times
from gdlab.payloads import Int64

_TIME: Final = re.compile(
    r"\s*(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?\s*"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(r"\s*([+-]?\d+)(?:[.,]0+)?\s*")
_EXACT_DIGITS: Final = 15  # of a spreadsheet's numbers


def times_of(cells: Sequence[str]) -> tuple[Int64, int]:
    """Nanoseconds since 1970, UTC, of times in ISO 8601 with any zone; and how many have none, taken for UTC.

    Raises
    ------
    ValueError : a cell is no such time.
    """
    try:
        return times.parse(cells), 0
    except ValueError:
        found = [_time(cell) for cell in cells]
    return np.array([time_ns for time_ns, _ in found], np.int64), sum(not zone for _, zone in found)


def _time(cell: str) -> tuple[int, bool]:
    match = _TIME.fullmatch(cell)
    if match is None:
        raise PayloadError(Statement.of("load/time", cell=cell[:60]))
    year, month, day, hour, minute, second = (int(match[number] or 0) for number in range(1, 7))
    zone = match[8] or ""
    offset = UTC
    if zone[:1] in {"+", "-"}:
        digits = zone[1:].replace(":", "").ljust(4, "0")
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        offset = timezone((1 if zone[0] == "+" else -1) * timedelta(minutes=minutes))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=offset) - _EPOCH
    except ValueError as error:
        raise PayloadError(Statement.of("load/time why", cell=cell[:60], why=str(error))) from error
    seconds = moment.days * 86_400 + moment.seconds
    time_ns = seconds * 1_000_000_000 + int((match[7] or "0").ljust(9, "0"))
    if not -(2**63) < time_ns < 2**63:
        raise PayloadError(Statement.of("load/time years", cell=cell[:60]))
    return time_ns, bool(zone)


def integers(cells: Sequence[str]) -> Int64:
    """Whole numbers, also as programs write them that know only others (``28.0``, ``28,0``).

    Raises
    ------
    ValueError : a cell is no whole number. OverflowError : it has more than 64 bits.
    """
    try:
        return np.array([int(cell) for cell in cells], np.int64)
    except ValueError:
        found = []
        for cell in cells:
            match = _NUMBER.fullmatch(cell)
            if match is None:
                raise PayloadError(Statement.of("load/integer", cell=cell[:60])) from None
            found.append(int(match[1]))
        return np.array(found, np.int64)


def hexadecimal(cell: str, size: int | None) -> bytes:
    """The bytes of a payload in hexadecimal digits.

    Parameters
    ----------
    size : of the payload, where the file tells: a spreadsheet takes digits for a number, and leaves off the zeros that
        begin it.

    Raises
    ------
    ValueError : the digits are not all there.
    """
    wanted = None if size is None else 2 * size
    if wanted is not None and len(cell) < wanted and cell.isdecimal() and cell.isascii():
        if len(cell) <= _EXACT_DIGITS:
            return bytes.fromhex(cell.zfill(wanted))
        raise PayloadError(Statement.of("load/rounded", cell=cell[:60]))
    try:
        return bytes.fromhex(cell)
    except ValueError:
        if re.fullmatch(r"[\d.,]+E[+-]?\d+", cell, re.IGNORECASE):
            raise PayloadError(Statement.of("load/exponent", cell=cell[:60])) from None
        raise PayloadError(Statement.of("load/hex", cell=cell[:60])) from None
