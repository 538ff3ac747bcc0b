"""Puts a real Godot 4 into gdlab's cache folder, on Debian and Ubuntu, without root.

    python -m tests.engine [--force]

The engine is Debian's own package of its `forky` suite, fetched by the machine's own apt from the archive
it is set up for, its signature checked. It is unpacked with everything it needs into a folder of its own
and started through that folder's dynamic loader, so the system's libraries may be older, and nothing in
the system changes. About 160 MB are downloaded and 520 MB of disk used.

The machine may have no package lists at all: `apt-get update --print-uris` reads only the sources (both
formats) and needs no lock, no network and no root. (`apt-get indextargets` is of no use: without lists it
says nothing.)
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gdlab.errors import GdlabError
from gdlab.godot import Engine, cache_folder
from gdlab.godot.finder import check

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE = "forky"
#: A Debian archive to use where apt knows none (such as on Ubuntu): its address up to and including
#: `/debian`.
ARCHIVE_VARIABLE = "GDLAB_DEBIAN_ARCHIVE"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
WAY_OUT = (
    f"Set {ARCHIVE_VARIABLE} to a Debian archive (its address up to /debian), or install Godot 4 by hand and "
    "set GDLAB_GODOT to it."
)
NEEDED_BYTES = 1_000_000_000
APT_TIME_LIMIT_S = 900.0

#: The hooks of the machine's apt act on the system after `update`; they have no business with our folder.
APT_CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
Dir::Etc::SourceList "{work}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State "{work}";
Dir::State::Lists "{work}/lists";
Dir::State::Status "/dev/null";
Dir::State::Extended_States "{work}/extended_states";
Dir::Cache "{work}/cache";
Dir::Log "{work}";
Debug::NoLocking "true";
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::Retries "3";
"""


class Impossible(Exception):
    """No engine can be put here; the message is the reason."""


def install(*, force: bool = False, report: bool = False) -> Engine:
    """The engine in the cache folder, put there if need be.

    Safe to run again (then it costs one `--version`) and several times at once: one installs, the others
    wait.

    Raises
    ------
    Impossible : it cannot be done on this machine; the message says why and what else to do.
    """
    prefix = cache_folder()
    if not force and (engine := _installed(prefix)) is not None:
        return engine
    _require_a_system_that_can()
    try:
        prefix.parent.mkdir(parents=True, exist_ok=True)
        with _lock(prefix.parent / "godot.lock"):
            if not force and (engine := _installed(prefix)) is not None:
                return engine  # somebody else has done it meanwhile
            return _install(prefix, report=report)
    except OSError as error:
        raise Impossible(f"the engine could not be put into {prefix}: {error}") from error


