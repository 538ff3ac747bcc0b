"""Versions of Python and of the packages that gdlab uses."""

from __future__ import annotations

import platform
import re
from importlib import metadata

from gdlab.diagnostics.report import Line, State

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)\s*>=\s*(?P<least>[\d.]+)(?P<rest>.*)")

#: What may be missing, by the extra that brings it, and what it is for.
_OPTIONAL = {
    "arrow": (("pyarrow",), "Parquet files and spill="),
    "formats": (("msgpack", "cbor2", "zstandard"), "their lines in gd.sizes()"),
}


def versions() -> list[Line]:
    """One line for gdlab and Python, one for what gdlab must have, one for each thing that it may have."""
    lines = [
        Line(
            "gdlab",
            State.OK,
            f"{metadata.version('gdlab')}, Python {platform.python_version()} on {platform.system()} "
            f"{platform.release()}",
        ),
        _core(),
    ]
    for extra, (names, purpose) in _OPTIONAL.items():
        found = {name: _installed(name) or "not installed" for name in names}
        missing = "not installed" in found.values()
        lines.append(
            Line(
                extra if len(names) > 1 else names[0],
                State.OK,
                ", ".join(f"{name} {version}" for name, version in found.items()),
                f'only for {purpose}: pip install "gdlab[{extra}]"' if missing else "",
            )
        )
    return lines


def _core() -> Line:
    found, wrong = [], []
    for text in metadata.requires("gdlab") or []:
        requirement = _REQUIREMENT.match(text)
        if requirement is None or "extra" in requirement["rest"]:
            continue
        name, least = requirement["name"], requirement["least"]
        version = _installed(name)
        found.append(f"{name} {version or 'missing'}")
        if not version or numbers(version) < numbers(least):
            wrong.append(f'"{name}>={least}"')
    if wrong:
        return Line("packages", State.FAIL, ", ".join(found), f"pip install --upgrade {' '.join(wrong)}")
    return Line("packages", State.OK, ", ".join(found))


def _installed(name: str) -> str:
    """The version of a package; empty where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, for comparison: ``8.1.7rc1`` is (8, 1, 7)."""
    found = []
    for part in version.split("."):
        digits = re.match(r"\d+", part)
        if digits is None:
            break
        found.append(int(digits[0]))
        if digits[0] != part:
            break
    return tuple(found)
