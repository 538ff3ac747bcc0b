"""Synchronizers and spawners of `.tscn` files: which properties they send, in which order.

A scene file is sections in brackets with `key = value` lines below them. No package is used for this: the parsers
there are read values as well, which costs seconds for a large game; here four kinds of lines are wanted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_SECTION: Final = re.compile(r"^\[(\w+)((?:[^\]\"\n]|\"(?:\\.|[^\"\\])*\")*)\]", re.MULTILINE)
_ATTRIBUTE: Final = re.compile(
    r"(\w+)\s*=\s*(?:\"((?:\\.|[^\"\\])*)\"|(\w+\(\s*\"([^\"]*)\"\s*\))|([^\s\]]+))"
)
_PROPERTY: Final = re.compile(
    r"^properties/(\d+)/(path|spawn|replication_mode|sync|watch)\s*=\s*(?:NodePath\(\"([^\"]*)\"\)|(\w+))",
    re.MULTILINE,
)
_CONFIG: Final = re.compile(r"^replication_config\s*=\s*SubResource\(\s*\"?([^\")]+)\"?\s*\)", re.MULTILINE)
_ROOT: Final = re.compile(r"^root_path\s*=\s*NodePath\(\"([^\"]*)\"\)", re.MULTILINE)
_SPAWNABLE: Final = re.compile(r"^_spawnable_scenes\s*=\s*\w+\(\s*\[?([^\])]*)\]?\s*\)", re.MULTILINE)
_SPAWN_PATH: Final = re.compile(r"^spawn_path\s*=\s*NodePath\(\"([^\"]*)\"\)", re.MULTILINE)
_TEXT: Final = re.compile(r"\"([^\"]*)\"")
#: Properties of one synchronizer: the mask of a delta has 64 bits.
MAX_PROPERTIES: Final = 1024


@dataclass(frozen=True, slots=True)
class Replicated:
    """What one synchronizer sends.

    Attributes
    ----------
    path : of the synchronizer below the scene's root, such as ``Sync``.
    always : properties of a sync packet, in order.
    on_change : properties of a delta, in the order of the mask's bits.
    spawn : properties of a spawn's state.
    """

    path: str
    always: tuple[str, ...] = ()
    on_change: tuple[str, ...] = ()
    spawn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spawner:
    """A MultiplayerSpawner: its path below the scene's root, where it puts nodes, and its scenes in order."""

    path: str
    spawn_path: str
    scenes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a scene file says of multiplayer."""

    path: str
    root: str
    synchronizers: tuple[Replicated, ...] = ()
    spawners: tuple[Spawner, ...] = ()
    instances: tuple[tuple[str, str], ...] = field(default=())  # node path, scene


def read_scene(path: str, text: str) -> Scene:
    """Read a scene file; what is not understood is left out.

    Parameters
    ----------
    path : ``res://...tscn``.
    text : its contents.
    """
    resources: dict[str, str] = {}
    configs: dict[str, list[tuple[str, int, bool]]] = {}
    synchronizers: list[Replicated] = []
    spawners: list[Spawner] = []
    instances: list[tuple[str, str]] = []
    root = ""
    sections = list(_SECTION.finditer(text))
    for index, section in enumerate(sections):
        stop = sections[index + 1].start() if index + 1 < len(sections) else len(text)
        body = text[section.end() : stop]
        told = {found[1]: found[2] or found[4] or found[5] or "" for found in _ATTRIBUTE.finditer(section[2])}
        if section[1] == "ext_resource":
            resources[told.get("id", "")] = told.get("path", "")
        elif section[1] == "sub_resource" and told.get("type") == "SceneReplicationConfig":
            configs[told.get("id", "")] = _properties(body)
        elif section[1] == "node":
            name, parent = told.get("name", ""), told.get("parent")
            if parent is None:
                root = name
            at = name if parent in {None, "."} else f"{parent}/{name}"
            if told.get("type") == "MultiplayerSynchronizer":
                config = _CONFIG.search(body)
                base = _ROOT.search(body)
                found = configs.get(config[1] if config else "", [])
                synchronizers.append(_replicated(at, found, base[1] if base else ".."))
            elif told.get("type") == "MultiplayerSpawner":
                scenes, where = _SPAWNABLE.search(body), _SPAWN_PATH.search(body)
                spawners.append(
                    Spawner(
                        at,
                        where[1] if where else "",
                        tuple(_TEXT.findall(scenes[1])) if scenes else (),
                    )
                )
            elif "instance" in told and told["instance"] in resources:
                instances.append((at, resources[told["instance"]]))
    return Scene(path, root, tuple(synchronizers), tuple(spawners), tuple(instances))


def _properties(body: str) -> list[tuple[str, int, bool]]:
    """Path, replication mode (0 never, 1 always, 2 on change) and whether it goes with a spawn, in order."""
    told: dict[int, dict[str, str]] = {}
    for found in _PROPERTY.finditer(body):
        number = int(found[1][:6])
        if number < MAX_PROPERTIES:
            told.setdefault(number, {})[found[2]] = found[3] if found[3] is not None else found[4]
    listed = []
    for _, said in sorted(told.items()):
        # Godot 4.0 and 4.1 wrote `sync` and `watch` in place of the mode.
        old = 1 if said.get("sync") == "true" else 2 if said.get("watch") == "true" else 0
        mode = said.get("replication_mode", "")
        listed.append(
            (said.get("path", ""), int(mode) if mode.isdigit() else old, said.get("spawn") == "true")
        )
    return listed


def _replicated(path: str, properties: list[tuple[str, int, bool]], root: str) -> Replicated:
    def named(wanted: int) -> tuple[str, ...]:
        return tuple(property_name(at) for at, mode, _ in properties if mode == wanted)

    del root  # names are relative to it already
    return Replicated(
        path, named(1), named(2), tuple(property_name(at) for at, _, spawned in properties if spawned)
    )


def property_name(path: str) -> str:
    """A property's name as a column's: ``.:position`` is ``position``, ``Turret:rotation`` stays with its node."""
    node, colon, name = path.partition(":")
    return name if colon and node in {"", "."} else path


def scenes_of(sources: Mapping[str, str]) -> dict[str, Scene]:
    """Every scene of a project by its path."""
    return {path: read_scene(path, text) for path, text in sources.items()}