def _install(prefix: Path, *, report: bool) -> Engine:
    for left in prefix.parent.glob("godot.part-*"):  # of an attempt that was killed
        shutil.rmtree(left, ignore_errors=True)
    free = shutil.disk_usage(prefix.parent).free
    if free < NEEDED_BYTES:
        raise Impossible(
            f"{prefix.parent} has {free // 10**6} MB free; {NEEDED_BYTES // 10**6} MB are needed"
        )
    part = Path(tempfile.mkdtemp(prefix="godot.part-", dir=prefix.parent))
    try:
        work = part / "apt"
        (work / "lists" / "partial").mkdir(parents=True)
        (work / "cache" / "archives" / "partial").mkdir(parents=True)
        keyring = _keyring(work)
        archives = _archives()
        problems = []
        for archive in archives:
            try:
                _fetch(work, archive, keyring, report=report)
                break
            except Impossible as error:
                problems.append(str(error))
        else:
            raise Impossible(" ".join([*(f"{problem}." for problem in problems), WAY_OUT]))
        root = part / "root"
        debs = sorted((work / "cache" / "archives").glob("*.deb"))
        _say(report, f"unpacking {len(debs)} packages")
        for deb in debs:
            _call(["dpkg-deb", "--extract", str(deb), str(root)], what=f"unpacking {deb.name}", limit_s=120)
        shutil.rmtree(work)
        _write_launcher(part)
        engine = check(part / "godot")
        if prefix.exists():  # one that does not work, or `force`
            prefix.rename(part / "old")
        (part / "new").mkdir()
        for item in ("godot", "root"):
            (part / item).rename(part / "new" / item)
        (part / "new").rename(prefix)  # atomic: there is either no engine or a whole one
    except GdlabError as error:
        raise Impossible(f"the engine was unpacked but does not run here: {error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Engine(prefix / "godot", engine.version, str(prefix / "godot"))


def _installed(prefix: Path) -> Engine | None:
    try:
        return check(prefix / "godot", source=str(prefix / "godot"))
    except GdlabError:
        return None


def _require_a_system_that_can() -> None:
    by_hand = "Install Godot 4 by hand and set GDLAB_GODOT to it."
    if sys.platform != "linux":
        raise Impossible(f"this is {platform.system()}, not Debian or Ubuntu. {by_hand}")
    for program in ("apt-get", "dpkg-deb", "dpkg"):
        if shutil.which(program) is None:
            raise Impossible(f"there is no {program} here, so this is not Debian or Ubuntu. {by_hand}")
    architecture = _call(
        ["dpkg", "--print-architecture"], what="asking for the architecture", limit_s=30
    ).strip()
    if architecture not in ("amd64", "arm64"):
        raise Impossible(
            f"the architecture is {architecture}; only amd64 and arm64 are known to work. {by_hand}"
        )


def _archives() -> list[str]:
    """Addresses of Debian archives, those to try first first."""
    if given := os.environ.get(ARCHIVE_VARIABLE, "").strip():
        return [given.rstrip("/")]
    uris = _call(["apt-get", "update", "--print-uris"], what="reading apt's sources", limit_s=60)
    return archives_of(uris)


def archives_of(print_uris: str) -> list[str]:
    """Debian archives among the sources of `apt-get update --print-uris`.

    Its lines are `'ADDRESS/dists/SUITE/InRelease' FILE SIZE`. An archive of Ubuntu is taken for its
    neighbour: many mirrors carry both side by side.
    """
    bases = dict.fromkeys(re.findall(r"^'(\S+?)/+dists/\S+/InRelease'", print_uris, re.MULTILINE))
    debian = [base for base in bases if re.search(r"/debian$", base)]
    beside = [
        re.sub(r"/ubuntu(-ports)?$", "/debian", base)
        for base in bases
        if re.search(r"/ubuntu(-ports)?$", base)
    ]
    found = list(dict.fromkeys(debian or beside))
    if not found:
        known = "none" if not bases else f"only {', '.join(bases)}"
        raise Impossible(f"apt is set up for no Debian archive ({known}). {WAY_OUT}")
    return found


def _keyring(work: Path) -> Path:
    """The keys that sign Debian's archive; on Ubuntu out of Ubuntu's own, signed package of them."""
    if KEYRING.is_file():
        return KEYRING
    subprocess.run(
        ["apt-get", "-qq", "download", "debian-archive-keyring"],
        cwd=work,
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=APT_TIME_LIMIT_S,
    )
    for deb in work.glob("debian-archive-keyring_*.deb"):
        _call(["dpkg-deb", "--extract", str(deb), str(work / "keys")], what="unpacking the keys", limit_s=60)
        return work / "keys" / KEYRING.relative_to("/")
    raise Impossible(
        "the keys of the Debian archive are not here: install the package debian-archive-keyring, or run "
        "`apt-get update` (as root) so that it can be fetched"
    )


def _fetch(work: Path, archive: str, keyring: Path, *, report: bool) -> None:
    configuration = work / "apt.conf"
    configuration.write_text(APT_CONFIGURATION.format(work=work))
    (work / "sources.list").write_text(f"deb [signed-by={keyring}] {archive} {SUITE} main\n")
    # `-c` is read after the machine's own configuration, whose proxies and credentials must stay in force.
    apt = ["apt-get", "-c", str(configuration), "-qq", "-y"]
    _say(report, f"reading the package lists of {SUITE}")
    _call([*apt, "update"], what=f"reading the suite {SUITE} of {archive}", limit_s=APT_TIME_LIMIT_S)
    if not any((work / "lists").glob("*_Packages*")):
        raise Impossible(f"{archive} has no package lists of {SUITE}, or could not be reached")
    _say(report, "downloading godot and what it needs, about 160 MB")
    _call(
        [*apt, "--download-only", "install", "godot"],
        what=f"downloading godot from {archive}",
        limit_s=APT_TIME_LIMIT_S,
    )


def _write_launcher(part: Path) -> None:
    loaders = sorted((part / "root" / "usr" / "lib").glob("*-linux-gnu/ld-linux-*.so.*"))
    if not loaders or not (part / "root" / "usr" / "bin" / "godot").is_file():
        raise Impossible(
            f"the packages of {SUITE} hold no engine or no dynamic loader where they are looked for"
        )
    libraries = loaders[0].parent.relative_to(part).as_posix()
    folders = ":".join(f"$here/{libraries}{sub}" for sub in ("", "/pulseaudio", "/blas", "/lapack"))
    launcher = part / "godot"
    loader = f"{libraries}/{loaders[0].name}"
    launcher.write_text(
        "#!/bin/sh\n"
        "here=$0\n"
        '[ -h "$0" ] && here=$(readlink -f "$0")\n'
        "here=${here%/*}\n"
        f'exec "$here/{loader}" --library-path "{folders}" "$here/root/usr/bin/godot" "$@"\n'
    )
    launcher.chmod(0o755)


def _call(command: list[str], *, what: str, limit_s: float) -> str:
    """Standard output of a command; Impossible with its last words if it fails."""
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=limit_s,
            env={**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
        )
    except subprocess.TimeoutExpired:
        raise Impossible(f"{what} took more than {limit_s:g} s") from None
    if done.returncode != 0:
        words = "; ".join((done.stderr or done.stdout).strip().splitlines()[-4:]) or "without a word"
        raise Impossible(f"{what} failed (exit code {done.returncode}): {words}")
    return done.stdout


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    import fcntl  # not on Windows, where `install` has given up before

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _say(report: bool, text: str) -> None:
    if report:
        print(f"engine: {text}", file=sys.stderr, flush=True)


def main() -> int:
    began = time.monotonic()
    try:
        engine = install(force="--force" in sys.argv[1:], report=True)
    except Impossible as error:
        print(f"no engine: {error}", file=sys.stderr)
        return 1
    print(engine)
    print(f"engine: {time.monotonic() - began:.1f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
