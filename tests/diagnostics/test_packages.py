"""Versions of what gdlab uses."""

from __future__ import annotations

from importlib import metadata

import pytest

from gdlab.diagnostics import packages


@pytest.mark.parametrize(
    ("text", "found"), [("8.1.7", (8, 1, 7)), ("8.1.7rc1", (8, 1, 7)), ("2.3.dev0+g1", (2, 3)), ("x", ())]
)
def test_the_leading_numbers_count(text: str, found: tuple[int, ...]) -> None:
    assert packages.numbers(text) == found


def with_versions(monkeypatch: pytest.MonkeyPatch, **changed: str | None) -> list[tuple[str, str, str, str]]:
    real = metadata.version

    def version(name: str) -> str:
        if name not in changed:
            return real(name)
        if (said := changed[name]) is None:
            raise metadata.PackageNotFoundError(name)
        return said

    monkeypatch.setattr(packages.metadata, "version", version)
    return [(line.check, line.state, line.found, line.to_do) for line in packages.versions()]


def test_what_is_missing_or_too_old_is_named_in_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = with_versions(monkeypatch, pandas="1.5.3", websockets=None)
    _, state, found, to_do = next(line for line in lines if line[0] == "packages")
    assert state == "fail"
    assert "pandas 1.5.3" in found
    assert "websockets missing" in found
    assert to_do.startswith("pip install --upgrade ")
    assert '"pandas>=' in to_do
    assert '"websockets>=' in to_do
    assert "numpy" not in to_do


def test_what_is_optional_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = with_versions(monkeypatch, pyarrow=None)
    line = next(line for line in lines if line[0] == "pyarrow")
    assert line[:3] == ("pyarrow", "ok", "pyarrow not installed")
    assert 'pip install "gdlab[arrow]"' in line[3]
