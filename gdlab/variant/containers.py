"""Godot's containers: a list, a dict and a list of strings that lose nothing Godot knows."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping
from typing import TYPE_CHECKING, Any, Final, Self, cast

import numpy as np

from gdlab.variant.keys import Key, filed, given
from gdlab.variant.mathtypes import real_text
from gdlab.variant.packed import PackedArray
from gdlab.variant.records import ObjectRecord

if TYPE_CHECKING:
    from gdlab.variant.kinds import ContainerType

_MISSING: Final = object()


class Array(list[Any]):
    """A list that knows the declared type of its elements, ``Array[int]`` in GDScript.

    The type is a note for the encoder: elements are not checked when the list changes. Equal to any list or
    `Array` of equal elements; whole-array comparison also of the numpy arrays inside.
    """

    __slots__ = ("_element_type",)

    def __init__(self, items: Iterable[Any] = (), *, element_type: ContainerType = None) -> None:
        super().__init__(items)
        self.element_type = element_type

    @property
    def element_type(self) -> ContainerType:
        """What the array was declared to hold; None if anything."""
        return getattr(self, "_element_type", None)  # unset on arrays that the decoder made

    @element_type.setter
    def element_type(self, value: ContainerType) -> None:
        self._element_type = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list) or isinstance(other, PackedStringArray):
            return NotImplemented
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        result = self.__eq__(other)
        return result if result is NotImplemented else not result

    __hash__ = None

    def __repr__(self) -> str:
        return text_of(self)


class PackedStringArray(list[str]):
    """A list of strings that is a type of its own to Godot; never equal to an `Array`."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is list or isinstance(other, PackedStringArray):
            return list.__eq__(self, other)
        return NotImplemented if not isinstance(other, list) else False

    def __ne__(self, other: object) -> bool:
        result = self.__eq__(other)
        return result if result is NotImplemented else not result

    __hash__ = None

    def __repr__(self) -> str:
        return f"PackedStringArray({list.__repr__(self)})"


class FiledDict(dict[Any, Any]):
    """A dict of filed keys: what a `Dictionary` is underneath. Layouts fill one, then change its class."""

    __slots__ = ("_types",)


