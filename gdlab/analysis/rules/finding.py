"""What a rule has found, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from gdlab.facts import Value
from gdlab.words import advice

#: The columns of a table of findings.
COLUMNS: Final = ("rule", "certainty", "what", "evidence", "next_step", "lesson", "rows")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing an expert would point at. Its sentences are made when they are read, in the reader's language.

    Attributes
    ----------
    rule : short name that stays the same, such as ``frame-rate``.
    certainty : 0 to 1, how sure the rule is that it applies to this table.
    values : the numbers and names that its sentences are made of.
    rows : positions in the table to look at; at most 20.
    case : which case of the rule it is, where their sentences differ.
    """

    rule: str
    certainty: float
    values: Mapping[str, Value]
    rows: tuple[int, ...] = ()
    case: str = ""

    @classmethod
    def of(
        cls, rule: str, certainty: float, rows: tuple[int, ...] = (), /, *, case: str = "", **values: Any
    ) -> Finding:
        """A finding whose values are given by name; numbers of numpy become Python's own."""
        plain = {
            name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()
        }
        return cls(rule, certainty, plain, rows, case)

    def cells(self) -> tuple[object, ...]:
        """Its row in a table with the columns `COLUMNS`.

        `what` is the sentence, `evidence` the numbers it rests on with their sample size, `next_step` what to do
        about it or to become surer, `lesson` what it teaches, in a sentence that holds elsewhere too.
        """
        told = advice(f"{self.rule}/{self.case}" if self.case else self.rule, self.values)
        return self.rule, self.certainty, *told, self.rows

    @property
    def what(self) -> str:
        """What it says, in a sentence."""
        return str(self.cells()[COLUMNS.index("what")])
