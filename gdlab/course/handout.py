"""The students' part of the course, copied into a folder that a teacher hands out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from gdlab.course.contents import CONTENTS
from gdlab.errors import HandoutExists

#: Where the notebooks are in an installed package, and in a clone of the repository.
_PACKAGE: Final = Path(__file__).resolve().parent.parent
_SHIPPED: Final = (_PACKAGE / "notebooks", _PACKAGE.parent / "notebooks")

#: The list of lessons beside the notebooks.
OVERVIEW: Final = "README.md"


def shipped(language: str = "en") -> Path:
    """The folder of the notebooks that came with gdlab, in a language."""
    place = next(place for place in _SHIPPED if (place / CONTENTS[0].file).is_file())
    return place if language == "en" else place / language


def hand_out(folder: Path, language: str = "en") -> list[Path]:
    """Copy the students' part of the course: the notebooks with open questions and without outputs, and a list of them.

    Solutions are not among it; they are in the documentation for teachers.

    Parameters
    ----------
    folder : is made where it does not exist yet.
    language : ``"en"`` or ``"zh"``.

    Returns
    -------
    The files written.

    Raises
    ------
    HandoutExists : one of the files is there already; nothing was written then, since it may be somebody's work.
    """
    texts = {lesson.file: _clean(shipped(language) / lesson.file) for lesson in CONTENTS}
    texts[OVERVIEW] = overview(language)
    wanted_names(folder, texts)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in texts.items():
        with (folder / name).open(
            "x", encoding="utf-8", newline="\n"
        ) as file:  # x: never over another's file
            file.write(text)
        written.append(folder / name)
    return written


def wanted_names(folder: Path, names: Iterable[str]) -> list[str]:
    """Names of files that are to be written to a folder, none of which is there.

    Raises
    ------
    HandoutExists : one is there.
    """
    wanted = list(names)
    there = [name for name in wanted if (folder / name).exists()]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise HandoutExists(
            f"{folder} has {there[0]}{more} already, which may be somebody's work; nothing was written. "
            "Take a new folder"
        )
    return wanted


_HEAD: Final = {"en": "| lesson | question | minutes | needs |", "zh": "| 课 | 问题 | 分钟 | 需要 |"}
_OVERVIEW: Final = {
    "en": "# The course\n\n"
    "Open a notebook and run its cells one after the other with Shift+Enter. Put your answers in place of the "
    "dots: a wrong one gets an explanation, and `gd.course.hint(...)` gives a hint.\n\n",
    "zh": "# 课程\n\n打开一个笔记本，用 Shift+Enter 依次运行各个单元格。用你的答案替换三个点：答错会得到解释，"
    "`gd.course.hint(...)` 会给出提示。\n\n",
}


def table(language: str = "en") -> str:
    """The lessons as a Markdown table."""
    rows = [
        f"| `{lesson.file.removesuffix('.ipynb')}` | {lesson.asks(language)} | {lesson.minutes} | "
        f"{lesson.wants(language)} |"
        for lesson in CONTENTS
    ]
    return "\n".join([_HEAD[language], "|---|---|---|---|", *rows])


def overview(language: str = "en") -> str:
    """What stands in the list beside the notebooks."""
    return f"{_OVERVIEW[language]}{table(language)}\n"


def _clean(path: Path) -> str:
    """A notebook as text, without what its cells gave when somebody ran it."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"