class Dictionary(FiledDict):
    """A dict with Godot's idea of keys: 1, 1.0 and True are three, arrays and dictionaries are keys, too.

    ``"a"`` and ``StringName("a")`` are one key, as in Godot. Insertion order is kept. A key that is changed
    while it is in use is not found any more, as in Godot.

    Parameters
    ----------
    entries : a mapping, or pairs of key and value.
    key_type, value_type : what the dictionary was declared to hold; a note for the encoder.

    Notes
    -----
    ``dict.items(d)``, and C code that reads the dict behind its methods, see `Key` objects in place of keys
    that are not strings; ``dict(d)``, ``{**d}``, `json` and pandas go through the methods.
    """

    __slots__ = ()
    _types: tuple[ContainerType, ContainerType]

    def __init__(
        self,
        entries: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = (),
        *,
        key_type: ContainerType = None,
        value_type: ContainerType = None,
    ) -> None:
        super().__init__()
        self.update(entries)
        if key_type is not None or value_type is not None:
            self._types = (key_type, value_type)

    @property
    def key_type(self) -> ContainerType:
        """What the keys were declared to be; None if anything."""
        return cast("tuple[ContainerType, ContainerType]", getattr(self, "_types", (None, None)))[0]

    @property
    def value_type(self) -> ContainerType:
        """What the values were declared to be; None if anything."""
        return cast("tuple[ContainerType, ContainerType]", getattr(self, "_types", (None, None)))[1]

    def with_types(self, key_type: ContainerType, value_type: ContainerType) -> Self:
        """Declare the types of keys and values; gives the same dictionary."""
        self._types = (key_type, value_type)
        return self

    def __getitem__(self, key: Any) -> Any:
        try:
            return dict.__getitem__(self, key if isinstance(key, str) else Key(key))
        except (KeyError, TypeError):  # a TypeError: nothing Godot could use as a key
            raise KeyError(key) from None

    def __contains__(self, key: object) -> bool:
        try:
            return dict.__contains__(self, filed(key))
        except TypeError:
            return False

    def get(self, key: Any, default: Any = None) -> Any:
        """The value under `key`, or `default`."""
        return dict.get(self, filed(key), default)

    def __iter__(self) -> Iterator[Any]:
        return map(given, dict.__iter__(self))

    def __reversed__(self) -> Iterator[Any]:
        return map(given, dict.__reversed__(self))

    def keys(self) -> KeysView[Any]:  # type: ignore[override]  # dict_keys would show the filed keys
        """The keys, as they were given."""
        return _Keys(self)

    def items(self) -> ItemsView[Any, Any]:  # type: ignore[override]  # dict_items would show the filed keys
        """Pairs of key and value."""
        return _Items(self)

    # Writing.

    def __setitem__(self, key: Any, value: Any) -> None:
        dict.__setitem__(self, filed(key), value)

    def __delitem__(self, key: Any) -> None:
        try:
            dict.__delitem__(self, filed(key))
        except KeyError:
            raise KeyError(key) from None

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """The value under `key`, which is set to `default` first if there is none."""
        return dict.setdefault(self, filed(key), default)

    def pop(self, key: Any, *default: Any) -> Any:
        """Remove `key` and give its value."""
        try:
            return dict.pop(self, filed(key), *default)
        except KeyError:
            raise KeyError(key) from None

    def popitem(self) -> tuple[Any, Any]:
        """Remove the last entry and give it."""
        key, value = dict.popitem(self)
        return given(key), value

    def update(  # type: ignore[override]  # keyword arguments are left out: entries are not Python names
        self, entries: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = ()
    ) -> None:
        """Set every entry of a mapping, or of pairs."""
        for key, value in entries.items() if isinstance(entries, Mapping) else entries:
            dict.__setitem__(self, filed(key), value)

    def copy(self) -> Dictionary:
        """A shallow copy with the same declared types."""
        return Dictionary(self, key_type=self.key_type, value_type=self.value_type)

    @classmethod
    def fromkeys(cls, iterable: Iterable[Any], value: Any = None) -> Dictionary:
        """A dictionary of these keys with the same value."""
        return cls((key, value) for key in iterable)

    def __or__(self, other: Any) -> Dictionary:
        if not isinstance(other, Mapping):
            return NotImplemented
        merged = self.copy()
        merged.update(other)
        return merged

    def __ror__(self, other: Any) -> Dictionary:
        return Dictionary(other) | self if isinstance(other, Mapping) else NotImplemented

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def __eq__(self, other: object) -> bool:
        return equal(self, other) if isinstance(other, dict) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return not equal(self, other) if isinstance(other, dict) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as dict

    def __repr__(self) -> str:
        return text_of(self)


class _Keys(KeysView[Any]):
    """Keys as they were given; iterating does not look each of them up again."""

    _mapping: Dictionary

    def __iter__(self) -> Iterator[Any]:
        return iter(self._mapping)

    def __repr__(self) -> str:
        return f"Dictionary.keys({list(self)!r})"


class _Items(ItemsView[Any, Any]):
    """Entries with keys as they were given; iterating does not look each of them up again."""

    _mapping: Dictionary

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return zip(iter(self._mapping), self._mapping.values(), strict=True)

    def __repr__(self) -> str:
        return f"Dictionary.items({list(self)!r})"


