"""The documentation: it builds without a warning, names everything public, and its examples run."""

import ast
import asyncio
import contextlib
import importlib
import re
import socket
import subprocess
import sys
from pathlib import Path

import ipywidgets
import matplotlib as mpl
import pytest
from sphinx.util.inventory import InventoryFile

import gdlab as gd
from tests import ports
from tests.waiting import limit

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: Rooms whose names are for those who change gdlab; what users need of them is reached through `gdlab` itself.
CONTRIBUTORS = {
    "capture",
    "cli",
    "debugging",
    "files",
    "live",
    "multiplayer",
    "report",
    "sizes",
    "store",
    "words",
}
MODULES = [path.stem for path in sorted((DOCS / "reference").glob("*.rst"))]


def build(program, source, out, *options):
    """Make HTML pages; a warning is an error."""
    command = [sys.executable, "-m", program, "-W", "--keep-going", "-q", "-b", "html", "-c", DOCS]
    done = subprocess.run(
        [*command, *options, source, out],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit(300),
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """All pages as HTML, without what takes half of the time and warns of nothing.

    That is our theme, which solves the tree of all pages for each; the types in signatures, each of which is looked for
    among all names, to no complaint if it is not found; and the form of quotation marks.
    """
    out = tmp_path_factory.mktemp("docs")
    plain = ("html_theme=basic", "autodoc_typehints=none", "smartquotes=0")
    build("tests.pages", DOCS, out, *(option for each in plain for option in ("-D", each)))
    return out


@pytest.mark.slow
def test_a_page_is_made_in_the_theme_of_the_documentation_with_types_in_signatures(tmp_path):
    (tmp_path / "pages").mkdir()
    text = "# gdlab\n\nA page.\n\n```{eval-rst}\n.. automodule:: gdlab.errors\n```\n"
    (tmp_path / "pages" / "index.md").write_text(text)
    build("sphinx", tmp_path / "pages", tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "styles/furo.css" in page
    assert "A page." in page
    words = " ".join(re.sub(r"<[^>]*>", "", page).split())
    assert "exception gdlab.errors.LoadError" in words
    assert re.search(r"gdlab\.errors\.VariantDecodeError\(.*offset: int", words), words


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_public_name_has_its_place(built):
    with (built / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, target: target)
    known = {name for kind, names in inventory.items() if kind.startswith("py:") for name in names}
    known |= {name.rpartition(".")[2] for name in known}  # a function re-exported is documented once
    missing = []
    for stem in MODULES:
        name = "gdlab" if stem == "gdlab" else f"gdlab.{stem}"
        public = getattr(importlib.import_module(name), "__all__", [])
        missing += [
            f"{name}.{each}"
            for each in public
            if each not in known and each != "replies" and not each.isupper()
        ]
    assert not missing


def test_every_package_with_public_names_is_a_page():
    top = {path.parent.name for path in (ROOT / "gdlab").glob("*/__init__.py")} - CONTRIBUTORS
    assert top <= set(MODULES)


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


PAGES = [
    page
    for page in (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))
    if "_build" not in page.parts and blocks(page)
]
#: Pages whose Python takes a processor longest.
LONG = ("conditioning", "datasets", "files")
#: So many messages are waited for, whatever a page says: its reader wants to see a picture of them.
AWAITED = re.compile(r"(?<=\.wait\()\d+(?=, timeout)|(?<=\.wait_sync\()\d+(?=, timeout)")
ENOUGH = 12
#: Somebody may be using the usual ports on this machine.
FIXED_PORT = re.compile(r"(?<=://127\.0\.0\.1:)(4242|4243|5000|50007)\b")


def test_the_pages_that_show_python_are_found():
    assert {"README.md", "extending.md", "capturing.md", "index.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.stem, marks=[pytest.mark.slow] if page.stem in LONG else [])
        for page in PAGES
    ],
)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GDLAB_GODOT", "")  # the game is the one written in Python
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MPLCONFIGDIR", mpl.get_cachedir())  # or it looks for all fonts once more
    with contextlib.ExitStack() as stack:
        taken = {
            port: stack.enter_context(ports.bound(socket.SOCK_DGRAM))
            for port in ("4242", "4243", "5000", "50007")
        }
        chosen = {port: str(sock.getsockname()[1]) for port, sock in taken.items()}
    code = FIXED_PORT.sub(lambda found: chosen[found[0]], "\n".join(blocks(page)))
    code = AWAITED.sub(lambda found: str(min(int(found[0]), ENOUGH)), code)
    program = compile(code, page.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    names = {"__name__": page.stem}
    try:
        waiting = eval(program, names)
        if waiting is not None:  # a page that awaits, as a notebook does
            asyncio.run(waiting)
    finally:
        if "game" in names:  # a program would end here, and the game with it
            getattr(names["game"], "stop", lambda: None)()
        gd.stop_all()
        ipywidgets.Widget.close_all()


def test_the_tutorial_names_every_notebook():
    named = re.findall(
        r"^\| `(\d\d-[\w-]+)` \|", (DOCS / "tutorial.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert named == sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
