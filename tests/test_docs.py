"""The documentation: it builds without a warning, names everything public, and its examples run."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile

from tests.waiting import limit

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: Rooms whose names are for those who change gdlab; what users need of them is reached through `gdlab` itself.
CONTRIBUTORS = {"capture", "cli", "debugging", "files", "live", "report", "sizes", "store", "words"}
MODULES = [path.stem for path in sorted((DOCS / "reference").glob("*.rst"))]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The HTML pages."""
    out = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, DOCS, out], capture_output=True, text=True, check=False, timeout=limit(300)
    )
    assert done.returncode == 0, done.stderr
    return out


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


@pytest.mark.parametrize("page", ["extending"])
def test_the_examples_run(page):
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 3
    exec(compile("\n".join(blocks), f"{page}.md", "exec"), {"__name__": page})
