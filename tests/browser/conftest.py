"""A browser, a JupyterLab and kernels for the tests of this package, and where their pictures are kept."""

import contextlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

from tests import warm
from tests.browser import kernels, lab
from tests.waiting import limit_ms

#: Where screenshots and logs stay, for people to look at.
ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"

#: Of the page in which notebooks are opened, where a test does not ask for another one.
SIZE = {"width": 1280, "height": 1400}


def pytest_collection_finish(session):
    """Make the environment of the oldest kernel before the first test begins, where no test's time limit runs."""
    if not session.config.option.collectonly and any(
        item.get_closest_marker("browser") for item in session.items
    ):
        oldest_kernel(session.config)


def oldest_kernel(config):
    """The Python of the environment with the oldest ipykernel, or why there is none."""
    cache = getattr(config, "cache", None)  # none with `-p no:cacheprovider`
    return kernels.oldest(
        Path(cache.mkdir("gdlab")) if cache else Path(tempfile.gettempdir()) / "gdlab-tests"
    )


def missing(reason):
    """Skip for want of a part; fail where CI demands them all."""
    if os.environ.get("GDLAB_REQUIRE_BROWSER") == "1":
        pytest.fail(f"GDLAB_REQUIRE_BROWSER=1, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def artifacts():
    """The folder of screenshots and logs."""
    ARTIFACTS.mkdir(exist_ok=True)
    return ARTIFACTS


# Not of the session: while playwright's loop is there, no other test could run one of its own.
@pytest.fixture(scope="package")
def browser():
    """A real Chromium."""
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError:
        missing("playwright is not installed (dependency group `browser`)")
    path = lab.chromium()
    if not path:
        missing(
            "no Chromium on PATH (Debian: apt install chromium-headless-shell, Ubuntu: apt install chromium)"
        )
    with sync_playwright() as playwright:
        expect.set_options(timeout=limit_ms(15))
        chromium = lab.launch(playwright, path)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def kernelspecs(request):
    """What a `kernel.json` of each kernel says, by its name: of warm ones, and of those that start as any do."""
    oldest = oldest_kernel(request.config)
    pythons = {kernels.NEWEST: sys.executable, kernels.OLDEST: oldest if isinstance(oldest, Path) else None}
    specs = kernels.kernelspecs(pythons[kernels.OLDEST])
    with contextlib.ExitStack() as parents:
        for name, python in pythons.items():
            if python:
                folder = parents.enter_context(warm.kernels(python))
                specs[name] = json.loads((folder / "kernels" / warm.NAME / "kernel.json").read_text())
        yield specs


@pytest.fixture(scope="package")
def server(artifacts, tmp_path_factory, kernelspecs):
    """JupyterLab as `gdlab lab` starts it, with a folder of its own and with both kernels."""
    base = tmp_path_factory.mktemp("lab")
    folder = base / "work"
    folder.mkdir()
    command = ["gdlab.cli", "lab", "--no-traffic"]
    (folder / "01-first-packet.ipynb").write_text(json.dumps(nbformat.v4.new_notebook()))
    with lab.server(folder, base / "home", command, {"GDLAB_TRAFFIC": ""}, kernelspecs) as server:
        yield server
    shutil.copy(server.log, artifacts / "server.log")


@pytest.fixture(scope="package")
def context(browser, server):
    """A window of the browser; what it has loaded once, it keeps for the next test."""
    context = browser.new_context(viewport=SIZE, accept_downloads=True)
    context.set_default_timeout(limit_ms(30))
    yield context
    context.close()


@pytest.fixture(params=[kernels.OLDEST, kernels.NEWEST])
def kernel(request):
    """The name of each kernel that must do."""
    if request.param == kernels.OLDEST:
        python = oldest_kernel(request.config)
        if not isinstance(python, Path):
            missing(python)
    return request.param


class Desk:
    """A page in which one notebook after the other is opened: loading Lab costs more than most tests do with it."""

    def __init__(self, context):
        self._context = context
        self._page = None
        self._errors = []

    def page(self):
        """The page, as large as at the beginning, and the list of what its console calls an error, which is empty."""
        if self._page is None or self._page.is_closed():
            self._page = self._context.new_page()
            self._errors = lab.errors_of(self._page)
        self._page.set_viewport_size(SIZE)
        self._errors.clear()
        return self._page, self._errors

    def clear(self, notebook):
        """Close a notebook, and the page where that does not show Lab any more."""
        if not notebook.page.is_closed() and notebook.page.evaluate("window.jupyterapp !== undefined"):
            notebook.close()
        else:
            notebook.page.close()


@pytest.fixture(scope="package")
def desk(context):
    """The page that the tests share."""
    return Desk(context)


@pytest.fixture
def opened(request, artifacts, desk, context, server):
    """Return a function that stores a notebook (text, or a list of cells) and opens it in the page that tests share.

    When the test is over, neither the browser's console nor the log of the server and its kernels may complain. What
    fails leaves no page to the next test, and a picture of it.
    """
    notebooks, began, failed = [], server.log.stat().st_size, request.session.testsfailed

    def open_notebook(content, name="notebook", kernel=kernels.NEWEST):
        assert not notebooks, "the page shows one notebook at a time"
        if isinstance(content, str):
            notebook = nbformat.reads(content, as_version=4)
        else:
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in content])
        notebook.metadata.kernelspec = {"name": kernel, "display_name": kernel, "language": "python"}
        path = server.folder / f"{name}-{len(list(server.folder.glob('*.ipynb')))}.ipynb"
        nbformat.write(notebook, path)
        page, errors = desk.page()
        try:
            notebooks.append(lab.Notebook(page, server, path.name, errors))
        except BaseException:
            page.close()
            raise
        return notebooks[-1]

    yield open_notebook
    on_stderr = [notebook.on_stderr() for notebook in notebooks]
    complaints = [notebook.complaints for notebook in notebooks]
    fine = not any(on_stderr) and not any(complaints) and request.session.testsfailed == failed
    for notebook in notebooks:
        if fine:
            desk.clear(notebook)
        else:
            with contextlib.suppress(Exception):  # a page that has gone
                notebook.page.screenshot(path=artifacts / f"failed-{request.node.name}.png")
            notebook.page.close()
    server.end_kernels()
    assert on_stderr == [[] for _ in notebooks]
    assert complaints == [[] for _ in notebooks]
    assert not server.complaint(began)
