"""A JupyterLab server of our own, and notebooks of it in a real Chromium."""

from __future__ import annotations

import ast
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import limit, limit_ms

#: Lab shows the notebook before its kernel is connected; run-all silently does nothing until then.
READY = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  const widget = app.shell.currentWidget;
  await widget.context.ready;
  await widget.sessionContext.ready;
  await widget.sessionContext.session.kernel.info;
}"""

#: Opens a notebook in the Lab that a page has loaded already: a second of work, where loading Lab anew is five.
OPEN = """async (path) => {
  const app = window.jupyterapp;
  const widget = await app.commands.execute('docmanager:open', {path});
  app.shell.activateById(widget.id);
}"""

#: Closes what is open, as somebody who ends the kernels and has nothing to save; Lab itself stays.
CLOSE = """async () => {
  for (const widget of [...window.jupyterapp.shell.widgets('main')]) {
    await widget.sessionContext?.shutdown().catch(() => undefined);
    widget.dispose();
  }
}"""

#: Closes the notebook that is in sight as its tab's cross does: its kernel goes on.
CLOSE_TAB = "() => window.jupyterapp.shell.currentWidget.dispose()"

#: Evaluates an expression in the kernel of the notebook; nothing of it is seen in the notebook.
ASK = """async (expression) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  let reply;
  do {  // what is asked just after a cell has failed is given up with the cells behind it
    reply = await kernel.requestExecute(
      {code: '', silent: true, store_history: false, user_expressions: {answer: expression}}).done;
  } while (reply.content.status === 'aborted');
  const answer = (reply.content.user_expressions || {}).answer || {status: 'error', evalue: reply.content.status};
  if (answer.status !== 'ok') throw new Error(`${expression}: ${answer.ename} ${answer.evalue}`);
  return answer.data['text/plain'];
}"""

#: The texts that the cells of the notebook have written to standard error; nothing where another page is open.
ON_STDERR = """() => {
  const widget = window.jupyterapp?.shell.currentWidget;
  const cells = widget?.context?.model?.toJSON().cells ?? [];
  const outputs = cells.flatMap(cell => cell.outputs ?? []);
  return outputs.filter(o => o.output_type === 'stream' && o.name === 'stderr').map(o => [o.text].flat().join(''));
}"""

#: A folder for ``PYTHONPATH``. When a Jupyter server imports jsonschema, that builds thirty grammars of addresses in
#: all scripts, for three seconds of a processor; where it does not find the package it goes without.
LIGHTER = Path(__file__).parent / "lighter"

#: Chromium asks its maker's servers for things at start; tests stay on loopback.
QUIET = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

#: What browsers and Lab itself complain of, and what is none of ours. "Cannot send": when a kernel is restarted or a
#: tab closed, its widgets still want to tell the kernel that they have left the page, or that they live. "Canceled
#: future": when a kernel is ended, the threads that Lab has asked it for, one per widget, have not all been promised
#: yet. "Shared module": the kernel that runs in the browser, which is installed for the site of lessons, misses its
#: own server in an ordinary Lab. "Module undefined": where a busy kernel does not tell a page that has come back of
#: all widgets within four seconds, ipywidgets asks each of them, and takes a change that is told in that moment for
#: the whole of it.
HARMLESS = re.compile(
    r"favicon|net::ERR_|Failed to load resource|GPU|WebGL|preload|^(Error: )?Cannot send$"
    r"|^Could not send widget sync message Error: Cannot send"
    r"|^(Error: )?Canceled future for create_subshell_request message before replies were done$"
    r"|Shared module @jupyterlite/|No version of module undefined is registered",
    re.IGNORECASE,
)

#: What tornado says where a page goes while the server writes to it, or passes on what the kernel has just said.
AWAY = re.compile(
    r"^(?:Task exception was never retrieved|\[E [^\]]*\] (?:Uncaught exception in \w+|Exception in) callback.*)\n"
    r"(?:(?!\[).*\n)*? *tornado\.websocket\.WebSocketClosedError\n",
    re.MULTILINE,
)

#: What the log of the server, which is the kernels' too, must not contain. A kernel may note what ended it.
COMPLAINT = re.compile(
    r"Traceback|^\[[EC] (?!.*received signal)|\] (?:ERROR|CRITICAL) (?!\| KeyboardInterrupt caught)|Exception",
    re.MULTILINE,
)


def chromium() -> str | None:
    """Return the path of a Chromium, or None; rather of one without windows, which does the same with less work."""
    for name in (
        "chromium-headless-shell",
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ):
        if path := shutil.which(name):
            return path
    return None


def launch(playwright: Any, path: str) -> Any:
    """Start a Chromium that asks nobody but us for anything."""
    flags = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return playwright.chromium.launch(executable_path=path, args=flags)


def free_port() -> int:
    """Return a TCP port that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A running server: its address, the word that opens it, its folder of notebooks, and its log."""

    url: str
    token: str
    folder: Path
    log: Path

    def address(self, notebook: str) -> str:
        """Return the address at which a browser opens a notebook alone, without the file browser."""
        return f"{self.url}/doc/tree/{notebook}?token={self.token}&reset"

    def api(self, path: str, method: str = "GET") -> Any:
        """Ask the server's own interface: `sessions`, `kernels`."""
        request = urllib.request.Request(
            f"{self.url}/api/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=limit(30)) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def end_kernels(self) -> None:
        """End the kernels of all notebooks, as closing Lab for the day does."""
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", "DELETE")

    def complaint(self, since: int = 0) -> str:
        """Return the log from a position on if it speaks of an error, else nothing."""
        return complaint(self.log, since)


def complaint(log: Path, since: int = 0) -> str:
    """Return a log from a position on if it speaks of an error, else nothing."""
    text = AWAY.sub("", log.read_text(errors="replace")[since:])
    return text if COMPLAINT.search(text) else ""


def errors_of(page: Any) -> list[str]:
    """Return the list to which is added what the console of a page calls an error."""
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


def ours(errors: Sequence[str]) -> list[str]:
    """Leave out the errors that are Lab's or the browser's own."""
    return [error for error in errors if not HARMLESS.search(error)]


@contextmanager
def server(
    folder: Path,
    home: Path,
    command: Sequence[str],
    env: dict[str, str] | None = None,
    kernels: dict[str, dict[str, object]] | None = None,
) -> Iterator[Server]:
    """Run JupyterLab on a folder, with settings and kernels of its own.

    Parameters
    ----------
    command : the module to run, and its arguments. kernels : what `kernel.json` of each says, by the kernel's name.
    """
    port, token = free_port(), secrets.token_hex(16)
    settings = home / "lab" / "user-settings"
    popup = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    popup.parent.mkdir(parents=True)
    popup.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    # For each page that is loaded, Lab starts node to ask whether its own JavaScript is to be built anew.
    page = home / "config" / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True)
    page.write_text(json.dumps({"buildCheck": False, "buildAvailable": False}))
    write_kernels(kernels or {}, home)
    options = [
        "--no-browser",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        "--LabApp.expose_app_in_browser=True",
    ]
    with serving([*command, *options], port, folder, home, env) as log:
        yield Server(f"http://127.0.0.1:{port}", token, folder, log)


