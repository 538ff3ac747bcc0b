"""Kernel, widgets and place, under the names that front ends and services give themselves."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable

import pytest

from gdlab.diagnostics import notebook


def installed(**versions: str) -> Callable[[str], str]:
    return lambda name: versions.get(name, "")


def test_halves_of_the_widgets_that_fit_are_ok() -> None:
    line = notebook.widgets(installed(ipywidgets="8.1.7", jupyterlab_widgets="3.0.15", jupyterlab="4.4.1"))
    assert line.state == "ok"
    assert line.found == "ipywidgets 8.1.7, jupyterlab_widgets 3.0.15, jupyterlab 4.4.1"
    assert line.to_do == ""


def test_halves_that_do_not_fit_are_told_with_the_command() -> None:
    line = notebook.widgets(installed(ipywidgets="8.1.7", jupyterlab_widgets="1.1.4"))
    assert line.state == "warn"
    assert 'pip install --upgrade "jupyterlab_widgets>=3,<4"' in line.to_do


def test_a_front_end_elsewhere_is_not_blamed() -> None:
    line = notebook.widgets(installed(ipywidgets="8.1.7"))
    assert line.state == "ok"
    assert "runs elsewhere" in line.found
    assert "where JupyterLab runs" in line.to_do


def test_no_widgets_at_all_fail() -> None:
    assert notebook.widgets(installed()).state == "fail"


@pytest.mark.parametrize(
    ("environ", "state", "found"),
    [
        ({}, "ok", "this computer"),
        ({"VSCODE_PID": "17"}, "ok", "VS Code"),
        ({"JUPYTERHUB_USER": "ada"}, "warn", "JupyterHub"),
        ({"JUPYTERHUB_USER": "ada", "BINDER_REPO_URL": "x"}, "warn", "Binder"),
        ({"BINDER_SERVICE_HOST": "x"}, "warn", "Binder"),
        ({"COLAB_RELEASE_TAG": "x"}, "warn", "Colab"),
        ({"KAGGLE_KERNEL_RUN_TYPE": "x"}, "warn", "Kaggle"),
        ({"CODESPACES": "true"}, "warn", "Codespaces"),
        ({"SSH_CONNECTION": "1 2 3 4"}, "warn", "this computer, over SSH"),
    ],
)
def test_the_place_is_known_by_its_environment(
    environ: dict[str, str], state: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook.platform, "release", lambda: "6.1")
    line = notebook.place(environ)
    assert (line.state, line.found[: len(found)]) == (state, found)
    assert state == "ok" or line.to_do


def test_windows_subsystem_for_linux_is_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook.platform, "release", lambda: "5.15.153.1-microsoft-standard-WSL2")
    line = notebook.place({})
    assert line.found.endswith("in WSL")
    assert "UDP only" in line.to_do


def test_python_without_a_notebook_needs_no_widgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    kernel, widgets = notebook.kernel()
    assert (kernel.state, widgets.state) == ("ok", "ok")
    assert "show themselves as text" in kernel.found


@pytest.mark.parametrize(("version", "state"), [("6.29.5", "ok"), ("7.1.0", "ok"), ("6.4.2", "warn")])
def test_an_old_kernel_is_worth_a_look(version: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "ipykernel", types.SimpleNamespace(__version__=version))
    kernel, widgets = notebook.kernel()
    assert (kernel.found, kernel.state) == (f"ipykernel {version}", state)
    assert widgets.found.startswith("ipywidgets ")
