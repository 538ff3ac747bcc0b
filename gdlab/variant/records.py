"""Inert records for what a Variant refers to: names, paths, ids, signals, objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Self

from gdlab.variant.kinds import Type


class StringName(str):
    """Godot's interned string, written ``&"name"`` there; equal to a `str` of the same text, as in Godot."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"StringName({str.__repr__(self)})"


@dataclass(frozen=True, slots=True)
class NodePath:
    """A path to a node and its properties, as Godot keeps it: already split.

    Attributes
    ----------
    names : names of nodes; a name may contain ``/``, since Godot does not split it again.
    subnames : names of properties, after the colons.
    absolute : the path begins at the root.
    """

    names: tuple[str, ...] = ()
    subnames: tuple[str, ...] = ()
    absolute: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "subnames", tuple(self.subnames))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Split a path the way GDScript's ``NodePath("/root/A:position:x")`` does."""
        path, *subnames = text.split(":")
        names = tuple(name for name in path.split("/") if name)
        return cls(names, tuple(name for name in subnames if name), path.startswith("/"))

    def __str__(self) -> str:
        return "/" * self.absolute + "/".join(self.names) + "".join(f":{name}" for name in self.subnames)


@dataclass(frozen=True, slots=True)
class RID:
    """A handle of the engine's servers; `id` is signed, as ``RID.get_id()`` shows it."""

    id: int = 0


@dataclass(frozen=True, slots=True)
class Callable:
    """A callable; the wire never says which one, so all of them are the empty one."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal: its name, and the unsigned instance id of its object."""

    name: str = ""
    object_id: int = 0


@dataclass(frozen=True, slots=True)
class EncodedObject:
    """What Godot sends in place of an object: its unsigned instance id; 0 is a null object, and false."""

    object_id: int = 0

    def __bool__(self) -> bool:
        return self.object_id != 0


@dataclass(slots=True)
class ObjectRecord:
    """An object that was sent whole: class name and stored properties. Nothing is ever made from it.

    Attributes
    ----------
    class_name : such as ``RefCounted``; not checked, since only the engine knows its classes.
    properties : by name; a script is the ``res://`` path under ``script``.
    """

    class_name: str
    properties: dict[str, Any] = field(default_factory=dict)


#: Number of each class whose values stand for themselves.
RECORD_TYPES: Final[dict[type, Type]] = {
    NodePath: Type.NODE_PATH,
    RID: Type.RID,
    Callable: Type.CALLABLE,
    Signal: Type.SIGNAL,
}
