"""`df.gdlab`: a table that a user holds, with what a capture offers; registered when this module is imported."""

from __future__ import annotations

import pandas as pd

from gdlab.capture import html
from gdlab.capture.tabular import Tabular


@pd.api.extensions.register_dataframe_accessor("gdlab")
class TableAccessor(Tabular):
    """The measures, pictures and files of a table, filtered as you like: ``df[df.peer == p].gdlab.to_csv(...)``."""

    def __init__(self, table: pd.DataFrame) -> None:
        if "payload" not in table.columns:
            raise AttributeError("df.gdlab works on a table of messages; this one has no column 'payload'")
        from gdlab.codecs import remembered

        self._table = table
        self.decode_with = remembered(table)

    @property
    def df(self) -> pd.DataFrame:
        """The table itself."""
        return self._table

    @property
    def provenance(self) -> dict[str, object]:
        """A table alone does not know where it comes from."""
        return {}

    def _is_decoded(self) -> bool:
        return "decode_error" in self._table.columns

    def __len__(self) -> int:
        return len(self._table)

    def __repr__(self) -> str:
        return f"<gdlab on a table of {len(self._table)} rows>"

    def _headline(self) -> html.Headline:
        return html.Headline("loaded", f"a table of {len(self._table)} rows", "")
