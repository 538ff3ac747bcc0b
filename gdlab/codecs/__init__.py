"""Payload columns as values: Variant, JSON, text, raw bytes, or what a function of the user's makes of them.

::

    decode(capture.df)                    # guesses, payload by payload, and says so
    decode(capture.df, codec="variant")
    decode(capture.df, codec=lambda payload: struct.unpack("<If", payload))
"""

from __future__ import annotations

from gdlab.codecs.codec import CODECS, Codec, Decoded
from gdlab.codecs.flatten import MAX_COLUMNS, columns
from gdlab.codecs.table import chosen, decode

__all__ = ["CODECS", "MAX_COLUMNS", "Codec", "Decoded", "chosen", "columns", "decode"]
