"""Every check of the project, in one command; the last lines say what failed and what was skipped.

    uv run tests/check.py            everything
    uv run tests/check.py --quick    without the tests that need an engine, a browser or a kernel

The tests bring their own Godot on Debian and Ubuntu (see `tests/engine.py`) and use a Chromium they find.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def checks(quick: bool, more: list[str]) -> dict[str, list[str]]:
    """Name and command of each check, in the order in which they run: the quick ones first."""
    python = [sys.executable, "-m"]
    pytest = [*python, "pytest", "-q", *more]
    if quick:
        pytest += ["-m", "not godot and not browser and not notebook"]
    return {
        "format": [*python, "ruff", "format", "--check", "."],
        "lint": [*python, "ruff", "check", "."],
        "types": [*python, "mypy"],
        "imports": [str(BIN / "lint-imports")],
        "tests and notebooks": pytest,
    }


def main() -> int:
    """Run the checks; return 0 when all passed."""
    parser = argparse.ArgumentParser(description="Run every check of the project.")
    parser.add_argument("--quick", action="store_true", help="leave out engine, browser and notebooks")
    options, more = parser.parse_known_args()
    results: dict[str, str] = {}
    failed = False
    for name, command in checks(options.quick, more).items():
        print(
            f"\n== {name}: {' '.join(command[1:] if command[0] == sys.executable else command)}", flush=True
        )
        began = time.monotonic()
        status = subprocess.run(
            command, cwd=ROOT, env={**os.environ, "NO_COLOR": "1"}, check=False
        ).returncode
        failed |= status != 0
        results[name] = f"{'passed' if status == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s"
    print("\n== summary")
    for name, result in results.items():
        print(f"{name:<20} {result}")
    if failed:
        print("some checks failed; what they say is above")
    else:
        print(
            "all checks passed; what was skipped, and why, stands in the lines that begin with SKIPPED above"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
