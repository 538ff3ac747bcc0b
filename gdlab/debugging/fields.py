"""A message's values, taken one by one with their types checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gdlab.variant import NodePath


class OtherLayout(ValueError):
    """A message of a known name has another layout than this version of gdlab knows."""


class Fields:
    """The values of one message, first to last.

    Every method raises `OtherLayout` where the value is not there or of another type.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self._values = values
        self._at = 0

    @property
    def left(self) -> int:
        """Values that have not been taken."""
        return len(self._values) - self._at

    def any(self) -> Any:
        """The next value, whatever it is."""
        if self._at >= len(self._values):
            raise OtherLayout(f"it ends after {len(self._values)} values, where another was expected")
        self._at += 1
        return self._values[self._at - 1]

    def peek(self) -> Any:
        """The next value without taking it; None at the end."""
        return self._values[self._at] if self._at < len(self._values) else None

    def integer(self) -> int:
        """The next value, an int."""
        value = self.any()
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._other(value, "int")
        return value

    def truth(self) -> bool:
        """The next value, a bool."""
        value = self.any()
        if not isinstance(value, bool):
            raise self._other(value, "bool")
        return value

    def number(self) -> float:
        """The next value, a float or an int."""
        value = self.any()
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._other(value, "number")
        return float(value)

    def text(self) -> str:
        """The next value, a String, a StringName or a NodePath."""
        value = self.any()
        if isinstance(value, NodePath):
            return str(value)
        if not isinstance(value, str):
            raise self._other(value, "String")
        return str(value)

    def array(self) -> Sequence[Any]:
        """The next value, an Array or a packed one."""
        value = self.any()
        if isinstance(value, np.ndarray):
            return list(value.tolist())
        if not isinstance(value, list | tuple):
            raise self._other(value, "Array")
        return value

    def texts(self) -> tuple[str, ...]:
        """The next value, an Array of texts."""
        inside = Fields(self.array())
        return tuple(inside.text() for _ in range(inside.left))

    def integers(self) -> tuple[int, ...]:
        """The next value, an Array of ints."""
        inside = Fields(self.array())
        return tuple(inside.integer() for _ in range(inside.left))

    def groups(self, width: int) -> int:
        """The next value, the number of values that follow in groups of `width`; the number of groups."""
        count = self.integer()
        if count < 0 or count % width:
            raise OtherLayout(f"value {self._at} counts {count}, where a multiple of {width} was expected")
        if count > self.left:
            raise OtherLayout(f"value {self._at} announces {count} values, and {self.left} follow")
        return count // width

    def _other(self, value: object, expected: str) -> OtherLayout:
        return OtherLayout(f"value {self._at} is {type(value).__name__}, where {expected} was expected")
