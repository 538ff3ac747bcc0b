"""What comes back from a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from gdlab.facts import Statement
from gdlab.words import stated


@dataclass(frozen=True, slots=True)
class Loaded:
    """A table from a file.

    Attributes
    ----------
    table : the columns and dtypes of `messages.SCHEMA`.
    provenance : what the file, or its sidecar, tells about itself: versions, clock, rows, and under
        ``"provenance"`` what the capture told. Empty where there is no such thing.
    told : what is to be known about this table: what is missing, what was assumed, what does not fit.
    """

    table: pd.DataFrame
    provenance: dict[str, Any]
    told: tuple[Statement, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known about it, in the reader's language."""
        return tuple(map(stated, self.told))
