"""The students' part of the course, copied into a folder that a teacher hands out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from gdlab.course.contents import CONTENTS, Lesson
from gdlab.errors import HandoutExists

#: Where the notebooks are in an installed package, and in a clone of the repository.
_PACKAGE: Final = Path(__file__).resolve().parent.parent
_SHIPPED: Final = (_PACKAGE / "notebooks", _PACKAGE.parent / "notebooks")

#: The list of lessons beside the notebooks.
OVERVIEW: Final = "README.md"


def shipped() -> Path:
    """The folder of the notebooks that came with gdlab."""
    return next(place for place in _SHIPPED if (place / CONTENTS[0].file).is_file())


def hand_out(folder: Path) -> list[Path]:
    """Copy the students' part of the course: the notebooks with open questions and without outputs, and a list of them.

    Solutions are not among it; they are in the documentation for teachers.

    Parameters
    ----------
    folder : is made where it does not exist yet.

    Returns
    -------
    The files written.

    Raises
    ------
    HandoutExists : one of the files is there already; nothing was written then, since it may be somebody's work.
    """
    texts = {lesson.file: _clean(shipped() / lesson.file) for lesson in CONTENTS}
    texts[OVERVIEW] = overview()
    there = [name for name in texts if (folder / name).exists()]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise HandoutExists(
            f"{folder} has {there[0]}{more} already, which may be somebody's work; nothing was written. "
            "Take a new folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in texts.items():
        with (folder / name).open(
            "x", encoding="utf-8", newline="\n"
        ) as file:  # x: never over another's file
            file.write(text)
        written.append(folder / name)
    return written


def table(lessons: tuple[Lesson, ...] = CONTENTS) -> str:
    """The lessons as a Markdown table."""
    rows = [
        f"| `{lesson.file.removesuffix('.ipynb')}` | {lesson.question} | {lesson.minutes} | {lesson.needs} |"
        for lesson in lessons
    ]
    return "\n".join(["| lesson | question | minutes | needs |", "|---|---|---|---|", *rows])


def overview() -> str:
    """What stands in the list beside the notebooks."""
    return (
        "# The course\n\n"
        "Open a notebook and run its cells one after the other with Shift+Enter. Put your answers in place of the "
        "dots: a wrong one gets an explanation, and `gd.course.hint(...)` gives a hint.\n\n"
        f"{table()}\n"
    )


def _clean(path: Path) -> str:
    """A notebook as text, without what its cells gave when somebody ran it."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
