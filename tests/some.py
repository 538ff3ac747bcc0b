"""Some of many cases for the quick tests; the others are marked `slow`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def some(cases: Iterable[Any], *, every: int, several: bool = False) -> list[Any]:
    """The cases as parameters: the first of each `every` runs always, the others where slow tests run.

    With `several`, a case is the values of several parameters.
    """
    return [
        pytest.param(*(case if several else (case,)), marks=[] if number % every == 0 else [pytest.mark.slow])
        for number, case in enumerate(cases)
    ]
