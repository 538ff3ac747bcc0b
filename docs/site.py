"""Build the course as a static site: the lessons run in the reader's browser, and nothing is installed.

    uv run --group site docs/site.py            into `site/`
    python3 -m http.server -d site              look at it

JupyterLite runs Python in the browser, by Pyodide, which the page loads from the network when it is opened. There are
no threads, sockets or processes: the lessons run on recorded captures (see `tests/notebooks/test_without_threads.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
#: The packages that the page needs beside Pyodide's own are found by their names.
SET_UP = "%pip install -q gdlab anywidget"
LANGUAGES = {
    "en": ("", "# Runs here once, and takes a moment."),
    "zh": ("zh", "# 在这里运行一次，需要稍等片刻。"),
}


def in_a_browser(notebook: dict[str, Any], comment: str) -> dict[str, Any]:
    """A lesson as it runs in a browser: gdlab is fetched first, and cells that meet a game show a recorded one."""
    cells = [dict(cell) for cell in notebook["cells"]]
    for cell in cells:
        cell["source"] = cell["metadata"].get("gdlab", {}).get("canned", cell["source"])
    first = {
        "cell_type": "code",
        "execution_count": None,
        "id": "set-up",
        "metadata": {},
        "outputs": [],
        "source": f"{comment}\n{SET_UP}",
    }
    kernel = {"kernelspec": {"display_name": "Python (Pyodide)", "language": "python", "name": "python"}}
    return {**notebook, "cells": [cells[0], first, *cells[1:]], "metadata": kernel}


def write_lessons(folder: Path) -> list[Path]:
    """Write the lessons of each language as they run in a browser; return the files."""
    written = []
    for place, comment in LANGUAGES.values():
        for path in sorted((ROOT / "notebooks" / place).glob("*.ipynb")):
            target = folder / place / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            notebook = in_a_browser(json.loads(path.read_text(encoding="utf-8")), comment)
            if place:
                notebook["cells"][1]["source"] += f"\n%env GDLAB_LANG={place}"
            target.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            written.append(target)
    return written


def build(site: Path) -> None:
    """Build the site into a folder, which is made anew."""
    shutil.rmtree(site, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="gdlab-site-") as temporary:
        work = Path(temporary)
        wheels = work / "wheels"
        run(os.environ.get("UV", "uv"), "build", "-q", "--wheel", "--out-dir", str(wheels), str(ROOT))
        write_lessons(work / "content")
        wheel = next(wheels.glob("*.whl"))
        run(
            *(sys.executable, "-m", "jupyter", "lite", "build", "--lite-dir", str(work)),
            *("--output-dir", str(site.resolve()), "--contents", str(work / "content")),
            # Of three times the size are the maps from the page's JavaScript to what it was made from.
            *("--piplite-wheels", str(wheel), "--no-sourcemaps"),
            at=work,
        )


def run(*command: str, at: Path = ROOT) -> None:
    """Run a program, showing what it prints only where it fails."""
    done = subprocess.run(command, cwd=at, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:5])} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build the course as a static site.")
    parser.add_argument("folder", nargs="?", default=ROOT / "site", type=Path, help="default: site")
    site = parser.parse_args().folder
    build(site)
    print(
        f"{sum(1 for _ in site.rglob('*'))} files in {site}; look at them: python3 -m http.server -d {site}"
    )
