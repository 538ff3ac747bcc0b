"""What all tests share: a real engine, a check that nothing is left running, and a count of what really ran.

Under pytest-xdist (`-n 2 --dist loadgroup`, as `tests/check.py` calls it) tests that share an expensive fixture stay
together in one process, without being told: see `tests/groups.py`.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.check import TOO_LONG_S, keep_bytecode

# Before anything large is imported, where pytest is called by hand.
if os.environ.get("PYTHONDONTWRITEBYTECODE"):
    keep_bytecode(os.environ)
    sys.dont_write_bytecode, sys.pycache_prefix = False, os.environ.get("PYTHONPYCACHEPREFIX")

from gdlab.errors import GdlabError, GodotNotFound
from gdlab.godot import Engine, find
from tests import groups
from tests.engine import Impossible, install
from tests.waiting import PATIENCE, limit

# When jsonschema is imported, it builds thirty grammars of addresses in all scripts, for seconds. Without
# this package it does not check such addresses, which no notebook has.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

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


#: Where `tests/check.py` looks for the tests that need a browser.
BROWSER = Path(__file__).parent / "browser"
SETTINGS_FOLDER = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Let the engines of this process keep their editor's settings to themselves.

    Two that write them at once meet a half-written file, and the user's own are not for tests to change.
    """
    config.stash[SETTINGS_FOLDER] = Path(tempfile.mkdtemp(prefix="gdlab-settings-"))
    os.environ["XDG_CONFIG_HOME"] = str(config.stash[SETTINGS_FOLDER])
    if os.environ.get(COUNTS_VARIABLE) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(AtOnce(config))


class AtOnce:
    """Tells what failed as soon as it is known; pytest itself does so when all have run."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            reporter = self._config.pluginmanager.get_plugin("terminalreporter")
            crash = getattr(report.longrepr, "reprcrash", None)
            why = crash.message.partition("\n")[0] if crash else report.when
            reporter.ensure_newline()
            reporter.write_line(f"FAILED {report.nodeid}: {why}"[:400])


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


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[object]:
    """Let Python look for garbage only in what tests have made.

    What is imported and collected stays to the end. To look through it takes half a second each time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the markers
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    usual = float(config.getini("timeout"))
    for item in items:
        if item.get_closest_marker("browser") and BROWSER not in item.path.parents:
            raise pytest.UsageError(f"{item.nodeid} needs a browser and is not in tests/browser")
        if (
            " at 0x" in item.nodeid
        ):  # another one in each process, and those that share the tests would not agree
            raise pytest.UsageError(f"{item.nodeid} has an address in its name: give its parameters `ids`")
        if "engine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.godot)
        if PATIENCE != 1:
            marker = item.get_closest_marker("timeout")
            item.add_marker(pytest.mark.timeout(limit(marker.args[0] if marker else usual)), append=False)
    # The long ones first: what begins last must not be what the others wait for.
    items.sort(key=_is_short)


def _is_short(item: pytest.Item) -> bool:
    return not any(item.get_closest_marker(name) for name in (*REAL_PARTS, "slow", "timeout"))


#: Where the processes that run the tests write down the groups, and the one that hands them out reads them.
GROUPS_FILE = pytest.StashKey[Path]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist where to write."""
    if GROUPS_FILE not in node.config.stash:
        node.config.stash[GROUPS_FILE] = Path(tempfile.mkdtemp(prefix="gdlab-groups-")) / "groups.json"
    node.workerinput["groups_file"] = str(node.config.stash[GROUPS_FILE])


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep together what belongs together."""
    if config.getvalue("dist") != "loadgroup":
        return None
    return groups.scheduler(config, log, config.stash[GROUPS_FILE])


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[SETTINGS_FOLDER], ignore_errors=True)
    if file := config.stash.get(GROUPS_FILE, None):
        shutil.rmtree(file.parent, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist tells what has been collected
def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the engine before the first test begins, where no test's time limit runs."""
    if session.config.option.collectonly:
        return
    if file := getattr(session.config, "workerinput", {}).get("groups_file"):
        groups.write(Path(file), session.items)
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
    deadline = time.monotonic() + limit(5)
    while leaked := [t for t in threading.enumerate() if t not in before and t.name.startswith("gdlab")]:
        if time.monotonic() > deadline:
            pytest.fail(f"threads left running: {[thread.name for thread in leaked]}")
        leaked[0].join(0.05)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Let the report carry the markers that the summary counts, and what the test itself took of a processor."""
    report = yield
    report.real_parts = [name for name in REAL_PARTS if item.get_closest_marker(name)]
    if call.when == "call":
        report.cpu_s = processor_s() - item.stash[BEGAN_AT_S]
    return report


#: Seconds of a processor that this process and those it waited for had taken when a test began.
BEGAN_AT_S = pytest.StashKey[float]()


def processor_s() -> float:
    user, system, children_user, children_system, _ = os.times()
    return user + system + children_user + children_system


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    item.stash[BEGAN_AT_S] = processor_s()


#: Markers of the tests that need more than Python; CI fails when any of these did not run.
REAL_PARTS = ("godot", "browser", "notebook")


#: Where the counts go instead, as a line of JSON, when several runs make one whole: see `tests/check.py`.
COUNTS_VARIABLE = "GDLAB_TEST_COUNTS"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how many tests met the real engine, a real browser and a real kernel: a skip is quiet otherwise."""
    if hasattr(terminalreporter.config, "workerinput"):
        return  # a process of pytest-xdist: the one that hands out the tests hears of them all
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in ("passed", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            for part in getattr(report, "real_parts", ()):
                counts[part, outcome] += 1
    by_part = {part: (counts[part, "passed"], counts[part, "skipped"]) for part in REAL_PARTS}
    if file := os.environ.get(COUNTS_VARIABLE):
        with Path(file).open("a") as stream:
            stream.write(json.dumps(by_part) + "\n")
        failed = [r.nodeid for key in ("failed", "error") for r in terminalreporter.stats.get(key, ())]
        with Path(file).with_suffix(".failed").open("a") as stream:
            stream.writelines(f"{json.dumps(name)}\n" for name in failed)
        passed = [(getattr(r, "cpu_s", 0), r.nodeid) for r in terminalreporter.stats.get("passed", ())]
        with Path(file).with_suffix(".long").open("a") as stream:
            stream.writelines(f"{json.dumps(each)}\n" for each in passed if each[0] > TOO_LONG_S)
        return
    terminalreporter.section("real parts")
    for part, (ran, skipped) in by_part.items():
        terminalreporter.write_line(f"{part}: {ran} ran, {skipped} skipped")
