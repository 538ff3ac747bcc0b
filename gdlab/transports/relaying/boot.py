"""Starts a relay's process without importing all of gdlab: run as a file, never imported."""

import sys
import types
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _hollow(name: str, folder: Path) -> None:
    """Put a package in place that has its modules, but not what its `__init__` imports."""
    package = types.ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package


if __name__ == "__main__":
    _hollow("gdlab", _HERE.parents[1])
    _hollow("gdlab.transports", _HERE.parent)
    from gdlab.transports.relaying.main import main

    main()
