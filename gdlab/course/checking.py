"""`check` and `hint`: answers to the lessons' questions are looked at, and never raise."""

from __future__ import annotations

import importlib

from gdlab.course.answers import NotUnderstood
from gdlab.course.questions import Question
from gdlab.course.verdicts import Mark, Verdict
from gdlab.words import worded

#: Lessons that have questions.
LESSONS = ("01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13")


def check(question: str, answer: object = ...) -> Verdict:
    """Say whether an answer to a question of the course is right, and why or why not.

    Parameters
    ----------
    question : its number, as the lesson names it: ``"02.1"``.
    answer : a number, a text, a function or a capture, as the question asks. ``...`` stands for none.

    Returns
    -------
    Verdict, which a cell shows; it is true when the answer is right. No answer raises an error.
    """
    found = _find(question)
    if isinstance(found, Verdict):
        return found
    if answer is ... or answer is None:
        why = "" if answer is ... else worded(" (None is what a cell or a function without a value gives)")
        return Verdict(
            question,
            Mark.OPEN,
            worded(
                "{v1} Put your answer in place of the dots{why}; gd.course.hint({question!r}) helps.",
                v1=worded(found.asks),
                why=why,
                question=question,
            ),
        )
    try:
        right, why = found.judge(answer)
    except NotUnderstood as error:
        return Verdict(question, Mark.WRONG, _sentence(worded(str(error))))
    except Exception as error:  # noqa: BLE001 - whatever a student's object does is no error of the lesson
        return Verdict(
            question,
            Mark.WRONG,
            worded(
                "Your answer ended in {v1}: {v2}. {v3}",
                v1=type(error).__name__,
                v2=_short(error),
                v3=worded(found.asks),
            ),
        )
    return Verdict(question, Mark.RIGHT if right else Mark.WRONG, worded(why))


def hint(question: str, number: int = 1) -> Verdict:
    """Give a hint to a question; ``number=2`` gives the next one, which says more."""
    found = _find(question)
    if isinstance(found, Verdict):
        return found
    count = len(found.hints)
    try:
        wanted = min(max(1, int(number)), count)
    except (TypeError, ValueError, OverflowError):
        wanted = 1
    more = (
        worded(" (There is another: gd.course.hint({question!r}, {v1}).)", question=question, v1=wanted + 1)
        if wanted < count
        else ""
    )
    return Verdict(question, Mark.HINT, worded(found.hints[wanted - 1]) + more)


def questions(lesson: str) -> dict[str, Question]:
    """The questions of a lesson by number, such as ``"02.1"``."""
    found: dict[str, Question] = importlib.import_module(f"gdlab.course.lessons.lesson{lesson}").QUESTIONS
    return found


def _find(question: object) -> Question | Verdict:
    text = str(question)[:20] if isinstance(question, (str, int, float)) else type(question).__name__
    lesson = text[:2]
    if lesson not in LESSONS:
        return Verdict(
            text,
            Mark.OPEN,
            worded("The course has no such question. Its lessons are {v1}.", v1=", ".join(LESSONS)),
        )
    known = questions(lesson)
    if text not in known:
        return Verdict(
            text,
            Mark.OPEN,
            worded("Lesson {lesson} has no such question. It has {v1}.", lesson=lesson, v1=", ".join(known)),
        )
    return known[text]


def _sentence(text: str) -> str:
    """With a capital and a full stop, of the reader's language."""
    return f"{text[:1].upper()}{text[1:]}{'.' if text.isascii() else '。'}"


def _short(error: BaseException) -> str:
    try:
        return str(error)[:200] or worded("no message")
    except Exception:  # noqa: BLE001 - as above: it is the student's
        return worded("a message that cannot be shown")
