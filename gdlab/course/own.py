"""A student's own lab: tasks whose numbers nobody else has, checked with reasons, and a grade file of them."""

from __future__ import annotations

import html
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gdlab.course.answers import NotUnderstood
from gdlab.course.faults import number_of
from gdlab.course.grades import content, write
from gdlab.course.own_task import Task
from gdlab.course.own_tasks import MAKERS
from gdlab.course.verdicts import Mark, Verdict
from gdlab.words import worded

#: Later answers are counted, but not kept.
_MOST = 200


class Own:
    """A student's tasks, shown as a list that marks what is solved; made by `begin`.

    Attributes
    ----------
    student, seed : whose they are, and what makes them.
    lessons : those that have a task.
    """

    def __init__(self, student: int | str) -> None:
        self.student = str(student)
        self.seed = number_of(student)
        self.lessons = tuple(MAKERS)
        self._tasks: dict[str, Task] = {}
        self._answers: list[dict[str, object]] = []
        self._solved: set[str] = set()
        self._attempts = 0

    def given(self, lesson: str) -> Any:
        """What a lesson's task is about: your own capture, or your own value."""
        return self._task(lesson).given

    def asks(self, lesson: str) -> str:
        """The question of a lesson's task."""
        return worded(self._task(lesson).asks)

    def check(self, lesson: str, answer: object = ...) -> Verdict:
        """Check an answer: right or not, and why. It goes into the grade file either way; nothing raises."""
        try:
            task = self._task(lesson)
        except KeyError as error:
            return Verdict("own", Mark.OPEN, str(error.args[0]))
        name = f"own {task.lesson}"
        if answer is ... or answer is None:
            return Verdict(
                name, Mark.OPEN, f"{self.asks(lesson)} {worded('Put your answer in place of the dots.')}"
            )
        try:
            right, why = task.judge(answer)
            why = worded(why)
        except NotUnderstood as error:
            right, why = False, f"{str(error)[:1].upper()}{str(error)[1:]}."
        except Exception as error:  # noqa: BLE001 - whatever a student's object does is no error of the lesson
            right, why = False, f"Your answer ended in {type(error).__name__}. {task.asks}"
        if right:
            self._solved.add(task.lesson)
        self._note(task.lesson, answer, why, right=right)
        return Verdict(name, Mark.RIGHT if right else Mark.WRONG, why)

    def save(self, path: str | Path | None = None) -> Path:
        """Write a grade file: what was asked and answered, and how much of it is solved. Return its path.

        Parameters
        ----------
        path : by default made of the student's name.
        """
        return write(
            path,
            content(
                "own",
                self.student,
                self.seed,
                how="canned",
                asked={lesson: self.asks(lesson) for lesson in self.lessons},
                answered=self._answers,
                attempts=self._attempts,
                measured={},
                points=len(self._solved),
                of=len(self.lessons),
            ),
        )

    def __repr__(self) -> str:
        rows = [
            f"{'done' if lesson in self._solved else 'open'}  {lesson}  {self.asks(lesson)}"
            for lesson in self.lessons
        ]
        return "\n".join([f"{self.student}: {self._state()}", *rows])

    def _state(self) -> str:
        return f"{len(self._solved)} of {len(self.lessons)} solved"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{'✓' if lesson in self._solved else '○'} {lesson}</td>"
            f"<td style='text-align: left'>{html.escape(self.asks(lesson))}</td></tr>"
            for lesson in self.lessons
        )
        return f"<b>{html.escape(self.student)}</b>: {self._state()}<table>{rows}</table>"

    def _task(self, lesson: str) -> Task:
        name = str(lesson)[:20]
        if name not in MAKERS:
            raise KeyError(f"lesson {name!r} has no task of one's own; these have: {', '.join(MAKERS)}")
        if name not in self._tasks:
            self._tasks[name] = MAKERS[name](self.seed)
        return self._tasks[name]

    def _note(self, lesson: str, answer: object, why: str, *, right: bool) -> None:
        self._attempts += 1
        if len(self._answers) < _MOST:
            try:
                written = str(answer)[:200]
            except Exception:  # noqa: BLE001 - as above
                written = type(answer).__name__
            self._answers.append(
                {
                    "at": _now(),
                    "question": lesson,
                    "answer": written,
                    "right": right,
                    "why": why,
                    "points": len(self._solved),
                }
            )


def begin(student: int | str) -> Own:
    """Begin a lab of one's own: a task for each lesson from 01 to 10 and for 12, whose numbers nobody else has.

    Parameters
    ----------
    student : a name (its case and spaces around it do not matter) or a number; the same one gives the same tasks on
        every computer.

    Returns
    -------
    Own, which shows the tasks. ``own.given("06")`` is the capture or value of a task, ``own.check("06", 41)`` checks
    an answer, ``own.save()`` writes the grade file that `gdlab.marks` reads.
    """
    return Own(student)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
