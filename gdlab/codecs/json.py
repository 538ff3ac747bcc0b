"""JSON as peers of a game write it, read with its integers kept.

Godot reads every JSON number as a float, so integers beyond 2**53 arrive there rounded. Here they stay exact, and
the payload gets a note.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from gdlab.errors import PayloadError
from gdlab.facts import Statement
from gdlab.words import stated

#: Containers inside one another. Godot allows 1024; Python's parser recurses, and a notebook has used up stack already.
MAX_DEPTH: Final = 256
#: The largest integer of which a 64-bit float can hold every smaller one.
EXACT: Final = 2**53

_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
#: An integer that may be beyond `EXACT`; digits behind a point are none.
_LONG: Final = re.compile(rb"(?<![\d.])\d{16}")


class JsonError(PayloadError):
    """A payload that is no JSON; stays inside this package, as the reason of a row."""


def read(payload: bytes) -> tuple[Any, str | None]:
    """The value of a payload, and a note where Godot would have read it otherwise.

    Objects are dicts, arrays lists, integers int, other numbers float.

    Raises
    ------
    JsonError : it is no JSON (also where it is not UTF-8, holds NaN or Infinity, or is too deep).
    """
    if payload.count(b"[") + payload.count(b"{") > MAX_DEPTH:
        _check_depth(payload)
    wide: list[int] = []
    try:
        text = payload.decode()
        if text.startswith("\ufeff"):
            raise JsonError(Statement("json/mark"))
        value = (_READER if _LONG.search(payload) is None else _noting(wide)).decode(text)
    except UnicodeDecodeError as error:
        raise JsonError(Statement.of("json/utf8", byte=payload[error.start], at=error.start)) from None
    except json.JSONDecodeError as error:
        raise JsonError(_syntax(error)) from None
    except RecursionError:
        raise JsonError(Statement("json/deep")) from None
    except ValueError as error:  # an integer of more digits than Python converts, or our own
        raise (error if isinstance(error, JsonError) else JsonError(Statement("json/digits"))) from None
    return value, _note(wide) if wide else None


def _noting(wide: list[int]) -> json.JSONDecoder:
    """A reader that notes integers beyond `EXACT`; slower, since it is asked about each one."""

    def integer(digits: str) -> int:
        value = int(digits)
        if abs(value) > EXACT:
            wide.append(value)
        return value

    return json.JSONDecoder(parse_int=integer, parse_constant=_refuse)


#: What Python's parser reports, as far as there are words for it.
_PROBLEMS: Final = {
    "Expecting value": "value",
    "Expecting property name enclosed in double quotes": "name",
    "Expecting ':' delimiter": "colon",
    "Expecting ',' delimiter": "comma",
    "Invalid control character at": "control",
    "Invalid \\escape": "escape",
    "Invalid \\uXXXX escape": "escape",
    "Unterminated string starting at": "string",
    "Extra data": "extra",
    "Illegal trailing comma before end of object": "trailing",
    "Illegal trailing comma before end of array": "trailing",
}


def _syntax(error: json.JSONDecodeError) -> Statement:
    known = _PROBLEMS.get(error.msg.removesuffix(": "))
    problem = error.msg[0].lower() + error.msg[1:] if known is None else Statement.of(f"json-problem/{known}")
    return Statement.of("json/syntax", problem=problem, at=error.pos)


def _refuse(name: str) -> None:
    raise JsonError(Statement.of("json/constant", name=name))


_READER: Final = json.JSONDecoder(parse_constant=_refuse)


def _note(wide: list[int]) -> str:
    first = str(wide[0])
    shown = first if len(first) <= 24 else Statement.of("json/long", digits=len(first))
    if len(wide) > 1:
        return stated(Statement.of("json/wide many", shown=shown, more=len(wide) - 1))
    return stated(Statement.of("json/wide", shown=shown))


def _check_depth(payload: bytes) -> None:
    depth = 0
    for token in _TOKENS.finditer(payload):
        first = token[0][0]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise JsonError(Statement.of("json/nested", most=MAX_DEPTH))
        elif first in b"]}":
            depth -= 1
