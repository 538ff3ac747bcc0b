r"""Text as cells of a file that any program can read, and back again without loss.

Two rules, both undone by `load`:

- Escapes. Text with control characters (other than tab and line feed) or lone surrogates is not safe in a file:
  readers change or refuse it. It is written as a backslash and then the text with Python's escapes (``\x00``,
  ``\ud800``). Text that begins with a backslash is written so, too, so that the rule can be undone.
- Guard. Spreadsheets take a cell that begins with ``=`` for a formula, and what a peer sent must not become one.
  Such a cell gets an apostrophe in front; one that begins with an apostrophe gets another. A plain negative number is
  none: it stays as it is.

In other languages: where `payload_as` is ``text``, drop one leading apostrophe if there is one (unless the sidecar's
`guard` is false); then, where a cell of another text column begins with a backslash, drop it and undo Python's escapes.
Where `payload_as` is ``hex``, the payload is the bytes of the hexadecimal digits; where it is empty, there is none.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from gdlab.payloads import PayloadArray

#: What a guarded cell must not begin with (OWASP, "CSV Injection"), and the apostrophe itself. The last four are
#: the wide forms, which spreadsheets in East Asian settings take for the narrow ones.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")

_FORMULA_BYTE = np.zeros(256, np.bool_)
_FORMULA_BYTE[[ord(start) for start in FORMULA_STARTS if start.isascii()]] = True
_WIDE = "\uff1d".encode()  # all wide forms begin with the same byte

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(?:([\\ntr])|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_SHORT = {"\\": "\\", "n": "\n", "t": "\t", "r": "\r"}


def escape(text: str) -> str:
    """Make text safe for any file; see the module."""
    if not text.startswith("\\") and not _UNSAFE.search(text):
        return text
    return "\\" + text.encode("unicode_escape").decode("ascii")


def unescape(cell: str) -> str:
    """Undo `escape`."""
    return _ESCAPE.sub(_unescape_one, cell[1:]) if cell.startswith("\\") else cell


def _unescape_one(match: re.Match[str]) -> str:
    if match[1]:
        return _SHORT[match[1]]
    code = int(match[2] or match[3] or match[4], 16)
    return chr(code) if code <= 0x10FFFF else match[0]


#: What a spreadsheet takes for a number, whatever its language.
_NEGATIVE = re.compile(r"-[0-9]+(?:\.[0-9]+)?")


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet may take a cell for a formula, or for one that is guarded."""
    return cell.startswith(FORMULA_STARTS) and not (cell[0] == "-" and _NEGATIVE.fullmatch(cell))


def guard(cell: str) -> str:
    """Keep a cell from being taken for a formula."""
    return "'" + cell if is_formula(cell) else cell


def needs_guard(payloads: PayloadArray) -> npt.NDArray[np.bool_]:
    """(n,) bool: which payloads, all of them text, `guard` would change."""
    needed = np.zeros(len(payloads), np.bool_)
    buffer, offsets = payloads.contiguous()
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    first = buffer[offsets[:-1][filled]]
    needed[filled[_FORMULA_BYTE[first]]] = True
    for row in filled[first == ord("-")]:
        needed[row] = is_formula(payloads[row].decode())
    for row in filled[first == _WIDE[0]]:
        needed[row] = payloads[row].decode().startswith(FORMULA_STARTS)
    return needed


def unguard(cell: str) -> str:
    """Undo `guard`."""
    return cell.removeprefix("'")


# ---- payloads

#: Controls that no text cell holds. Carriage return is among them: Python's universal newlines, spreadsheets and
#: many line-ending converters change it, quoted or not.
_CONTROL = np.zeros(256, np.bool_)
_CONTROL[[*range(9), *range(11, 32), 127]] = True


def textual(payloads: PayloadArray) -> npt.NDArray[np.bool_]:
    """(n,) bool: which payloads are valid UTF-8 without control characters other than tab and line feed.

    An empty payload is text, a missing one is not. The bytes are looked at all together: a Python object for each
    payload would cost more than all else.
    """
    buffer, offsets = payloads.contiguous()
    text: npt.NDArray[np.bool_] = payloads.sizes >= 0
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    if not len(filled):
        return text
    starts = offsets[:-1][filled]
    text[filled[np.logical_or.reduceat(_CONTROL[buffer], starts)]] = False
    candidates = filled[np.logical_or.reduceat(buffer >= 0x80, starts)]
    candidates = candidates[text[candidates]]
    if len(candidates):
        text[candidates] = _valid_utf8(payloads[candidates])
    return text


def _valid_utf8(payloads: PayloadArray) -> npt.NDArray[np.bool_]:
    """(n,) bool: which of the payloads, none empty, are UTF-8 without the control characters U+0080 to U+009F."""
    buffer, offsets = payloads.contiguous()
    first = buffer[offsets[:-1]]
    continuation = (first & 0xC0) == 0x80
    c1 = (buffer[:-1] == 0xC2) & (buffer[1:] < 0xA0)
    if not continuation.any() and not c1.any():
        # Where all is valid together and each payload begins with a character, each is valid.
        try:
            str(buffer.data, "utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return np.ones(len(payloads), np.bool_)
    return np.array([_is_text(payload) for payload in payloads], np.bool_)


def _is_text(payload: bytes) -> bool:
    try:
        return not _UNSAFE.search(payload.decode())
    except UnicodeDecodeError:
        return False
