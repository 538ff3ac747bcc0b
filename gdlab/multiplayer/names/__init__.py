"""Names for what the wire numbers: from a project's scripts and scenes, or from the user."""

from __future__ import annotations

from gdlab.multiplayer.names.names import Names, NamesFrom, NamesMethods
from gdlab.multiplayer.names.scenes import Replicated, Scene, read_scene
from gdlab.multiplayer.names.scripts import Script, list_md5, scripts_of

__all__ = [
    "Names",
    "NamesFrom",
    "NamesMethods",
    "Replicated",
    "Scene",
    "Script",
    "list_md5",
    "read_scene",
    "scripts_of",
]
