"""Rewriting fields of recorded payloads, so that a replay carries other values than the recording."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from gdlab.errors import GdlabError, ReplayError
from gdlab.variant import dumps, loads

#: A function of each payload, or new values of fields: themselves, or a function of the old value.
Edit: TypeAlias = Callable[[bytes], bytes] | Mapping[str, Any]
_LISTED = 10


class Fields:
    """Sets fields of payloads that are a JSON object or a Variant Dictionary; others stay as they are.

    Parameters
    ----------
    values : by field, such as ``"hp"``, ``"v.hp"`` or ``"pos.x"`` of a dictionary in it: the new value, or a function
        of the old one.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {tuple(name.removeprefix("v.").split(".")): new for name, new in values.items()}
        self._found: set[tuple[str, ...]] = set()
        self._there: set[str] = set()

    def __call__(self, payload: bytes) -> bytes:
        """Return the payload with its fields set; as it is where it has none of them."""
        try:
            value = json.loads(payload)
        except (ValueError, RecursionError):
            try:
                value = loads(payload)
            except GdlabError:
                return payload
            return dumps(value) if self._rewrite(value) else payload
        if not self._rewrite(value):
            return payload
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

    def _rewrite(self, value: Any) -> bool:
        """Whether a field of it was set."""
        if not isinstance(value, dict):
            return False
        self._there.update(str(name) for name in list(value)[:_LISTED])
        changed = False
        for path, new in self._values.items():
            holder: Any = value
            for name in path[:-1]:
                holder = holder.get(name) if isinstance(holder, dict) else None
            if not isinstance(holder, dict) or path[-1] not in holder:
                continue
            holder[path[-1]] = new(holder[path[-1]]) if callable(new) else new
            self._found.add(path)
            changed = True
        return changed

    def check(self) -> None:
        """Raise where a field was in no payload.

        Raises
        ------
        ReplayError : names it, and the fields that there are.
        """
        for path in self._values:
            if path not in self._found:
                there = (
                    ", ".join(sorted(self._there)[:_LISTED])
                    or "none: they are no JSON objects or Dictionaries"
                )
                raise ReplayError(
                    f"edit= names the field {'.'.join(path)!r}, which no message has; there are {there}"
                )
