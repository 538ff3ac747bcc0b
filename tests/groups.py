"""Which tests must run in one process where there are several: those that share a fixture that is dear.

`pytest -n 2 --dist loadgroup` starts such processes (see `tests/check.py`). The process that hands out the tests knows
their names only; those that run them know the fixtures. So these write down the groups before they tell what they have
collected. (The marker `xdist_group` would do, but pytest-xdist 3.8 loses it under pytest 9.2.)
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest
    from xdist.scheduler import LoadScopeScheduling

#: Fixtures of a wide scope that cost little to have in several processes, or less than their tests one after the other.
CHEAP = ("engine", "artifacts", "warm_kernels")


def group_of(item: pytest.Item) -> str | None:
    """The name of a test's group; None where it shares nothing that is dear."""
    fixtures = getattr(item, "_fixtureinfo", None)
    for name, definitions in (fixtures.name2fixturedefs if fixtures else {}).items():
        scope, home = definitions[-1].scope, definitions[-1].baseid
        if scope in ("module", "package", "session") and home.startswith("tests") and name not in CHEAP:
            chosen = getattr(item, "callspec", None)
            variant = chosen.params.get(name, "") if chosen else ""
            return f"{home}:{variant if isinstance(variant, str) else ''}"
    return None


def write(file: Path, items: Iterable[pytest.Item]) -> None:
    """Write down the groups of some tests."""
    groups = {item.nodeid: group for item in items if (group := group_of(item))}
    part = file.with_suffix(f".{id(groups)}")
    part.write_text(json.dumps(groups))
    part.replace(file)  # several processes write the same


def scheduler(config: pytest.Config, log: object, file: Path) -> LoadScopeScheduling:
    """What hands out the tests, one by one or a group at once, to whoever is free; the largest groups first."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        groups: dict[str, str] | None = None

        def _split_scope(self, nodeid: str) -> str:
            if self.groups is None:
                self.groups = json.loads(file.read_text())
            return self.groups.get(nodeid, nodeid)

    return ByGroup(config, log)  # type: ignore[arg-type]  # xdist's own logger
