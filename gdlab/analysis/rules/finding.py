"""What a rule says when it applies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing an expert would point at.

    Attributes
    ----------
    rule : short name that stays the same, such as ``frame-rate``.
    certainty : 0 to 1, how sure the rule is that its sentence is true of this table.
    what : the sentence.
    evidence : the numbers it rests on, with their sample size.
    next_step : what to do about it, or to become surer.
    lesson : what it teaches, in a sentence that holds elsewhere too.
    rows : positions in the table to look at; at most 20.
    """

    rule: str
    certainty: float
    what: str
    evidence: str
    next_step: str
    lesson: str
    rows: tuple[int, ...] = ()
