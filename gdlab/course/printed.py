"""The lessons as pages to print, with room to write answers."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gdlab.course.contents import CONTENTS, Lesson
from gdlab.course.handout import shipped, wanted_names
from gdlab.errors import GdlabError

if TYPE_CHECKING:
    from nbformat import NotebookNode

_CHECK: Final = re.compile(r'^gd\.course\.check\("([\d.]+)".*$', re.MULTILINE)
#: How long a cell may take when the pages get the results of a run, in seconds.
_CELL_S: Final = 300

_WORDS: Final = {
    "en": {"name": "Name", "date": "Date", "answer": "Answer {number}"},
    "zh": {"name": "姓名", "date": "日期", "answer": "{number} 的答案"},
}
_STYLE: Final = """
@page { size: A4; margin: 16mm 18mm 18mm; }
body { font: 11pt/1.45 "Noto Sans", "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei",
  "Helvetica Neue", Arial, sans-serif; color: #111; max-width: 174mm; margin: 0 auto; padding: 0 4mm; }
header { display: flex; justify-content: space-between; font-size: 10pt; color: #333; margin: 2mm 0 8mm; }
header span { border-bottom: 0.3mm solid #555; width: 48%; }
h1 { font-size: 19pt; margin: 0 0 3mm; } h2 { font-size: 14pt; margin: 7mm 0 2mm; } h3 { font-size: 12pt; }
h1, h2, h3 { line-height: 1.2; break-after: avoid; } p, li { orphans: 3; widows: 3; }
pre { font: 8.8pt/1.4 "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  margin: 0; tab-size: 4; }
.highlight { background: none !important; } thead:not(:has(th:not(:empty))) { display: none; }
code { font: 0.9em "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.jp-CodeCell .jp-Cell-inputWrapper, .jp-MarkdownCell pre { background: #f5f5f5; border-left: 0.8mm solid #999;
  padding: 1.5mm 3mm; margin: 2.5mm 0; break-inside: avoid; }
.jp-Cell-outputWrapper { margin: 1mm 0 3mm 4mm; font-size: 9.5pt; }
.jp-InputPrompt, .jp-OutputPrompt, .jp-Collapser, .anchor-link { display: none; }
table { border-collapse: collapse; font-size: 9.5pt; margin: 2.5mm 0; break-inside: avoid; }
th, td { border: 0.2mm solid #999; padding: 0.8mm 2mm; text-align: left; vertical-align: top; }
img, svg { max-width: 100%; height: auto; break-inside: avoid; }
.answer { border: 0.3mm solid #333; border-radius: 1.5mm; height: 26mm; padding: 1mm 2.5mm; margin: 2.5mm 0 5mm;
  color: #555; font-size: 9pt; break-inside: avoid; }
.answer.code { height: 52mm; }
"""


class PrintingNotPossible(GdlabError, RuntimeError):
    """The lessons cannot be made into pages here; the message has what is missing."""


def print_out(folder: Path, language: str = "en", *, run: bool = False) -> list[Path]:
    """Write each lesson as an HTML page without scripts, laid out for A4: what there is to read, and room for answers.

    Parameters
    ----------
    folder : is made where it does not exist yet.
    language : ``"en"`` or ``"zh"``.
    run : run the lessons first, so that the pages have their tables and plots; some minutes.

    Returns
    -------
    The files written.

    Raises
    ------
    PrintingNotPossible : nbconvert is not installed (it comes with JupyterLab), or a lesson did not run.
    HandoutExists : one of the files is there already; nothing was written then.
    """
    try:
        import nbformat
        from nbconvert import HTMLExporter
    except ImportError as error:
        raise PrintingNotPossible(
            f"pages to print need nbconvert, which is not installed ({error}): pip install 'gdlab[lab]'"
        ) from error
    names = wanted_names(folder, (_name(lesson) for lesson in CONTENTS))
    exporter = HTMLExporter(template_name="lab", embed_images=True)  # type: ignore[no-untyped-call]
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    exporter.template_file = (
        "base.html.j2"  # the cells alone, without the page that has scripts from elsewhere
    )
    pages = []
    for lesson in CONTENTS:
        text = (shipped(language) / lesson.file).read_text(encoding="utf-8")
        notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        if run:
            _run(notebook, lesson)
        _with_answers(notebook, language)
        body, _ = exporter.from_notebook_node(notebook)
        pages.append(_page(body, lesson, language))
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, page in zip(names, pages, strict=True):
        with (folder / name).open("x", encoding="utf-8", newline="\n") as file:
            file.write(page)
        written.append(folder / name)
    return written


def _name(lesson: Lesson) -> str:
    return f"{lesson.file.removesuffix('.ipynb')}.html"


def _run(notebook: NotebookNode, lesson: Lesson) -> None:
    import tempfile

    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    with tempfile.TemporaryDirectory(prefix="gdlab-") as folder:  # what a lesson saves is not handed out
        client = NotebookClient(notebook, timeout=_CELL_S, resources={"metadata": {"path": folder}})
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError) as error:
            raise PrintingNotPossible(
                f"{lesson.file} did not run to its end; open it in the lab to see why: {error}"
            ) from error


def _with_answers(notebook: NotebookNode, language: str) -> None:
    """Put room for an answer in place of each check, which would say whether it is right."""
    from nbformat.v4 import new_markdown_cell

    cells: list[Any] = []
    for cell in notebook.cells:
        found = _CHECK.findall(cell.source) if cell.cell_type == "code" else []
        if not found:
            cells.append(cell)
            continue
        given = _CHECK.sub("", cell.source).strip()
        if given:
            cell.source, cell.outputs = given, []
            cells.append(cell)
        for number in found:
            title = html.escape(_WORDS[language]["answer"].format(number=number))
            room = "answer code" if given else "answer"
            box = f'<div class="{room}">{title}</div>'
            cells.append(new_markdown_cell(box))  # type: ignore[no-untyped-call]
    notebook.cells = cells


def _page(body: str, lesson: Lesson, language: str) -> str:
    from pygments.formatters import HtmlFormatter

    words = _WORDS[language]
    colours = HtmlFormatter(style="friendly").get_style_defs(".highlight")
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{html.escape(lesson.number)} {html.escape(lesson.asks(language))}</title>\n"
        f"<style>{colours}\n{_STYLE}</style></head>\n<body>"
        f"<header><span>{words['name']}</span><span>{words['date']}</span></header>\n{body}\n</body></html>\n"
    )
