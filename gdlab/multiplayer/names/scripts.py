"""RPC methods of GDScript files: what `@rpc` stands before, base scripts included."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_QUIET: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#[^\n]*',
    re.DOTALL,
)
_RPC: Final = re.compile(
    r"^([ \t]*)@rpc\b[ \t]*(?:\([^)]*\))?(?:\s*@\w+[ \t]*(?:\([^)]*\))?)*\s*(?:static\s+)?func\s+([^\W\d]\w*)",
    re.MULTILINE,
)
_INNER: Final = re.compile(r"^([ \t]*)class\s+([^\W\d]\w*)(?:\s+extends\s+([\w.]+))?[^\n]*:", re.MULTILINE)
_CLASS_NAME: Final = re.compile(r"^[ \t]*(?:@[^\n]*?\s)?class_name\s+([^\W\d]\w*)", re.MULTILINE)
_EXTENDS: Final = re.compile(
    r"^[ \t]*(?:class_name\s+\w+\s+)?extends\s+(?:\"([^\"\n]+)\"|'([^'\n]+)'|([\w.]+))", re.MULTILINE
)
_CONFIGURED: Final = re.compile(r"\brpc_config\s*\(\s*&?[\"']([^\"'\n]+)[\"']")
#: Base scripts followed from one script.
MAX_BASES: Final = 64


@dataclass(frozen=True, slots=True)
class Script:
    """The RPC methods of one script.

    Attributes
    ----------
    path : ``res://...``; an inner class has its name behind ``::``.
    methods : sorted as the engine numbers them.
    by_code : methods given to `rpc_config` in the same list, sorted.
    """

    path: str
    methods: tuple[str, ...]
    by_code: tuple[str, ...] = ()

    @property
    def md5(self) -> str:
        """The sum by which the two sides compare their lists."""
        return list_md5(self.methods, self.by_code)


def list_md5(methods: Iterable[str], by_code: Iterable[str] = ()) -> str:
    """The MD5 a simplify_path carries: the names joined, those configured by code first."""
    joined = "".join((*sorted(by_code), *sorted(methods)))
    return hashlib.md5(joined.encode(), usedforsecurity=False).hexdigest()


def scripts_of(sources: Mapping[str, str]) -> list[Script]:
    """All scripts with the RPC methods they and their bases have.

    Parameters
    ----------
    sources : text of each GDScript file by its ``res://`` path.
    """
    own: dict[str, set[str]] = {}
    bases: dict[str, str] = {}
    named: dict[str, str] = {}
    coded: dict[str, tuple[str, ...]] = {}
    for path, text in sources.items():
        _scan(path, text, own, bases, named)
        configured = tuple(sorted(set(_CONFIGURED.findall(text))))
        if configured:
            coded[path] = configured
    found = []
    for path in own:
        methods: set[str] = set()
        at: str | None = path
        for _ in range(MAX_BASES):
            if at is None or at not in own:
                break
            methods |= own[at]
            at = _resolve(bases.get(at, ""), at, own, named)
        found.append(Script(path, tuple(sorted(methods))))
    # A node's list holds what code gave it, too; which code did is not known, so each file's names are tried.
    plain = list(dict.fromkeys(script.methods for script in found))[:256]
    for path, names in list(coded.items())[:64]:
        found += [Script(f"{path} by rpc_config", methods, names) for methods in dict.fromkeys([(), *plain])]
    return found


def _scan(
    path: str, text: str, own: dict[str, set[str]], bases: dict[str, str], named: dict[str, str]
) -> None:
    # The script's own `extends` may name a file, so it is read before texts are blanked.
    without_comments = _QUIET.sub(lambda found: "" if found[0].startswith("#") else found[0], text)
    base = _EXTENDS.search(without_comments)
    quiet = _QUIET.sub(lambda found: "\n" * found[0].count("\n"), text)
    own[path] = set()
    if base is not None and not base[0][:1].isspace():
        bases[path] = base[1] or base[2] or base[3]
    name = _CLASS_NAME.search(quiet)
    if name is not None:
        named[name[1]] = path
    inner = [(found.start(), _indent(found[1]), found[2], found[3] or "") for found in _INNER.finditer(quiet)]
    for _, _, title, extended in inner:
        own[f"{path}::{title}"] = set()
        bases[f"{path}::{title}"] = extended
    for found in _RPC.finditer(quiet):
        indent = _indent(found[1])
        owner = path
        if indent:
            around = [title for start, depth, title, _ in inner if start < found.start() and depth < indent]
            if not around:
                continue
            owner = f"{path}::{around[-1]}"
        own[owner].add(found[2])


def _indent(text: str) -> int:
    return len(text.expandtabs(4))


def _resolve(base: str, path: str, own: Mapping[str, set[str]], named: Mapping[str, str]) -> str | None:
    """The script a script extends, or None where that is a class of the engine's."""
    if not base:
        return None
    if base.endswith(".gd"):
        if base.startswith("res://"):
            return base
        folder = path.partition("::")[0].rpartition("/")[0]
        parts: list[str] = []
        for part in f"{folder}/{base}".removeprefix("res://").split("/"):
            if part == "..":
                parts[-1:] = []
            elif part not in {"", "."}:
                parts.append(part)
        return "res://" + "/".join(parts)
    local = f"{path.partition('::')[0]}::{base}"
    return local if local in own else named.get(base)
