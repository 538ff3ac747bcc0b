"""Files of earlier versions: what their columns are called today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

#: Names of columns that have been renamed, and what they are called now.
RENAMED: Final[dict[str, str]] = {"stamp": "time_source"}


def names(columns: Iterable[str]) -> list[str]:
    """The names of columns as they are today."""
    return [RENAMED.get(name, name) for name in columns]


def categories(told: Mapping[str, Any]) -> dict[str, Any]:
    """The categories of columns, by the columns' names of today."""
    return dict(zip(names(told), told.values(), strict=True))
