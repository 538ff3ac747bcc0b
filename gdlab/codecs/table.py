"""The message table with its payloads decoded: more columns, the same rows."""

from __future__ import annotations

import dataclasses
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

import pandas as pd

from gdlab.codecs import structs
from gdlab.codecs.codec import CODECS, Codec, of_function
from gdlab.codecs.growing import Growing
from gdlab.codecs.guess import Auto, summary
from gdlab.codecs.looked import Looked
from gdlab.facts import Statement
from gdlab.words import language, stated

_AUTO: Final = Auto()

#: What a capture keeps of its decoded table, so that the next time only new rows are decoded.
MOST_KEPT_BYTES: Final = 512 << 20

#: From pandas 3 on a table may share its columns with another one, and copies a column before it writes to it.
_COPY_ON_WRITE: Final = int(pd.__version__.split(".", maxsplit=1)[0]) >= 3

#: How payloads are read: the name of a codec, a struct format with names, one for each type byte, a dataclass that says
#: how it is packed, a codec, or a function from bytes to a value.
DecodeWith: TypeAlias = str | Mapping[int, str] | type | Codec | Callable[[bytes], object]


def decode(table: pd.DataFrame, codec: DecodeWith | None = None, *, probes: bool = False) -> pd.DataFrame:
    """Decode the payloads of a message table.

    Parameters
    ----------
    table : with the column `payload`; of a column `event` only the rows ``message`` are decoded. May be empty.
    codec : ``variant`` (as Godot's ``var_to_bytes``), ``json``, ``text`` (UTF-8), ``bytes`` (as they are), ``msgpack``,
        ``cbor``, ``osc``; ``auto``, which guesses for each payload; a struct format with names, such as
        ``"<B type, H seq, 3f pos"``; a dict with such a format for each first byte; a dataclass with fields such as
        ``seq: Annotated[int, "H"]``; or a function from `bytes` to a value. By default what the table's capture reads
        its payloads with, else ``auto``.
    probes : include gdlab's own pings and their answers.

    Returns
    -------
    A new table with the rows of the old one and these columns behind its own:

    ``codec`` : category, which codec read the row; ``auto:json`` where that was guessed. NA where none was used.
    ``value`` : what the payload holds; None where there is none. Objects are made when they are asked for.
    ``decode_error`` : string, why it did not decode, else NA. Bytes that ``auto`` cannot place are their own value,
        with the reason.
    ``decode_note`` : string, what should be known of a row although it decoded, else NA: an integer beyond 2**53
        in JSON, bytes behind a Variant, values for which there was no column.
    ``v.*`` : the values, flattened and typed; see `gdlab.codecs.flatten`.

    ``attrs["codec"]`` states what was used or guessed, ``attrs["omitted_columns"]`` how many columns were
    not made.

    Raises
    ------
    ValueError : there is no codec of that name, or it is not a format.
    KeyError : the table has no column `payload`.
    MissingDependency : the codec needs a library that is not installed.

    Notes
    -----
    Nothing that a payload holds raises. Decoding a decoded table again replaces what the first decoding added.
    """
    return _Decoding(chosen(remembered(table) if codec is None else codec), probes=probes).of(table)


#: Under which a table remembers how its payloads are read; what is no text stands in `_ways`, as attributes of a table
#: are written into files.
_ATTRIBUTE: Final = "gdlab_decode"
_ways: dict[str, DecodeWith] = {}


def remember(table: pd.DataFrame, codec: DecodeWith) -> None:
    """Have a table, and what is made of it, decoded in this way unless another one is asked for."""
    if not isinstance(codec, str):
        name = f"#{id(codec)}"
        _ways[name] = codec
        table.attrs[_ATTRIBUTE] = name
    elif codec != "auto":
        table.attrs[_ATTRIBUTE] = codec


def remembered(table: pd.DataFrame) -> DecodeWith:
    """How a table wants to be decoded."""
    name = str(table.attrs.get(_ATTRIBUTE, "auto"))
    return _ways.get(name, "auto") if name.startswith("#") else name


def as_json(codec: DecodeWith) -> object:
    """A way to decode as a file holds it; None for `auto`, and for what only Python knows."""
    if isinstance(codec, str):
        return None if codec == "auto" else codec
    return {str(byte): form for byte, form in codec.items()} if isinstance(codec, Mapping) else None


