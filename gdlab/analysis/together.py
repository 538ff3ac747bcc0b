"""What several measures of one table need, found once while they are taken together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

#: By the identity of a table: the table, so that it stays the only one of that identity, and what was found.
_kept: ContextVar[dict[int, tuple[pd.DataFrame, dict[str, Any]]] | None] = ContextVar("kept", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Keep what `once` finds until the end; no table may be changed meanwhile."""
    if _kept.get() is not None:
        yield
        return
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def once(table: pd.DataFrame, name: str, find: Callable[[pd.DataFrame], T]) -> T:
    """What `find` gives of a table; within `together` what it gave the first time, which nobody changes."""
    kept = _kept.get()
    if kept is None:
        return find(table)
    _, found = kept.setdefault(id(table), (table, {}))
    if name not in found:
        found[name] = find(table)
    result: T = found[name]
    return result
