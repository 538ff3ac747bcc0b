"""Grade files: what a student was asked, what was answered, and what was measured."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from gdlab.course.diagnosis import Diagnosis
from gdlab.course.faults import KINDS, PLACES, Fault
from gdlab.course.observed import Part

FORMAT: Final = "gdlab-grade"
VERSION: Final = 1
#: Later attempts are counted, but not kept.
_MOST: Final = 200


class Grade:
    """Collects what was answered."""

    def __init__(self, student: str, seed: int, how: str) -> None:
        self._student = student
        self._seed = seed
        self._how = how
        self._answers: list[dict[str, object]] = []
        self._best = 0
        self.attempts = 0

    @property
    def solved(self) -> bool:
        """Whether an answer was right."""
        return self._best == 3

    def note(self, found: Diagnosis) -> None:
        """Keep an answer."""
        self.attempts += 1
        points = (
            found.right_place
            + found.right_kind
            + (found.right_size and found.right_place and found.right_kind)
        )
        self._best = max(self._best, points)
        if len(self._answers) < _MOST:
            self._answers.append(
                {
                    "at": _now(),
                    "place": found.place,
                    "kind": found.kind,
                    "size": found.size,
                    "points": points,
                    "right": found.right,
                    "why": found.text,
                }
            )

    def as_json(self, measured: dict[str, Part], truth: Fault | None) -> dict[str, object]:
        """The file's content."""
        return content(
            "mystery",
            self._student,
            self._seed,
            how=self._how,
            asked={
                "place": list(PLACES),
                "kind": {kind: meaning for kind, (_, meaning) in KINDS.items()},
                "size": "per cent or milliseconds, as the kind has it",
            },
            answered=self._answers,
            attempts=self.attempts,
            measured={name: part.as_json() for name, part in measured.items()},
            truth=None
            if truth is None
            else {
                "place": truth.place,
                "kind": truth.kind,
                "set_to": truth.set_to,
                "unit": KINDS[truth.kind][0],
            },
            points=self._best,
            of=3,
        )


def content(
    exercise: str,
    student: str,
    seed: int,
    *,
    how: str,
    asked: dict[str, object],
    answered: list[dict[str, object]],
    attempts: int,
    measured: dict[str, object],
    points: int,
    of: int,
    truth: dict[str, object] | None = None,
) -> dict[str, object]:
    """What a grade file holds.

    Parameters
    ----------
    how : ``"canned"`` or ``"relay"``. asked, answered, measured, truth : as the exercise has them; each answer has
        `at` and `points`, those reached with it. points, of : reached, and to be reached.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "gdlab": metadata.version("gdlab"),
        "exercise": exercise,
        "student": student,
        "seed": seed,
        "how": how,
        "written": _now(),
        "asked": asked,
        "answered": answered,
        "attempts": attempts,
        "measured": measured,
        "truth": truth,
        "points": points,
        "of": of,
    }


def write(path: str | Path | None, found: dict[str, object]) -> Path:
    """Write a grade file; a student's name becomes a file name without anything that a path could be."""
    if path is None:
        name = re.sub(r"[^\w-]+", "-", str(found["student"])).strip("-")[:60] or "student"
        path = f"{found['exercise']}-{name}.json"
    path = Path(path)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
