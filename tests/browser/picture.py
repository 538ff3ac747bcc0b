"""`python -m tests.browser.picture`: make the README's picture anew, of a real dashboard while a real Godot plays."""

import tempfile
from pathlib import Path

import nbformat
from playwright.sync_api import sync_playwright

from gdlab import godot
from tests.browser import lab
from tests.browser.board import Board

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "dashboard.png"
PORT = 4242
CELL = f"""\
import gdlab as gd

cap = gd.listen("udp://127.0.0.1:{PORT}", ping=0.1)
gd.dashboard(cap)"""


def main() -> None:
    """Let the sample project's game send for half a minute, choose a message, and keep what the page shows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cells = [nbformat.v4.new_code_cell(CELL)]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        content = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        (folder / "game.ipynb").write_text(nbformat.writes(content))
        project = godot.project(folder / "game")
        chromium = lab.chromium()
        assert chromium, "no Chromium on PATH"
        with (
            lab.server(folder, folder / "home", ["jupyterlab", "--allow-root"]) as server,
            sync_playwright() as playwright,
        ):
            browser = lab.launch(playwright, chromium)
            page = browser.new_page(viewport={"width": 1360, "height": 1480}, device_scale_factor=1.5)
            notebook = lab.Notebook(page, server, "game.ipynb")
            notebook.run_all()
            board = Board.of(notebook)
            args = [f"port={PORT}", f"probe=udp://127.0.0.1:{PORT}", "form=variant"]
            with godot.start(
                project=project, scene="game/moving_square.tscn", args=args, time_limit_s=60
            ) as game:
                page.wait_for_timeout(31_000)
                board.choose("square")
                board.part("explain").locator("table").first.wait_for(timeout=10_000)
                page.wait_for_timeout(500)
                PICTURE.parent.mkdir(exist_ok=True)
                page.locator(".jp-CodeCell").first.screenshot(path=PICTURE)
                assert not game.errors, game.errors
            browser.close()


if __name__ == "__main__":
    main()