def equal(left: object, right: object) -> bool:
    """Whether two values are equal, however deep they are.

    Numbers compare as in Python (``1 == 1.0``), numpy arrays as a whole, dictionaries in any order.
    """
    pending = [(left, right)]
    seen: set[tuple[int, int]] = set()
    while pending:
        a, b = pending.pop()
        if a is b:
            continue
        if isinstance(a, (list, dict)) and isinstance(b, (list, dict)):
            pair = (id(a), id(b))
            if pair in seen:
                continue
            seen.add(pair)
            if isinstance(a, dict) and isinstance(b, dict):
                if not _same_keys(a, b, pending):
                    return False
                continue
            if isinstance(a, dict) or isinstance(b, dict):
                return False
            if isinstance(a, PackedStringArray) != isinstance(b, PackedStringArray) and (
                isinstance(a, Array) or isinstance(b, Array)
            ):
                return False
            if len(a) != len(b):
                return False
            pending.extend(zip(a, b, strict=True))
        elif isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            if not _same_array(a, b):
                return False
        elif isinstance(a, ObjectRecord) and isinstance(b, ObjectRecord):
            if a.class_name != b.class_name:
                return False
            pending.append((a.properties, b.properties))
        elif a != b:
            return False
    return True


def _same_keys(a: dict[Any, Any], b: dict[Any, Any], pending: list[tuple[object, object]]) -> bool:
    if len(a) != len(b):
        return False
    a = a if isinstance(a, Dictionary) else Dictionary(a)
    b = b if isinstance(b, Dictionary) else Dictionary(b)
    for key, value in dict.items(a):
        other = dict.get(b, key, _MISSING)
        if other is _MISSING:
            return False
        pending.append((value, other))
    return True


def _same_array(a: object, b: object) -> bool:
    if isinstance(a, PackedArray) and isinstance(b, PackedArray) and type(a) is not type(b):
        return False
    if isinstance(a, (np.ndarray, list)) and isinstance(b, (np.ndarray, list)):
        return bool(np.array_equal(np.asarray(a), np.asarray(b)))
    return False


class _Leave:
    """On the stack of `text_of`: the container that ends here."""

    __slots__ = ("key",)

    def __init__(self, key: int) -> None:
        self.key = key


def text_of(root: object) -> str:
    """`repr` of a container, valid Python, at any depth."""
    out: list[str] = []
    open_ids: set[int] = set()
    pending: list[object] = [root]
    while pending:
        value = pending.pop()
        if type(value) is _Text:
            out.append(value)
        elif isinstance(value, _Leave):
            open_ids.discard(value.key)
        elif isinstance(value, (Array, Dictionary)) or type(value) in {list, dict}:
            if id(value) in open_ids:
                out.append("...")
                continue
            open_ids.add(id(value))
            pending.append(_Leave(id(value)))
            _open(cast("list[Any] | dict[Any, Any]", value), pending)
        elif isinstance(value, float):
            out.append(real_text(value))
        else:
            out.append(repr(value))
    return "".join(out)


class _Text(str):
    """On the stack of `text_of`: characters to write as they are."""

    __slots__ = ()


def _open(value: list[Any] | dict[Any, Any], pending: list[object]) -> None:
    """Push the pieces of one container, last one first."""
    pieces: list[object] = []
    if isinstance(value, dict):
        for key, item in value.items():
            pieces += (_Text(", "), key, _Text(": "), item) if pieces else (key, _Text(": "), item)
        body = [_Text("{"), *pieces, _Text("}")]
    else:
        for item in value:
            pieces += (_Text(", "), item) if pieces else (item,)
        body = [_Text("["), *pieces, _Text("]")]
    types = ""
    if isinstance(value, Array):
        types = f", element_type={value.element_type!r}" if value.element_type is not None else ""
    elif isinstance(value, Dictionary):
        types += f", key_type={value.key_type!r}" if value.key_type is not None else ""
        types += f", value_type={value.value_type!r}" if value.value_type is not None else ""
        if any(
            type(key) is Key for key in dict.keys(value)
        ):  # a dict display would merge or refuse these keys
            pairs: list[object] = []
            for key, item in value.items():
                pairs += (_Text(", "),) * bool(pairs) + (_Text("("), key, _Text(", "), item, _Text(")"))
            body = [_Text("["), *pairs, _Text("]")]
    if isinstance(value, (Array, Dictionary)):
        body = [_Text(f"{type(value).__name__}("), *body, _Text(f"{types})")]
    pending += reversed(body)
