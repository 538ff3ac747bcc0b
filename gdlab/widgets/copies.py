"""One message in the forms in which people paste it elsewhere."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, Final

import numpy as np

from gdlab.codecs import Codec
from gdlab.payloads import PayloadArray

FORMS: Final = ("hex", "text", "json", "gdscript", "python")


def copied(payload: bytes, codec: Codec, form: str) -> str:
    """Return a payload as hex, text, JSON, GDScript or Python.

    Parameters
    ----------
    codec : reads the value; where it cannot, the bytes themselves are written.
    form : one of `FORMS`.

    Raises
    ------
    ValueError : `form` is not one of them.
    """
    if form == "hex":
        return payload.hex(" ")
    if form == "text":
        return payload.decode(errors="replace")
    if form not in FORMS:
        raise ValueError(f"a message can be copied as {', '.join(FORMS)}, not as {form!r}")
    value, known = _value(payload, codec)
    if form == "json":
        return json.dumps(value if known else payload.hex(), default=str, ensure_ascii=False)
    if form == "gdscript":
        if known:
            try:
                return gdscript_literal(value)
            except TypeError:  # a value that GDScript has no literal for, such as an inert object
                known = False
        return f'"{payload.hex()}".hex_decode()'
    return repr(value if known else payload)


def gdscript_literal(value: Any) -> str:
    """Return the GDScript expression of a decoded value, as `gdlab.variant.literal.parse_literal` reads it.

    Raises
    ------
    TypeError : there is no literal of it.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else {"nan": "NAN", "inf": "INF"}.get(str(value), "-INF")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        pairs = (f"{gdscript_literal(key)}: {gdscript_literal(part)}" for key, part in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, (bytes, bytearray)):
        return f"PackedByteArray([{', '.join(map(str, value))}])"
    if isinstance(value, np.ndarray):
        parts = ", ".join(gdscript_literal(part) for part in value.tolist())
        return f"{type(value).__name__}([{parts}])"
    if type(value) is list:
        return "[" + ", ".join(map(gdscript_literal, value)) + "]"
    if dataclasses.is_dataclass(value):
        fields = (getattr(value, field.name) for field in dataclasses.fields(value))
        return f"{type(value).__name__}({', '.join(map(gdscript_literal, fields))})"
    if isinstance(value, tuple):
        return f"{type(value).__name__}({', '.join(map(gdscript_literal, value))})"
    raise TypeError(f"GDScript has no literal of a {type(value).__name__}")


def _value(payload: bytes, codec: Codec) -> tuple[Any, bool]:
    found = codec.decode_column(PayloadArray._from_sequence([payload]))
    return found.objects[0], found.errors[0] is None
