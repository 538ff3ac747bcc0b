"""`df.gdlab`: what gdlab offers on a message table that a user holds; registered when this module is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from gdlab.capture.sizes import sizes
from gdlab.codecs import Codec, decode
from gdlab.variant.sizes import SizeReport


@pd.api.extensions.register_dataframe_accessor("gdlab")
class TableAccessor:
    """Delegates; it knows nothing itself."""

    def __init__(self, table: pd.DataFrame) -> None:
        if "payload" not in table.columns:
            raise AttributeError("df.gdlab works on a table of messages; this one has no column 'payload'")
        self._table = table

    def decoded(self, codec: str | Codec | Callable[[bytes], Any] = "auto") -> pd.DataFrame:
        """The table with its payloads decoded; see `gdlab.codecs.decode`."""
        return decode(self._table, codec)

    def sizes(self, **options: Any) -> SizeReport:
        """What the messages cost in other encodings; see `gdlab.capture.sizes.Sizes`."""
        return sizes(self._table, **options)
