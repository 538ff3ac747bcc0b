"""What a class handed in, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from gdlab.course.handed_in import Exercise, HandedIn, read
from gdlab.files import cells
from gdlab.files.document import write_document
from gdlab.files.progress import Progress, ProgressFunction
from gdlab.files.sources import paths
from gdlab.words import phrase

if TYPE_CHECKING:
    from gdlab.files.sources import Source

#: Two files that share so much of the smaller one are of one capture; chance shares nothing.
COPIED: Final = 0.2
#: As many runs of messages must be the same at least.
_FEWEST: Final = 8
#: Grade files have few marks: one that is the same is enough.
_OF_A_GRADE: Final = 1


#: Columns that are measured, and their types.
_MEASURED: Final[dict[str, str]] = {
    "messages": "Int64",
    "lasted_s": "Float64",
    "rate_hz": "Float64",
    "loss": "Float64",
    "round_trips": "Int64",
    "rtt_ms": "Float64",
}


def marks(
    source: Source,
    exercise: Exercise = None,
    *,
    seq: str | None = None,
    csv: str | Path | None = None,
    progress: ProgressFunction | None = None,
) -> pd.DataFrame:
    """What a class handed in: one row per file with what it shows.

    Parameters
    ----------
    source : a pattern such as ``"handed-in/*.csv"``, a folder, or a list: captures of any kind that `gdlab.load` reads,
        and grade files (JSON) as exercises of the course write them.
    exercise : what was asked: the number of a question that takes a capture (``"02.5"``), a list of these, or checks of
        your own by name, ``{"over 100 messages": lambda rec: len(rec) > 100}``, each a function of the recording.
    seq : field with the sender's number, from which loss is computed; by default probes, or a field that counts up.
    csv : also write the table there; text in it cannot start a formula.
    progress : called with the files done and their total.

    Returns
    -------
    One row per file, in the order of the files: `file`, `student` (for a grade file the name in it, else the file's
    name up to its first dot), `messages` (that came in), `lasted_s`, `rate_hz`, `loss` (share), `round_trips`
    (answered), `rtt_ms` (their median), `findings` (rules, see `findings`), a column per check (boolean; missing where
    the check ended in an error), `passed`, `of` (checks, or points), `remarks`: why a file cannot be read, what shows
    that it was edited, and with whom it has rows in common. A remark is not a verdict: pairs who shared a laptop hand
    in one capture.

    Notes
    -----
    Files come from one capture if the times between their messages agree to the nanosecond, in several runs; renaming
    peers, changing payloads or shifting the clock does not hide that. Which of the two came first cannot be told.
    """
    found: list[HandedIn] = []
    files = list(paths(source))
    with Progress(len(files), "reading what was handed in", progress, unit=" files") as shown:
        for path in files:
            found.append(read(path, exercise, seq))
            shown.advance(1)
    same = _copies(found)
    checks = list(dict.fromkeys(name for each in found for name in each.passed))
    columns: dict[str, object] = {
        "file": [each.path.name for each in found],
        "student": [each.student for each in found],
    }
    for name in _MEASURED:
        columns[name] = [each.measured.get(name) for each in found]
    columns["findings"] = [", ".join(each.findings) for each in found]
    for name in checks:
        columns[name] = [each.passed.get(name) for each in found]
    columns["passed"] = [
        sum(map(bool, each.passed.values())) if each.points is None else each.points for each in found
    ]
    columns["of"] = [len(each.passed) if each.of is None else each.of for each in found]
    columns["remarks"] = [_remarks(each, others) for each, others in zip(found, same, strict=True)]
    table = pd.DataFrame(columns, dtype=object).astype(
        {**_MEASURED, **dict.fromkeys(checks, "boolean"), "passed": "Int64", "of": "Int64"}
    )
    if csv is not None:
        texts = ("file", "student", "findings", "remarks")
        guarded = table.assign(
            **{name: table[name].map(lambda text: cells.guard(cells.escape(text))) for name in texts}
        )
        write_document(csv, guarded.to_csv(index=False))
    return table


def _cell(text: str) -> str:
    """Text that neither breaks a file nor starts a formula."""
    return cells.guard(cells.escape(text))


def _copies(found: Sequence[HandedIn]) -> list[list[tuple[str, float]]]:
    """Of each file the others that it has rows in common with, and the share of the smaller one."""
    same: list[list[tuple[str, float]]] = [[] for _ in found]
    for (i, a), (j, b) in combinations(enumerate(found), 2):
        smaller = min(len(a.prints), len(b.prints))
        if not smaller:
            continue
        common = len(np.intersect1d(a.prints, b.prints, assume_unique=True))
        fewest = _FEWEST if a.points is None and b.points is None else _OF_A_GRADE
        if common >= min(fewest, smaller) and common >= COPIED * smaller:
            same[i].append((b.path.name, common / smaller))
            same[j].append((a.path.name, common / smaller))
    return same


def _remarks(each: HandedIn, same: Sequence[tuple[str, float]]) -> str:
    said = [phrase("marks/broken", why=each.broken)] if each.broken else []
    said += [phrase(key, **values) for key, values in each.edited]
    said += [phrase("marks/copied", share=share, file=name) for name, share in same]
    return "; ".join(said)