def write_kernels(kernels: dict[str, dict[str, object]], home: Path) -> None:
    """Give servers whose settings are in `home` kernels: what `kernel.json` of each says, by the kernel's name."""
    for name, content in kernels.items():
        spec = home / "data" / "kernels" / name / "kernel.json"
        spec.parent.mkdir(parents=True)
        spec.write_text(json.dumps(content))


@contextmanager
def serving(
    command: Sequence[str], port: int, folder: Path, home: Path, env: dict[str, str] | None = None
) -> Iterator[Path]:
    """Run a module that serves on a port, with Jupyter's settings kept in `home`; give its log."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(LIGHTER), os.environ.get("PYTHONPATH")))),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_PATH": str(home / "data"),  # before what the environment has
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "lab" / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "lab" / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        **(env or {}),
    }
    home.mkdir(parents=True, exist_ok=True)
    log = home / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        try:
            wait_for(port, process, log)
            yield log
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server, and with it its kernels."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers; fail with its log when it ends or says nothing."""
    deadline = time.monotonic() + limit(60)
    while True:
        assert process.poll() is None, f"the server ended:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"the server does not answer:\n{log.read_text()}"
        with socket.socket() as sock:
            sock.settimeout(1)
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


class Notebook:
    """A notebook that is open in a page, its kernel connected; a page that has loaded Lab does not do so again."""

    def __init__(self, page: Any, server: Server, name: str, errors: list[str] | None = None) -> None:
        self.page = page
        self.server = server
        self.name = name
        #: What the browser's console called an error; given where somebody listens to the page already.
        self.errors = errors_of(page) if errors is None else errors
        if page.evaluate("window.jupyterapp !== undefined"):
            page.evaluate(OPEN, name)
            self._wait_until_ready()
        else:
            self.open()

    def open(self) -> None:
        """Load the page with it: for the first time, or anew."""
        self.page.goto(self.server.address(self.name))
        self._wait_until_ready()

    def reopen(self) -> None:
        """Close its tab and open it again in the same page: from its file, with the kernel that has gone on."""
        self.page.evaluate(CLOSE_TAB)
        self.page.evaluate(OPEN, self.name)
        self._wait_until_ready()

    def close(self) -> None:
        """End its kernel and take it out of the page, in which another one can be opened then."""
        self.page.evaluate(CLOSE)

    def _wait_until_ready(self) -> None:
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=limit_ms(60))
        self.page.evaluate(READY)

    def command(self, name: str) -> None:
        """Begin one of Lab's commands. It may last as long as a cell: nobody waits for its end."""
        self.page.evaluate(f"void window.jupyterapp.commands.execute('{name}')")

    def run_all(self) -> None:
        """Begin to run all cells."""
        self.command("notebook:run-all-cells")

    def run_all_to_the_end(self) -> None:
        """Run all cells; return when the last one has ended."""
        self.page.evaluate(
            "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
        )

    def restart_and_run_all(self) -> None:
        """Restart the kernel and run all cells, as with the button that asks first."""
        self.command("notebook:restart-run-all")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()

    def restart(self) -> None:
        """Restart the kernel and run nothing; return when the new one answers."""
        self.command("kernelmenu:restart")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.locator(".jp-Dialog").wait_for(state="detached", timeout=limit_ms(60))
        self.page.evaluate(READY)

    def save(self) -> None:
        """Save it; return when it is stored."""
        self.page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")

    def theme(self, name: str) -> None:
        """Choose `Light` or `Dark`; return when it is seen."""
        self.page.evaluate(
            f"void window.jupyterapp.commands.execute('apputils:change-theme', {{theme: 'JupyterLab {name}'}})"
        )
        self.page.wait_for_selector(
            f"body[data-jp-theme-light='{str(name == 'Light').lower()}']",
            state="attached",
            timeout=limit_ms(30),
        )

    def ask(self, expression: str) -> Any:
        """Return the value of an expression in the kernel: of whatever `ast.literal_eval` can read."""
        return ast.literal_eval(self.page.evaluate(ASK, expression))

    def on_stderr(self) -> list[str]:
        """What cells have written to standard error; nothing where the test itself has closed the page."""
        if self.page.is_closed():
            return []
        texts: list[str] = self.page.evaluate(ON_STDERR)
        return texts

    @property
    def complaints(self) -> list[str]:
        """What the browser's console called an error and is ours."""
        return ours(self.errors)
