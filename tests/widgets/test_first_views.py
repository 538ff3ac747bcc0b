"""What a newcomer sees first, in fresh processes: nothing may be drawn before it is built, and nothing complains."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import limit

ROOT = Path(__file__).resolve().parents[2]
TIMES = 20
LIMIT_S = 280
#: Several at once come into each other's way at a port; a game is part of what follows the first view.
FIXED_PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
NEEDS_A_GAME = ("demo_game", "course.program", "await ")
#: What follows nothing is drawn once, by the thread that shows it.
FOLLOWS = ("listen(", "connect(", "dashboard(")


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def first_view(cells):
    """The cells up to the first that shows something live; None where there is none, or only with a game."""
    for number, cell in enumerate(cells):
        if any(word in cell for word in NEEDS_A_GAME):
            return None
        *_, last = ast.parse(cell).body
        if isinstance(last, ast.Expr) and not ast.unparse(last).startswith("print("):
            shown = [FIXED_PORT.sub("0", each) for each in cells[: number + 1]]
            return shown if any(word in each for each in shown for word in FOLLOWS) else None
    return None


def code_of(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


VIEWS = {
    path.stem: view for path in sorted(ROOT.glob("notebooks/*.ipynb")) if (view := first_view(code_of(path)))
}
#: A capture and the dashboard over it, as the README shows them.
VIEWS["README"] = [
    "import gdlab as gd",
    'cap = gd.listen("udp://127.0.0.1:0", reply=b"hello", ping=0.05)\ncap',
    "gd.dashboard()",
]


def shown(program, folder, **more):
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONWARNINGS": "error",
    }
    return subprocess.run(
        program,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit(LIMIT_S),
        check=False,
        **more,
    )


def test_there_are_first_views():
    assert {"00-dashboard", "01-first-packet", "README"} <= set(VIEWS)


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S + 20)
@forks
def test_the_first_views_fail_in_none_of_20_fresh_processes(tmp_path):
    programs = [{"cells": cells, "times": TIMES} for cells in VIEWS.values()]
    done = shown([sys.executable, "-m", "tests.widgets.first_views"], tmp_path, input=json.dumps(programs))
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.slow
@forks
def test_a_view_that_fails_is_noticed_there(tmp_path):
    """Else the test above would prove nothing."""
    cells = [
        "import gdlab as gd\nfrom gdlab.widgets import Counters",
        "class Broken(Counters):\n    def update(self):\n        raise RuntimeError('no ink')",
        "Broken(gd.listen('udp://127.0.0.1:0'))",
    ]
    done = shown(
        [sys.executable, "-m", "tests.widgets.first_views"],
        tmp_path,
        input=json.dumps([{"cells": cells, "times": 1}]),
    )
    assert "no ink" in done.stderr
    assert done.returncode == 1


@pytest.mark.slow
def test_a_script_s_first_view_writes_nothing_to_standard_error(tmp_path):
    """Nothing is imported before, as when a script is run."""
    program = (
        "import gdlab as gd\ncap = gd.listen('udp://127.0.0.1:0')\ngd.dashboard()\nrepr(cap)\ngd.stop_all()"
    )
    done = shown([sys.executable, "-c", program], tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
