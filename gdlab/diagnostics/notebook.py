"""What shows gdlab's output: kernel, widgets, front end; and where that runs."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from gdlab.diagnostics.packages import numbers
from gdlab.diagnostics.report import Line, State

#: The oldest ipykernel that gdlab is tested with.
_IPYKERNEL: Final = (6, 29, 5)
#: The front end's half of ipywidgets 8.
_WIDGETS_MANAGER: Final = 3

_AWAY: Final = (
    "games on your own computer cannot reach its UDP and TCP ports. Godot inside it can (headless); from outside "
    "only WebSocket, "
)


def kernel() -> list[Line]:
    """One line for the kernel and one for its widgets."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        where = "IPython in a terminal" if shell is not None else "Python without a notebook"
        return [
            Line("kernel", State.OK, f"{where}: captures show themselves as text"),
            Line("widgets", State.OK, "not needed outside a notebook"),
        ]
    version = getattr(sys.modules.get("ipykernel"), "__version__", "")
    line = Line("kernel", State.OK, f"ipykernel {version}" if version else type(shell.kernel).__name__)
    if version and numbers(version) < _IPYKERNEL:
        least = ".".join(map(str, _IPYKERNEL))
        line = Line(
            "kernel", State.WARN, f"ipykernel {version}", f'pip install --upgrade "ipykernel>={least}"'
        )
    return [line, widgets(_version)]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def widgets(version: Any = _version) -> Line:
    """Whether the two halves of the widgets fit, as far as the kernel can know."""
    own, manager, lab = version("ipywidgets"), version("jupyterlab_widgets"), version("jupyterlab")
    found = ", ".join(
        f"{name} {number}"
        for name, number in (("ipywidgets", own), ("jupyterlab_widgets", manager), ("jupyterlab", lab))
        if number
    )
    if not own:
        return Line("widgets", State.FAIL, "ipywidgets is missing", "pip install ipywidgets")
    if manager and numbers(manager)[0] != _WIDGETS_MANAGER:
        return Line(
            "widgets",
            State.WARN,
            found,
            f"the front end's half does not fit: pip install --upgrade \"jupyterlab_widgets>={_WIDGETS_MANAGER},"
            f'<{_WIDGETS_MANAGER + 1}", then reload the page',
        )
    if not manager:
        return Line(
            "widgets",
            State.OK,
            f"{found}; the front end runs elsewhere",
            "if a capture shows as text instead of a live view: pip install jupyterlab_widgets where JupyterLab "
            "runs, then reload the page. VS Code brings its own",
        )
    return Line("widgets", State.OK, found)


def place(environ: Mapping[str, str] | None = None) -> Line:
    """Where the kernel runs, and what that means for a game that wants to reach it."""
    environ = os.environ if environ is None else environ
    if prefix := environ.get("JUPYTERHUB_SERVICE_PREFIX") or environ.get("JUPYTERHUB_USER"):
        name = "Binder" if any(key.startswith("BINDER_") for key in environ) else "JupyterHub"
        way = (
            f"through the hub's proxy where jupyter-server-proxy is installed: wss://HUB{prefix}proxy/5000/"
            if prefix.startswith("/")
            else "through the hub's proxy where jupyter-server-proxy is installed"
        )
        return Line("place", State.WARN, f"{name}: the kernel is not on your computer", _AWAY + way)
    for key, name in (
        ("BINDER_SERVICE_HOST", "Binder"),
        ("BINDER_LAUNCH_HOST", "Binder"),
        ("COLAB_RELEASE_TAG", "Colab"),
        ("KAGGLE_KERNEL_RUN_TYPE", "Kaggle"),
        ("CODESPACES", "Codespaces"),
    ):
        if environ.get(key):
            way = "through a proxy or forwarded port of the service, if it has one"
            return Line("place", State.WARN, f"{name}: the kernel is not on your computer", _AWAY + way)
    front_end = "VS Code" if any(key.startswith("VSCODE_") for key in environ) else "this computer"
    if environ.get("SSH_CONNECTION"):
        return Line(
            "place",
            State.WARN,
            f"{front_end}, over SSH: the kernel is on {platform.node()}",
            'run the game there, or listen with host="lan"; ssh -L forwards TCP and WebSocket, not UDP',
        )
    if "microsoft" in platform.release().lower():
        return Line(
            "place",
            State.WARN,
            f"{front_end}, in WSL",
            "for Windows WSL is another machine: TCP and WebSocket reach it at localhost, UDP only at the address that "
            '`hostname -I` shows, with host="lan"',
        )
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return Line(
            "place",
            State.OK,
            f"{front_end}, in a container",
            'for games outside it: listen with host="lan" and publish the port (docker run -p 4242:4242/udp)',
        )
    return Line("place", State.OK, front_end)
