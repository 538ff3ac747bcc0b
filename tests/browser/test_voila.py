"""The dashboard as a page of its own: Voila runs the notebook and shows what its cells show."""

from pathlib import Path

import pytest

from tests.browser import lab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "00-dashboard.ipynb"


@pytest.fixture
def voila(tmp_path):
    """The address of a Voila that serves the dashboard's notebook, and its log."""
    port = lab.free_port()
    command = ["voila", str(NOTEBOOK), "--no-browser", "--Voila.ip=127.0.0.1", f"--Voila.port={port}"]
    with lab.serving(command, port, tmp_path, tmp_path / "home") as log:
        yield f"http://127.0.0.1:{port}", log
