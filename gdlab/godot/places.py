"""Where Godot lies on machines of people who never put it on PATH."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Of an unpacked download, such as `Godot_v4.6-stable_linux.x86_64`.
_DOWNLOAD: Final = "Godot_v4*"
_FOLDERS: Final = ("Downloads", "Desktop", "Applications", ".local/bin", "bin", ".")


def installed(
    platform: str = sys.platform, home: Path | None = None, environ: Mapping[str, str] | None = None
) -> Iterator[Path]:
    """Programs in the places where installers put Godot, the newest name first; those that are there.

    macOS: application bundles. Windows: its program folders. All: Steam.
    """
    home = Path.home() if home is None else home
    environ = os.environ if environ is None else environ
    patterns: list[tuple[Path, str]]
    steam = "steamapps/common/Godot Engine/godot*"
    if platform == "darwin":
        bundle = "Godot*.app/Contents/MacOS/Godot"
        patterns = [(Path("/Applications"), bundle), (home / "Applications", bundle)]
        patterns.append(
            (home / "Library/Application Support/Steam", f"steamapps/common/Godot Engine/{bundle}")
        )
    elif platform == "win32":
        folders = [
            Path(value) for name in ("ProgramFiles", "ProgramFiles(x86)") if (value := environ.get(name))
        ]
        # The `_console` program hands on what is printed, also where the other one does not.
        patterns = [
            (folder / "Godot", f"Godot*{end}") for folder in folders for end in ("_console.exe", ".exe")
        ]
        patterns += [(folder / "Steam", f"{steam}.exe") for folder in folders]
    else:
        patterns = [(home / ".local/share/Steam", steam), (home / ".steam/steam", steam)]
    for folder, pattern in patterns:
        yield from sorted((path for path in folder.glob(pattern) if path.is_file()), reverse=True)


def downloaded(home: Path | None = None) -> Path | None:
    """A Godot 4 that somebody has downloaded: to be named to the user, and not to be started unasked."""
    home = Path.home() if home is None else home
    for folder in _FOLDERS:
        for path in sorted((home / folder).glob(_DOWNLOAD), reverse=True):
            if path.is_file() and path.suffix not in (".zip", ".tpz", ".part", ".crdownload", ".txt"):
                return path
            inside = path / "Contents/MacOS/Godot" if path.suffix == ".app" else path / path.name
            if inside.is_file():
                return inside
    return None
