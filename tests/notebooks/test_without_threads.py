"""The lessons where nothing is installed: no threads, sockets or processes; half of them in each language.

The code is the same in both (`tests/course/test_in_chinese.py`); with ``GDLAB_EXPLORE=1`` each is run in both.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gdlab.course.handout import shipped
from tests.waiting import limit

PROGRAM = Path(__file__).with_name("without_threads.py")
ALL = [path.stem for path in sorted(shipped().glob("*.ipynb"))]
#: Two lessons each, of which one is run in each language.
PAIRS = list(zip(ALL[::2], ALL[1::2], strict=True))
LESSONS = (
    dict.fromkeys(("en", "zh"), ALL)
    if os.environ.get("GDLAB_EXPLORE") == "1"
    else dict(zip(("en", "zh"), zip(*PAIRS, strict=True), strict=True))
)


@pytest.fixture(scope="module", params=["en", "zh"])
def outcome(request, tmp_path_factory):
    """The errors of the notebooks in a language, run one after the other in one poor process."""
    paths = [shipped(request.param) / f"{lesson}.ipynb" for lesson in LESSONS[request.param]]
    done = subprocess.run(
        [sys.executable, "-P", str(PROGRAM), str(tmp_path_factory.mktemp("poor")), *map(str, paths)],
        env={**os.environ, "GDLAB_LANG": request.param, "GDLAB_GODOT": ""},
        capture_output=True,
        text=True,
        timeout=limit(120),
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=" or ".join)
def test_a_lesson_runs_where_there_are_no_threads(outcome, pair):
    ran = {lesson: outcome[lesson] for lesson in pair if lesson in outcome}
    assert ran
    assert all(errors == [] for errors in ran.values()), ran


CALLS = {
    'gd.listen("udp://127.0.0.1:0")': "gd.listen needs",
    'gd.connect("tcp://127.0.0.1:1")': "gd.connect needs",
    "gd.demo_game()": "gd.demo_game needs",
    'gd.relay("udp://127.0.0.1:0", to="udp://127.0.0.1:9")': "a relay needs",
    "gd.debugger()": "gd.debugger needs",
    'gd.godot.run(source="")': "needs",
}
POOR = """
from tests.notebooks.without_threads import take_away
take_away()
import gdlab as gd
for call in {calls!r}:
    try:
        eval(call)
    except gd.GdlabError as error:
        print(type(error).__name__, str(error), sep=": ")
    else:
        print("nothing was raised")
report = gd.doctor()
print(report.to_string())
dashboard = gd.dashboard(gd.sample("udp-60fps"))
import gc
from gdlab.widgets.panel import Panel
panels = [each for each in gc.get_objects() if isinstance(each, Panel)]
print("panels:", len(panels), "not drawn:", [type(panel).__name__ for panel in panels if panel._drawn is None])
dashboard.close()
"""


@pytest.mark.slow
def test_what_is_not_possible_is_told_in_a_sentence_with_the_way_out():
    done = subprocess.run(
        [sys.executable, "-c", POOR.format(calls=list(CALLS))],
        cwd=PROGRAM.parents[2],
        env={**os.environ},
        capture_output=True,
        text=True,
        timeout=limit(60),
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = done.stdout.splitlines()
    for line, part in zip(lines, CALLS.values(), strict=False):
        assert line.startswith("NotPossibleHere: "), line
        assert part in line
        assert "gd.sample()" in line
    assert "no threads, sockets or processes" in done.stdout
    panels = re.search(r"panels: (\d+) not drawn: \[\]", done.stdout)
    assert panels is not None, done.stdout
    assert int(panels[1]) >= 5
