"""What a measure is taken of: a table of messages, or anything that has one."""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable

import pandas as pd

from gdlab.analysis.reread import retyped
from gdlab.analysis.together import once
from gdlab.codecs import decode


@runtime_checkable
class HasTable(Protocol):
    """A capture, a recording, a lesson's answer: whatever has a table of messages as `df`."""

    @property
    def df(self) -> pd.DataFrame:
        """The table, with the columns of `gdlab.messages.SCHEMA`."""


@runtime_checkable
class _Decodes(Protocol):
    """It knows how its payloads are read."""

    def decoded(self) -> pd.DataFrame: ...


#: What every measure takes.
Source: TypeAlias = pd.DataFrame | HasTable


def table_of(source: Source, *fields: str | None) -> pd.DataFrame:
    """The table of a source, decoded where a measure needs fields of the payloads.

    Parameters
    ----------
    source : a table, or a capture or recording.
    fields : names of columns that are needed; None is none. Columns that are there are taken as they are.

    Raises
    ------
    TypeError : it is neither a table nor does it have one.
    """
    table = source if isinstance(source, pd.DataFrame) else getattr(source, "df", None)
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"a measure is taken of a capture, a recording or a table of messages, not of {type(source).__name__}"
        )
    if isinstance(source, pd.DataFrame):
        table = source = once(source, "retyped", retyped)
    needed = [name for name in fields if name is not None and name not in table.columns and is_field(name)]
    if not needed or "payload" not in table.columns:
        return table
    if not isinstance(source, pd.DataFrame) and isinstance(source, _Decodes):
        return source.decoded()
    return decode(table)


def is_field(name: str) -> bool:
    """Whether a column of this name is one that decoding makes: ``v``, ``v.seq``, ``v[0]``."""
    return name == "v" or name.startswith(("v.", "v["))
