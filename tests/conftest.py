"""What all tests share: a real engine, a check that nothing is left running, and a count of what really ran."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from gdlab.errors import GdlabError, GodotNotFound
from gdlab.godot import Engine, find
from tests.engine import Impossible, install

# No test depends on the machine's speed, nor on luck: the generated examples are the same each time. New ones are
# looked for with GDLAB_EXPLORE=1.
settings.register_profile(
    "gdlab",
    deadline=None,
    derandomize=os.environ.get("GDLAB_EXPLORE") != "1",
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("gdlab")


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


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """Fail a test that leaves a thread of gdlab running."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while leaked := [t for t in threading.enumerate() if t not in before and t.name.startswith("gdlab")]:
        if time.monotonic() > deadline:
            pytest.fail(f"threads left running: {[thread.name for thread in leaked]}")
        leaked[0].join(0.05)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Let the report carry the markers that the summary counts."""
    report = yield
    report.real_parts = [name for name in REAL_PARTS if item.get_closest_marker(name)]
    return report


#: Markers of the tests that need more than Python; CI fails when any of these did not run.
REAL_PARTS = ("godot", "browser", "notebook")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests met the real engine, a real browser and a real kernel: a skip is quiet otherwise."""
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in ("passed", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            for part in getattr(report, "real_parts", ()):
                counts[part, outcome] += 1
    terminalreporter.section("real parts")
    for part in REAL_PARTS:
        terminalreporter.write_line(
            f"{part}: {counts[part, 'passed']} ran, {counts[part, 'skipped']} skipped"
        )
