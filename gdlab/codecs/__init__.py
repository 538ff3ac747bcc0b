"""Payload columns as values: Variant, JSON, text, packed formats, or what a function of the user's makes of them.

::

    decode(capture.df)                    # guesses, payload by payload, and reports it
    decode(capture.df, codec="variant")
    decode(capture.df, codec="<B type, H seq, 3f pos")
    decode(capture.df, codec=lambda payload: my_protocol.parse(payload))
"""

from __future__ import annotations

from gdlab.codecs.codec import CODECS, Codec, Decoded
from gdlab.codecs.explain import explain
from gdlab.codecs.flatten import MAX_COLUMNS, columns
from gdlab.codecs.table import Decoder, as_json, chosen, decode, from_json, remember, remembered

__all__ = [
    "CODECS",
    "MAX_COLUMNS",
    "Codec",
    "Decoded",
    "Decoder",
    "as_json",
    "chosen",
    "columns",
    "decode",
    "explain",
    "from_json",
    "remember",
    "remembered",
]
