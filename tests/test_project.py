"""The project itself: what it declares agrees with itself, and what it must not contain is not there."""

import graphlib
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pandas as pd
import pytest
import yaml
from packaging.requirements import Requirement

from tests.check import compiled, keep_bytecode

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONDA_NAMES = {"matplotlib": "matplotlib-base"}


def requirements(*groups: str) -> list[Requirement]:
    extras = PROJECT["project"]["optional-dependencies"]
    lists = [PROJECT["project"]["dependencies"], *(extras[group] for group in groups)]
    return [Requirement(text) for group in lists for text in group if not text.startswith("gdlab[")]


def test_the_conda_environment_has_every_dependency_with_the_same_bound():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = dict(
        text.split(" ", 1) for text in environment["dependencies"] if isinstance(text, str) and " " in text
    )
    for requirement in requirements("arrow", "lab"):
        name = CONDA_NAMES.get(requirement.name, requirement.name)
        assert conda.pop(name) == str(requirement.specifier), name
    assert conda == {"python": PROJECT["project"]["requires-python"]}
    assert environment["dependencies"][-1] == {"pip": ["-e ."]}


def test_every_dependency_has_a_lower_bound():
    groups = PROJECT["dependency-groups"]
    texts = [text for group in groups.values() for text in group if isinstance(text, str)]
    for requirement in [*requirements("arrow", "lab"), *map(Requirement, texts)]:
        assert requirement.name == "gdlab" or str(requirement.specifier).startswith(">="), requirement


def tracked() -> list[Path]:
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_lock_file_is_tracked():
    assert not [path.name for path in tracked() if path.suffix == ".lock"]


def test_the_files_that_are_no_python_are_packed_too():
    # The build leaves out what git ignores.
    data = {
        path
        for path in (ROOT / "gdlab" / "godot").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {path.name for path in data} >= {"project.godot", "gdlab_probe.gd", "node_host.gd", "gitignore"}
    assert data <= set(tracked())


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_stored_without_outputs(path):
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    assert "widgets" not in notebook["metadata"]


def test_the_version_has_its_entry_in_the_changelog():
    assert f"## {PROJECT['project']['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_ci_runs_the_command_of_the_readme():
    commands = re.findall(r"^python3 -m venv .*$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(commands) == 2
    assert commands[1].endswith("tests/check.py")


def test_processes_of_the_tests_keep_what_they_compile_where_the_image_forbids_it():
    forbidden = {"PYTHONDONTWRITEBYTECODE": "1"}
    keep_bytecode(forbidden)
    assert forbidden == {"PYTHONPYCACHEPREFIX": str(Path(sys.prefix) / "bytecode")}
    usual = {}
    keep_bytecode(usual)
    assert usual == {}


def test_what_tests_import_is_compiled_first_in_a_new_environment_only(tmp_path):
    fresh = {"PYTHONPYCACHEPREFIX": str(tmp_path)}
    assert not compiled(fresh)
    subprocess.run([sys.executable, "-m", "py_compile", pd.__file__], env=os.environ | fresh, check=True)
    assert not compiled(fresh | {"PYTHONPYCACHEPREFIX": str(tmp_path / "other")})
    assert compiled(fresh)


def test_no_modules_import_each_other_in_a_circle():
    # What only a type checker reads counts too: who names another's class cannot be read without it.
    graph = grimp.build_graph("gdlab", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert len(imports) > 100
    # Raises a CycleError that names the circle.
    graphlib.TopologicalSorter(imports).prepare()
