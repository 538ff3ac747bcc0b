"""The kernels that the browser tests run in: this environment's own, and one of the oldest supported ipykernel.

The second gets an environment of its own in pytest's cache folder, with that ipykernel and what it is made of. All else
is imported from where it is installed here: what a test finds is then a matter of the kernel, and pandas and matplotlib
are not compiled to bytecode once more. What is needed comes from the caches of uv where it is there already.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
NEWEST, OLDEST = "newest-ipykernel", "oldest-ipykernel"
#: Those that start as a user's do, where a test is about how a kernel is interrupted or ends: a fork of a warm process
#: is interrupted by a message, and says other things when it ends.
AFRESH, OLDEST_AFRESH = "newest-ipykernel-afresh", "oldest-ipykernel-afresh"
TIME_LIMIT_S = 600.0
#: The folders in which that environment looks behind its own: where packages are installed here, and gdlab itself.
BEHIND = list(dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(ROOT)]))


class Impossible(Exception):
    """There is no such environment; the message is the reason."""


def oldest_version() -> str:
    """The lowest ipykernel that the project declares."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = map(Requirement, project["optional-dependencies"]["lab"])
    (bound,) = next(r for r in declared if r.name == "ipykernel").specifier
    return str(bound.version)


def kernelspecs(python_of_oldest: Path | None) -> dict[str, dict[str, object]]:
    """What a `kernel.json` of each kernel that starts afresh says, by the kernel's name."""
    pythons = {AFRESH: Path(sys.executable), OLDEST_AFRESH: python_of_oldest}
    return {
        name: {
            "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": name,
            "language": "python",
        }
        for name, python in pythons.items()
        if python is not None
    }


@functools.cache
def oldest(cache: Path) -> Path | str:
    """The Python of an environment with the oldest ipykernel, made in `cache` if need be; or why there is none."""
    try:
        with _lock(cache / "oldest-kernel.lock"):
            return _environment(cache / "oldest-kernel")
    except (Impossible, OSError) as error:
        return f"no environment with ipykernel {oldest_version()}: {error}"


def _environment(folder: Path) -> Path:
    wanted = f"ipykernel=={oldest_version()}"
    here = sorted(
        {
            f"{canonicalize_name(found.metadata['Name'])}=={found.version}"
            for found in metadata.distributions()
            if canonicalize_name(found.metadata["Name"]) not in ("gdlab", "ipykernel")
        }
    )
    mark = hashlib.sha256(json.dumps([sys.executable, sys.version, wanted, BEHIND, here]).encode())
    made = folder / "made-from"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if made.is_file() and made.read_text() == mark.hexdigest() and python.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # `sys.executable` belongs to an environment already; its packages are not taken over.
    constraints = folder.with_name("oldest-kernel.txt")
    constraints.write_text("\n".join(here) + "\n")
    wishes = [wanted, "-c", str(constraints)]
    print(f"browser tests: putting {wanted} into {folder}", file=sys.stderr, flush=True)
    if uv := _uv():
        _call([uv, "venv", "-q", "--python", sys.executable, str(folder)])
        install = [uv, "pip", "install", "-q", "--python", str(python), *wishes]
        try:
            _call([*install, "--offline"])
        except Impossible:  # something is not in the caches
            _call(install)
    else:
        _call([sys.executable, "-m", "venv", str(folder)])
        _call([str(python), "-m", "pip", "install", "-q", *wishes])
    own = sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)})
    (Path(own) / "behind.pth").write_text("".join(f"{path}\n" for path in BEHIND), encoding="utf-8")
    made.write_text(mark.hexdigest())
    return python


def _uv() -> str | None:
    """Path of uv: the one that runs us, else one that is installed."""
    ours = ROOT / ".uv" / "bin" / "uv"
    return os.environ.get("UV") or shutil.which("uv") or (str(ours) if ours.is_file() else None)


def _call(command: list[str]) -> None:
    # CI's own constraints name the newest kernel.
    env = {name: value for name, value in os.environ.items() if name not in ("UV_CONSTRAINT", "VIRTUAL_ENV")}
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=env, timeout=TIME_LIMIT_S, cwd=ROOT
        )
    except subprocess.TimeoutExpired:
        raise Impossible(f"{command[:3]} took more than {TIME_LIMIT_S:g} s") from None
    if done.returncode != 0:
        words = "; ".join((done.stderr or done.stdout).strip().splitlines()[-4:])
        raise Impossible(f"{' '.join(command[:4])} failed: {words}")


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Let one of several test runs of a checkout make the environment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows: run the tests once at a time there
        yield
        return
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
