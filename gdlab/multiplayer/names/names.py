"""What a method or property is called, as far as a project or the user tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeAlias, Union

from gdlab.multiplayer.names.project import project_sources
from gdlab.multiplayer.names.scenes import Replicated, Scene, scenes_of
from gdlab.multiplayer.names.scripts import Script, list_md5, scripts_of
from gdlab.multiplayer.scene.packets import BY_CODE

_NO_METHODS: Final = list_md5(())


class NamesMethods(Protocol):
    """What knows a running game's RPC methods, such as a watch."""

    def rpc_methods(self) -> Mapping[str, Sequence[str]]:
        """Names of methods by node path."""


#: What names methods, beside a project: names by node path, or what has a method that gives them.
NamesFrom: TypeAlias = Union["Mapping[str, Sequence[str]]", "Names", NamesMethods, None]


class Names:
    """Names by the sums on the wire, and by node paths.

    Parameters
    ----------
    scripts : from a project.
    scenes : from a project.
    methods : the user's: names of a node's RPC methods by its path, in any order; of a synchronizer the properties
        it sends always, in order, then those it sends on change.
    notes : what could not be read.
    """

    def __init__(
        self,
        scripts: Iterable[Script] = (),
        scenes: Mapping[str, Scene] | None = None,
        methods: Mapping[str, Iterable[str]] | None = None,
        *,
        notes: Iterable[str] = (),
    ) -> None:
        self.by_md5: dict[str, Script] = {}
        for script in scripts:
            self.by_md5.setdefault(script.md5, script)
        self.scenes = dict(scenes or {})
        self.notes = list(notes)
        self.by_path: dict[str, Script] = {}
        self.properties: dict[str, tuple[str, ...]] = {}
        for path, names in (methods or {}).items():
            if isinstance(names, str):
                names = (names,)
            path = path.removeprefix("/root/")
            script = Script("", tuple(sorted(map(str, names))))
            self.by_path[path] = script
            self.properties[path] = tuple(map(str, names))
            self.by_md5.setdefault(script.md5, script)

    @classmethod
    def of(cls, project: str | Path | None = None, names: NamesFrom = None) -> Names:
        """Names from a project's folder, and from the user: a mapping, other `Names`, or nothing."""
        if isinstance(names, Names):
            return names
        methods = names if isinstance(names, Mapping) else getattr(names, "rpc_methods", None)
        if callable(methods):
            methods = methods()
        if names is not None and not isinstance(methods, Mapping):
            raise TypeError(
                f"names is a mapping from node paths to RPC methods, such as {{'Main/Game': ['hello', 'tick']}}, "
                f"or has a method rpc_methods() that gives one; got {type(names).__name__}"
            )
        if project is None:
            return cls(methods=methods)
        scripts, scenes, notes = project_sources(project)
        return cls(scripts_of(scripts), scenes_of(scenes), methods, notes=notes)

    def script(self, md5: str, path: str) -> Script | None:
        """The list a node's calls are numbered by."""
        found = self.by_md5.get(md5)
        return found if found is not None else self.by_path.get(path)

    def method(self, md5: str, path: str, number: int) -> str:
        """A method's name; ``#`` and its number where nothing tells it."""
        script = self.script(md5, path)
        if script is not None:
            known = script.by_code if number & BY_CODE else script.methods
            index = number & ~BY_CODE
            if index < len(known):
                return known[index]
        return f"#{number}" if not number & BY_CODE else f"#code{number & ~BY_CODE}"

    def replicated(
        self, path: str, always: int | None, changed: int
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of what a synchronizer with this path sends, always and on change; empty where nothing tells surely.

        Parameters
        ----------
        always : values of its sync packets; None if there are none.
        changed : the highest bit of its deltas' masks, and one.

        Notes
        -----
        A path does not say which scene it comes from, so a scene's synchronizer of the same name is taken only if
        it sends exactly as much, and no other one of the project does.
        """
        own = self.properties.get(path)
        if own is not None:
            return own[: always or 0], own[always or 0 :]
        fitting = {
            (sender.always, sender.on_change)
            for scene in self.scenes.values()
            for sender in scene.synchronizers
            if (path == sender.path or path.endswith("/" + sender.path))
            and len(sender.always) == (len(sender.always) if always is None else always)
            and len(sender.on_change) >= changed
        }
        return next(iter(fitting)) if len(fitting) == 1 else ((), ())

    def spawned(self, spawner: str, index: int, synchronizers: int, values: int) -> Scene | None:
        """The scene a spawner's number means: from the spawner's list, else the only one of the project that fits."""
        for scene in self.scenes.values():
            for known in scene.spawners:
                if (spawner == known.path or spawner.endswith("/" + known.path)) and index < len(
                    known.scenes
                ):
                    return self.scenes.get(known.scenes[index])
        fitting = [
            scene
            for scene in self.scenes.values()
            if synchronizers
            and len(scene.synchronizers) == synchronizers
            and sum(len(sender.spawn) for sender in scene.synchronizers) == values
        ]
        return fitting[0] if len(fitting) == 1 else None

    def spawn_properties(self, scene: Scene | None) -> tuple[str, ...]:
        """Names of a spawn's values."""
        if scene is None:
            return ()
        return tuple(name for sender in scene.synchronizers for name in sender.spawn)

    def spawn_path(self, spawner: str) -> str:
        """Where a spawner puts its nodes; empty where no scene tells."""
        for scene in self.scenes.values():
            for known in scene.spawners:
                if (spawner == known.path or spawner.endswith("/" + known.path)) and known.spawn_path:
                    return _joined(spawner, known.spawn_path)
        return ""


def _joined(path: str, relative: str) -> str:
    """A path seen from another."""
    parts = [] if relative.startswith("/") else path.split("/")
    for part in relative.removeprefix("/root/").split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


__all__ = ["Names", "Replicated"]