def from_json(told: object) -> DecodeWith:
    """The way that `as_json` was given; `auto` for everything else that a file may say."""
    way: Any = told
    try:
        if isinstance(told, Mapping):
            way = {int(byte): str(form) for byte, form in told.items()}
        elif not isinstance(told, str):
            return "auto"
        chosen(way)
    except ValueError:
        return "auto"
    return cast("DecodeWith", way)


class Decoder:
    """Decodes the tables of one capture again and again, each time only the rows that are new.

    Safe to use from any thread.

    Parameters
    ----------
    most_bytes : what it keeps for that at most; what takes more is decoded anew each time.
    """

    def __init__(self, most_bytes: int = MOST_KEPT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._last: _Decoding | None = None

    @property
    def nbytes(self) -> int:
        """Memory of what it keeps now."""
        last = self._last
        return 0 if last is None else last.nbytes

    def decode(
        self, table: pd.DataFrame, codec: DecodeWith = "auto", *, probes: bool = False
    ) -> pd.DataFrame:
        """Return the same table as the function `decode`."""
        used = chosen(codec)
        with self._lock:
            last = self._last
            if (
                last is None
                or last.given is not codec
                or last.probes is not probes
                or last.language != language()
            ):
                last = self._last = _Decoding(used, probes=probes, given=codec)
            table = last.of(table)
            if last.nbytes > self._most_bytes:
                self._last = None
            return table


class _Decoding:
    """One way to decode, and what it has given so far."""

    def __init__(self, used: Codec, *, probes: bool, given: DecodeWith | None = None) -> None:
        self.used, self.probes, self.given = used, probes, given
        self.language = language()  # of its reasons
        self.nbytes = 0  # of what is kept for the next time
        self._growing = Growing(used)

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        if "payload" not in table.columns:
            raise KeyError("the table has no column 'payload', so there is nothing to decode")
        # While the last table is held, its capture adds to its columns and does not make them anew.
        growing, self._table = self._growing, table
        growing.follow(Looked(table, probes=self.probes))
        added = growing.added(table.index)
        self.nbytes = growing.nbytes
        old = [name for name in table.columns if name in added or _is_added(name)]
        result = pd.concat(
            [table.drop(columns=old), pd.DataFrame(added, index=table.index, copy=False)],
            axis="columns",
            sort=False,
        )
        result.attrs = dict(table.attrs)
        result.attrs["codec"] = (
            f"guessed: {summary(growing.counts)}" if self.used is _AUTO else self.used.name
        )
        result.attrs["omitted_columns"] = growing.omitted_columns
        return _shared(result)


def _shared(hidden: pd.DataFrame) -> pd.DataFrame:
    """The same table over the same columns; a second one over them makes pandas copy before it writes."""
    if not _COPY_ON_WRITE:
        return hidden.copy()
    table = hidden.copy(deep=False)
    weakref.finalize(table, _let_go, hidden).atexit = False
    return table


def _let_go(_hidden: pd.DataFrame) -> None:
    """Do nothing: the argument has been kept alive until now."""


def _is_added(name: Any) -> bool:
    return isinstance(name, str) and (name == "v" or name.startswith(("v.", "v[")))


def chosen(codec: DecodeWith) -> Codec:
    """The codec that `decode` takes for a name, a format, a dataclass or a function.

    Raises
    ------
    ValueError : there is no codec of that name, or it is not a format.
    """
    if isinstance(codec, str):
        if codec == "auto":
            return _AUTO
        if codec in CODECS:
            return CODECS[codec]
        if structs.is_format(codec):
            return structs.Structs("struct", {None: structs.Format.parse(codec)})
        raise ValueError(stated(Statement.of("codec/unknown", codec=codec, known=tuple(CODECS))))
    if isinstance(codec, Mapping):
        return structs.of_formats(codec)
    if isinstance(codec, type) and dataclasses.is_dataclass(codec):
        return structs.of_dataclass(codec)
    if isinstance(codec, Codec):
        return codec
    if callable(codec):
        return of_function(codec)
    raise ValueError(stated(Statement.of("codec/kind", type=type(codec).__name__)))
