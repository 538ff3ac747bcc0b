"""Fixtures that all tests may use."""

from __future__ import annotations

import functools
import os

import pytest

from gdlab.errors import GdlabError, GodotNotFound
from gdlab.godot import Engine, find
from tests.engine import Impossible, install


@functools.cache
def _find_or_install() -> Engine | str:
    """A real engine, or the reason why there is none; looked for once in a session."""
    try:
        return find()
    except GodotNotFound as error:
        # What the user names in GDLAB_GODOT is not replaced behind his back.
        return str(error) if os.environ.get("GDLAB_GODOT") else _install()
    except GdlabError as error:
        return str(error)


def _install() -> Engine | str:
    try:
        return install(report=True)
    except Impossible as error:
        return str(error)


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "engine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.godot)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the engine before the first test begins, where no test's time limit runs."""
    if session.config.option.collectonly:
        return
    if any(item.get_closest_marker("godot") for item in session.items):
        _find_or_install()


@pytest.fixture(scope="session")
def engine() -> Engine:
    """A real Godot 4; without one the test is skipped, or fails where `GDLAB_REQUIRE_GODOT=1` (as in CI)."""
    found = _find_or_install()
    if isinstance(found, Engine):
        return found
    if os.environ.get("GDLAB_REQUIRE_GODOT") == "1":
        pytest.fail(f"GDLAB_REQUIRE_GODOT=1, but there is no Godot 4: {found}")
    pytest.skip(f"no Godot 4: {found}")
