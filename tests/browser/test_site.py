"""The course as a page: it builds from wheel and notebooks, a browser opens a lesson, and Pyodide imports the wheel."""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sysconfig
import threading
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from gdlab.course.handout import shipped
from tests.browser.lab import LIGHTER
from tests.waiting import limit, limit_ms

ROOT = Path(__file__).resolve().parents[2]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments):
        """Say nothing on the terminal."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "site"
    uv = os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".uv" / "bin" / "uv")
    if not Path(uv).exists():
        pytest.skip("no uv, which makes the environment that builds the site")
    # An environment of its own: JupyterLite brings JupyterLab a kernel that other tests are not to meet.
    done = subprocess.run(
        [
            uv,
            "run",
            "-q",
            "--isolated",
            "--no-default-groups",
            "--group",
            "site",
            str(ROOT / "docs" / "site.py"),
            str(folder),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(LIGHTER)},
        capture_output=True,
        text=True,
        timeout=limit(300),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.browser
def test_the_site_holds_the_lessons_of_both_languages_and_the_wheel(site):
    for language, place in (("en", ""), ("zh", "zh")):
        names = [path.name for path in shipped(language).glob("*.ipynb")]
        assert sorted(path.name for path in (site / "files" / place).glob("*.ipynb")) == sorted(names)
    wheels = json.loads((site / "pypi" / "all.json").read_text())["gdlab"]["releases"]
    assert [wheel["filename"] for release in wheels.values() for wheel in release] == [
        path.name for path in (site / "pypi").glob("gdlab-*.whl")
    ]
    settings = json.loads((site / "jupyter-lite.json").read_text())["jupyter-config-data"]
    names = {extension["name"] for extension in settings["federated_extensions"]}
    assert {
        "anywidget",
        "@jupyter-widgets/jupyterlab-manager",
        "@jupyterlite/pyodide-kernel-extension",
    } <= names
    for path in (site / "files").rglob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        assert not re.search(r"gd\.(listen|connect|demo_game|relay|course\.program)\(", code), path.name


@pytest.mark.browser
def test_a_browser_opens_a_lesson_of_the_site(site, browser, artifacts):
    from playwright.sync_api import expect

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    try:
        page.goto(
            f"http://127.0.0.1:{server.server_port}/lab/index.html?path=zh/01-first-packet.ipynb",
            timeout=limit_ms(60),
        )
        expect(page.locator("h1", has_text="第一个数据包")).to_be_visible(timeout=limit_ms(60))
        expect(page.get_by_text("%pip install -q gdlab anywidget")).to_be_visible()
        page.screenshot(path=artifacts / "site.png")
    finally:
        page.close()
        server.shutdown()
        server.server_close()
        thread.join()


def compiled(site: Path, cache: Path) -> Path:
    """Pyodide itself, in the version that the page loads: as its package has it, without the packages for it."""
    settings = "".join(path.read_text() for path in (site / "extensions").rglob("pyodide-kernel*/**/*.js"))
    (version,) = set(re.findall(r"/pyodide/v(\d+\.\d+\.\d+)/full", settings))
    folder = cache / f"pyodide-{version}"
    if not (folder / "node_modules" / "pyodide" / "pyodide.asm.wasm").is_file():
        if not (npm := shutil.which("npm")):
            pytest.skip("no node and npm, which Pyodide runs in here")
        wishes = [
            "--prefix",
            str(folder),
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            f"pyodide@{version}",
        ]
        done = subprocess.run([npm, "install", *wishes], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm cannot get Pyodide {version}: {done.stderr[-300:]}")
    return folder / "node_modules" / "pyodide"


@pytest.mark.browser
def test_pyodide_imports_all_modules_of_the_sites_wheel(site, pytestconfig):
    """The compiled packages are on Pyodide's own server; the test goes as far as that (see `in_pyodide.py`)."""
    pyodide = compiled(site, pytestconfig.cache.mkdir("site"))
    # What the page loads is what gdlab asks for, and what is not there is Python only.
    packages = json.loads((pyodide / "pyodide-lock.json").read_text())["packages"]
    asked = map(Requirement, tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
    for wish in asked:
        if wish.name in packages:
            assert packages[wish.name]["version"] in wish.specifier, wish
        else:
            assert wish.name in ("ipywidgets", "websockets")
    (wheel,) = (site / "pypi").glob("gdlab-*.whl")
    here = Path(__file__).parent
    program = [here / "in_pyodide.mjs", pyodide, wheel, here / "in_pyodide.py", sysconfig.get_path("purelib")]
    done = subprocess.run(
        ["node", *map(str, program)], capture_output=True, text=True, timeout=limit(100), check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["platform"] == "emscripten"
    assert seen["ended"] in ("numpy", "pandas")
    assert seen["broken"] == {}
    assert len(seen["modules"]) > 500
    assert seen["thread"] == "can't start new thread"
    assert seen["listen"].startswith("NotPossibleHere: gd.listen needs threads and sockets")
