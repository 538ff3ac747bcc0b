"""The message table with its payloads decoded: more columns, the same rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from gdlab.codecs import flatten
from gdlab.codecs.codec import CODECS, Codec, Decoded, of_function
from gdlab.codecs.guess import Auto, summary
from gdlab.facts import Reason
from gdlab.messages import Event
from gdlab.payloads import PayloadArray

_AUTO = Auto()


def decode(
    table: pd.DataFrame, codec: str | Codec | Callable[[bytes], Any] = "auto", *, probes: bool = False
) -> pd.DataFrame:
    """Decode the payloads of a message table.

    Parameters
    ----------
    table : with the column `payload`; of a column `event` only the rows ``message`` are decoded. May be empty.
    codec : ``variant`` (as Godot's ``var_to_bytes``), ``json``, ``text`` (UTF-8), ``raw`` (bytes), ``auto``, or a
        function from `bytes` to a value. ``auto`` guesses for each payload.
    probes : also gdlab's own pings and what answered them.

    Returns
    -------
    A new table with the rows of the old one and these columns behind its own:

    ``codec`` : category, which codec read the row; ``auto:json`` where that was guessed. NA where none was used.
    ``value`` : object, what the payload holds; None where there is none.
    ``decode_error`` : string, why it did not decode, else NA. Bytes that ``auto`` cannot place are their own value,
        with the reason.
    ``decode_note`` : string, what should be known of a row although it decoded, else NA: an integer beyond 2**53
        in JSON, bytes behind a Variant, values for which there was no column.
    ``v.*`` : the values, flattened and typed; see `gdlab.codecs.flatten`.

    ``attrs["codec"]`` says in words what was used or guessed, ``attrs["omitted_columns"]`` how many columns were
    not made.

    Raises
    ------
    ValueError : there is no codec of that name.
    KeyError : the table has no column `payload`.

    Notes
    -----
    Nothing that a payload holds raises. Decoding a decoded table again replaces what the first decoding added.
    """
    used = chosen(codec)
    if "payload" not in table.columns:
        raise KeyError("the table has no column 'payload', so there is nothing to decode")
    payloads = _payloads(table["payload"])
    wanted = ~payloads.isna()
    if "event" in table.columns:
        wanted &= (table["event"] == Event.MESSAGE).to_numpy(dtype=bool, na_value=False)
    if "reason" in table.columns and not probes:
        wanted &= (table["reason"] != Reason.PROBE).to_numpy(dtype=bool, na_value=True)
    found = _spread(used, payloads, wanted)

    has_value = wanted & np.array([name is not None for name in found.names], np.bool_)
    has_value &= np.array([error is None for error in found.errors], np.bool_)
    flat = flatten.columns(found.objects, has_value & _flattens(found))
    for row in np.flatnonzero(flat.omitted).tolist():
        _add_note(found, row, int(flat.omitted[row]))

    values = np.empty(len(table), object)
    values[:] = found.objects
    added: dict[str, Any] = {
        "codec": pd.Categorical(pd.array(found.names, dtype="string")),
        "value": pd.Series(values, index=table.index, dtype=object),
        "decode_error": pd.array(found.errors, dtype="string"),
        "decode_note": pd.array(found.notes, dtype="string"),
        **flat.series(table.index),
    }
    old = [name for name in table.columns if name in added or _is_added(name)]
    result = pd.concat(
        [table.drop(columns=old), pd.DataFrame(added, index=table.index)], axis="columns", sort=False
    )
    result.attrs = dict(table.attrs)
    result.attrs["codec"] = f"guessed: {summary(found.names)}" if used is _AUTO else used.name
    result.attrs["omitted_columns"] = flat.omitted_columns
    return result


def _is_added(name: Any) -> bool:
    return isinstance(name, str) and (name == "v" or name.startswith(("v.", "v[")))


def chosen(codec: str | Codec | Callable[[bytes], Any]) -> Codec:
    """The codec that `decode` takes for a name or a function.

    Raises
    ------
    ValueError : there is no codec of that name.
    """
    if isinstance(codec, str):
        if codec == "auto":
            return _AUTO
        if codec in CODECS:
            return CODECS[codec]
        raise ValueError(
            f"there is no codec {codec!r}; it is one of auto, {', '.join(CODECS)}, or a function of the payload"
        )
    if isinstance(codec, Codec):
        return codec
    if callable(codec):
        return of_function(codec)
    raise ValueError(f"a codec is a name or a function of the payload, not {type(codec).__name__}")


def _payloads(column: pd.Series) -> PayloadArray:
    array = column.array
    return array if isinstance(array, PayloadArray) else PayloadArray._from_sequence(list(column))


def _spread(codec: Codec, payloads: PayloadArray, wanted: np.ndarray[Any, np.dtype[np.bool_]]) -> Decoded:
    """Decode the wanted payloads, in their rows; the codec sees no others."""
    if wanted.all():
        return codec.decode_column(payloads)
    rows = np.flatnonzero(wanted)
    part = codec.decode_column(payloads.take(rows))
    whole = Decoded.empty(len(payloads), None)
    for name in ("objects", "errors", "notes", "names"):
        getattr(whole, name)[rows] = getattr(part, name)
    return whole


def _flattens(found: Decoded) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which rows have values worth columns: bytes as they came would only repeat `size_bytes`."""
    return np.array([type(value) is not bytes for value in found.objects], np.bool_)


def _add_note(found: Decoded, row: int, omitted: int) -> None:
    text = f"{omitted} value{'s have' if omitted != 1 else ' has'} no column (too many, too deep, or too long a key)"
    found.notes[row] = f"{found.notes[row]}; {text}" if found.notes[row] else text
