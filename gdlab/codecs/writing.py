"""Values as payloads: the codecs of `gdlab.codecs.CODECS` the other way round."""

from __future__ import annotations

import json
from typing import Any, Final

from gdlab.codecs import packed, structs
from gdlab.codecs.osc_writing import write_osc
from gdlab.facts import Statement
from gdlab.variant import dumps
from gdlab.words import stated

#: The names of codecs that write, beside struct formats; ``auto`` is left to who knows where the message goes.
WRITTEN: Final = ("variant", "json", "text", "bytes", "msgpack", "cbor", "osc")


def write(value: Any, codec: str) -> bytes:
    """Return the payload of a value.

    Parameters
    ----------
    codec : one of `WRITTEN`, or a struct format such as ``"<B type, H seq, 3f pos"``, which takes a dict with its
        names, or their values in order.

    Raises
    ------
    TypeError : the codec cannot write this value, or none has that name. VariantEncodeError : Godot has no Variant for
        it. ValueError : JSON has no such number (NaN, Infinity), or the text is not Unicode that can be sent.
    MissingDependency : the library of msgpack or cbor is not installed.
    """
    if codec == "variant":
        return dumps(value)
    if codec == "json":
        return _json(value)
    if codec == "text":
        return str(value).encode()
    if codec == "bytes":
        raise TypeError(stated(Statement.of("codec/bytes", type=type(value).__name__)))
    if codec in ("msgpack", "cbor"):
        return packed.write(value, codec)
    if codec == "osc":
        return write_osc(value)
    if structs.is_format(codec):
        return structs.Format.parse(codec).pack(value)
    raise TypeError(stated(Statement.of("codec/unwritten", codec=codec, known=tuple(WRITTEN))))


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        kind = (
            TypeError if isinstance(error, TypeError) else ValueError
        )  # not UnicodeEncodeError, which takes more
        raise kind(
            f"this message cannot be sent as JSON: {error}. Send what JSON has (numbers, text, lists, dicts), or "
            f'Godot\'s types with codec="variant"; bytes are sent as they are'
        ) from error
