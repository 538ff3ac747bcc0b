"""One task of one student."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gdlab.capture.recording import Recording
from gdlab.course.questions import Judge
from gdlab.impair.streams import Stream


@dataclass(frozen=True, slots=True)
class Task:
    """One task of one student.

    Attributes
    ----------
    lesson : that it belongs to. asks : the question.
    given : what it is asked of: a capture, or a value. judge : what is right, and why.
    """

    lesson: str
    asks: str
    given: Any
    judge: Judge


def pick(seed: int, lesson: str, place: int, low: int, high: int) -> int:
    """A whole number from `low` to `high`, which this seed always gives."""
    return low + int(Stream(seed, 0, "own", lesson).at(place) * (high - low + 1))


def recording(rows: pd.DataFrame, name: str) -> Recording:
    """A capture of the student's own."""
    return Recording(rows.reset_index(drop=True), {}, Path(f"{name}.csv"))
