"""The list of lessons, what the teachers' pages say of them, and the students' part that is handed out."""

import json
import re
from pathlib import Path

import pytest

import gdlab as gd
from gdlab import cli
from gdlab.course.checking import LESSONS, questions
from gdlab.course.contents import CONTENTS
from gdlab.course.handout import OVERVIEW, hand_out, table
from gdlab.errors import HandoutExists

ROOT = Path(__file__).resolve().parents[2]
TEACHING = ROOT / "docs" / "teaching"


def cells(path, kind):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def page(lesson):
    return (TEACHING / f"lesson-{lesson.number}.md").read_text(encoding="utf-8")


def test_the_lessons_are_the_notebooks_in_their_order():
    lessons = gd.lessons()
    assert list(lessons.columns) == ["number", "file", "question", "minutes", "needs"]
    assert list(lessons.file) == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert list(lessons.number) == [name[:2] for name in lessons.file]


@pytest.mark.parametrize("lesson", CONTENTS, ids=lambda lesson: lesson.number)
def test_the_first_screen_of_a_notebook_agrees_with_the_list(lesson):
    first = cells(ROOT / "notebooks" / lesson.file, "markdown")[0]
    assert f"**{lesson.question}**" in first
    minutes = re.search(r"it takes \| (\d+) minutes", first)
    assert int(minutes[1]) == lesson.minutes
    assert re.search(r"^\| it needs \| nothing", first, re.MULTILINE)


@pytest.mark.parametrize("lesson", CONTENTS, ids=lambda lesson: lesson.number)
def test_a_lesson_takes_less_than_25_minutes(lesson):
    path = ROOT / "notebooks" / lesson.file
    words = sum(len(text.split()) for text in cells(path, "markdown"))
    asked = len(questions(lesson.number)) if lesson.number in LESSONS else 0
    # A slow reader's 150 words per minute, half a minute for each cell that is run, two and a half for an exercise.
    takes = words / 150 + (len(cells(path, "code")) - asked) / 2 + 2.5 * asked
    assert takes < 25
    assert lesson.minutes < 25


def test_the_teachers_table_begins_with_the_list():
    text = (TEACHING / "index.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    for row in table().splitlines()[2:]:
        assert any(line.startswith(row) and len(line) > len(row) + 10 for line in lines), row


@pytest.mark.parametrize("lesson", CONTENTS, ids=lambda lesson: lesson.number)
def test_the_page_of_a_lesson_has_what_a_teacher_needs(lesson):
    headings = re.findall(r"^## (.+)$", page(lesson), re.MULTILINE)
    assert headings == ["Goals", "On the board", "Solutions", "What goes wrong"]


@pytest.mark.parametrize("number", LESSONS)
def test_the_page_of_a_lesson_solves_every_exercise(number):
    lesson = next(each for each in CONTENTS if each.number == number)
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", page(lesson), re.MULTILINE | re.DOTALL))
    asserted = set(re.findall(r'^assert gd\.course\.check\("(\d\d\.\d)"', code, re.MULTILINE))
    assert asserted == set(questions(number))  # and tests/test_docs.py runs the page


def test_the_students_part_is_whole_open_and_empty(tmp_path):
    folder = tmp_path / "new" / "for-students"
    written = hand_out(folder)
    assert {path.name for path in written} == {*gd.lessons().file, OVERVIEW}
    assert set(folder.iterdir()) == set(written)
    assert table() in (folder / OVERVIEW).read_text(encoding="utf-8")
    asked = set()
    for path in sorted(folder.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert not cell.get("outputs")
            assert cell.get("execution_count") is None
        for source in cells(path, "code"):
            for call in re.finditer(r'gd\.course\.check\("([\d.]+)", (.+?)\)', source):
                asked.add(call[1])
                assert call[2] in ("...", "result") or (call[2] == "quick" and "quick = ..." in source)
    assert asked == {question for number in LESSONS for question in questions(number)}


def test_what_a_cell_gave_is_not_handed_out(tmp_path, monkeypatch):
    shipped = tmp_path / "shipped"
    hand_out(shipped)
    path = shipped / CONTENTS[1].file
    notebook = json.loads(path.read_text(encoding="utf-8"))
    ran = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    ran["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["a solution"]}]
    ran["execution_count"] = 7
    path.write_text(json.dumps(notebook), encoding="utf-8")
    monkeypatch.setattr("gdlab.course.handout._SHIPPED", (shipped,))
    hand_out(tmp_path / "out")
    assert "a solution" not in (tmp_path / "out" / path.name).read_text(encoding="utf-8")


def test_nothing_is_written_over_a_students_work(tmp_path):
    mine = tmp_path / CONTENTS[3].file
    mine.write_text("mine")
    with pytest.raises(HandoutExists, match="nothing was written"):
        hand_out(tmp_path)
    assert list(tmp_path.iterdir()) == [mine]
    assert mine.read_text() == "mine"


def test_the_command_hands_out_once(tmp_path, capsys):
    folder = tmp_path / "class"
    assert cli.main(["course", "new", str(folder)]) == 0
    assert CONTENTS[0].file in capsys.readouterr().out
    assert cli.main(["course", "new", str(folder)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("gdlab: ")
    assert "nothing was written" in said


def test_the_plans_fit_their_time():
    text = (TEACHING / "index.md").read_text(encoding="utf-8")
    for minutes in (45, 90, 180):
        plan = text.split(f"**{minutes} minutes")[1].split("\n**")[0]
        starts = [int(found) for found in re.findall(r"^\| (\d+) \|", plan, re.MULTILINE)]
        assert starts == sorted(set(starts))
        assert starts[0] == 0
        assert starts[-1] < minutes


@pytest.mark.parametrize("lesson", CONTENTS[2:], ids=lambda lesson: lesson.number)
def test_a_lesson_keeps_away_from_the_game_that_gdlab_lab_has_running(lesson):
    for source in cells(ROOT / "notebooks" / lesson.file, "code"):
        assert "udp://127.0.0.1:4242" not in source


def test_a_language_without_titles_of_its_own_has_the_english_ones():
    assert CONTENTS[0].asks("zh") != CONTENTS[0].question
    assert CONTENTS[0].asks("fr") == CONTENTS[0].question
    assert CONTENTS[0].wants("fr") == CONTENTS[0].needs
