"""One file that somebody handed in: what it shows, and what makes it doubtful."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from gdlab.analysis.columns import messages, times_ns
from gdlab.analysis.numbers import counting_field
from gdlab.capture import Recording, load
from gdlab.course.checking import check
from gdlab.course.grades import FORMAT
from gdlab.errors import GdlabError
from gdlab.files import to_schema as conform
from gdlab.files.load import load as load_as_it_is

#: What a class was asked: the number of a question of the course that takes a capture, several of these, or checks of
#: one's own by name, each a function of the recording that gives true or false.
Exercise: TypeAlias = str | Sequence[str] | Mapping[str, Callable[[Recording], object]] | None

#: Larger files are of no lesson, and of grade files nobody writes as much.
_GRADE_BYTES: Final = 4 << 20
#: Messages next to each other of which the times between tell a capture from all others.
_RUN: Final = 3


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What a file shows.

    Attributes
    ----------
    path : the file. student : who handed it in, as a grade file or else its name tells.
    broken : why it cannot be read; empty where it can.
    measured : numbers by column of `marks`; what a file does not show is missing.
    findings : rules that found something.
    passed : by check, whether it was passed; None where the check itself ended in an error.
    points, of : of a grade file.
    edited : what was changed after it was written, as phrases of `gdlab.words` with their values.
    prints : what tells the capture, or the answers, from others; sorted.
    """

    path: Path
    student: str
    broken: str = ""
    measured: Mapping[str, float | int] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    passed: Mapping[str, bool | None] = field(default_factory=dict)
    points: int | None = None
    of: int | None = None
    edited: tuple[tuple[str, Mapping[str, object]], ...] = ()
    prints: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))


def read(path: Path, exercise: Exercise, seq: str | None) -> HandedIn:
    """Look at a file; nothing that is in it raises."""
    student = path.name.partition(".")[0]
    if path.suffix.lower() == ".json":
        return _grade(path, student)
    try:
        recording = load(path)
    except (GdlabError, OSError, MemoryError) as error:
        return HandedIn(path, student, broken=str(error) or type(error).__name__)
    return HandedIn(
        path,
        student,
        measured=_measured(recording, seq),
        findings=tuple(dict.fromkeys(recording.findings()["rule"].tolist())),
        passed=checked(recording, exercise),
        edited=_edited(path, recording),
        prints=_prints(recording),
    )


def checked(recording: Recording, exercise: Exercise) -> dict[str, bool | None]:
    """Which checks of an exercise a recording passes."""
    if exercise is None:
        return {}
    if isinstance(exercise, str):
        exercise = [exercise]
    if not isinstance(exercise, Mapping):
        return {number: bool(check(number, recording)) for number in exercise}
    found: dict[str, bool | None] = {}
    for name, judge in exercise.items():
        try:
            said = judge(recording)
        except Exception:  # noqa: BLE001 - a check that a student's data breaks must not end the table of a class
            found[name] = None
            continue
        # `(right, why)` is an answer, too, and a tuple is true whatever is in it.
        found[name] = bool(said[0] if isinstance(said, tuple) and said else said)
    return found


def _measured(recording: Recording, seq: str | None) -> dict[str, float | int]:
    table = recording.df
    come = int(messages(table, "in").sum())
    stamps = times_ns(table)
    lasted = float(np.ptp(stamps)) / 1e9 if len(stamps) else 0.0
    found: dict[str, float | int] = {"messages": come, "lasted_s": lasted}
    if lasted:
        found["rate_hz"] = come / lasted
    number = seq if seq is not None else counting_field(table, "in")
    try:
        streams = recording.sequence(seq=number)
    except KeyError:  # no message has the field
        streams = recording.sequence().iloc[:0]
    expected = int(streams["expected"].sum())
    if expected > 1:
        found["loss"] = int(streams["lost"].sum()) / expected
    rtt = recording.round_trips()["rtt_ms"].dropna()
    found["round_trips"] = len(rtt)
    if len(rtt):
        found["rtt_ms"] = float(rtt.median())
    return found


def _edited(path: Path, recording: Recording) -> tuple[tuple[str, Mapping[str, object]], ...]:
    """What shows that a file is no longer as it was written."""
    said: list[tuple[str, Mapping[str, object]]] = []
    about = recording.about
    if about.get("format") is None and path.suffix.lower() in (".csv", ".parquet"):
        said.append(("marks/unknown", {}))
    if isinstance(about.get("rows"), int) and about["rows"] != len(recording):
        said.append(("marks/rows", {"rows": len(recording), "told": about["rows"]}))
    elif isinstance(about.get("bytes"), int) and path.is_file() and about["bytes"] != path.stat().st_size:
        said.append(("marks/bytes", {"bytes": path.stat().st_size, "told": about["bytes"]}))
    table = load_as_it_is(path).table
    times = conform.time_ns(table)
    back = int((times[1:] < times[:-1]).sum())
    sizes, payloads = table["size_bytes"].to_numpy(), conform.payloads(table).sizes
    wrong = int(((sizes != payloads) & (payloads >= 0)).sum())
    if back:
        said.append(("marks/backwards", {"rows": back}))
    if wrong:
        said.append(("marks/sizes", {"rows": wrong}))
    return tuple(said)


def _prints(recording: Recording) -> npt.NDArray[np.uint64]:
    """Of each few messages a number made of the nanoseconds between them: no two captures have the same ones.

    Names of peers, payloads and the time of day may be changed, and rows left out before, between and behind.
    """
    table = recording.df
    stamps = times_ns(table)[messages(table)]
    between = np.diff(np.sort(stamps)).astype(np.uint64)
    if len(between) < _RUN:
        return np.zeros(0, np.uint64)
    mixed = np.zeros(len(between) - _RUN + 1, np.uint64)
    for ahead in range(_RUN):
        # Multiplied modulo 2^64 by the golden section, which spreads neighbouring numbers.
        mixed = (mixed + between[ahead : ahead + len(mixed)]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)


def _grade(path: Path, student: str) -> HandedIn:
    """A grade file, as an exercise of the course writes it."""
    try:
        if path.stat().st_size > _GRADE_BYTES:
            return HandedIn(path, student, broken=f"{path.name} is too large for a grade file")
        told: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        return HandedIn(path, student, broken=str(error)[:200])
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        return HandedIn(path, student, broken=f"{path.name} is JSON, but no grade file of gdlab")
    points, of, attempts = (_count(told.get(name)) for name in ("points", "of", "attempts"))
    answers = [each for each in told.get("answered") or () if isinstance(each, dict)]
    edited: list[tuple[str, Mapping[str, object]]] = []
    best = max((_count(each.get("points")) or 0 for each in answers), default=0)
    if points is None or of is None or (best != points and (attempts or 0) <= len(answers)):
        edited.append(("marks/points", {"points": str(points), "best": best}))
    if attempts is None or attempts < len(answers):
        edited.append(("marks/attempts", {"attempts": str(attempts), "answers": len(answers)}))
    # Two measurements of their own never agree in all their numbers; nor do the moments of answers.
    marks = [json.dumps([each.get("at"), each.get("size")]) for each in answers]
    marks += [json.dumps(told.get("measured"), sort_keys=True)] * bool(told.get("measured"))
    prints = np.array(sorted({_hashed(mark) for mark in marks}), dtype=np.uint64)
    name = told.get("student")
    return HandedIn(
        path,
        str(name)[:80] if isinstance(name, str) and name.strip() else student,
        measured={"messages": 0},
        passed={"solved": points is not None and of is not None and points >= of},
        points=points,
        of=of,
        edited=tuple(edited),
        prints=prints,
    )


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
