"""What a language consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

#: A sentence with the names of a fact's values in braces, see `patterns`; or a function of them.
Sentence: TypeAlias = str | Callable[[Mapping[str, Any]], str]


class Advice(NamedTuple):
    """The four sentences of a finding, which share its values; see `gdlab.analysis.rules.Finding`."""

    what: str
    evidence: str
    next_step: str
    lesson: str


class Language(NamedTuple):
    """The tables of one language.

    Attributes
    ----------
    sentences : by reason, or by reason and case as ``opened/ws``.
    counted : by reason, what a number of such rows is called.
    phrases : what a status and a diagnosis are made of, by their keys.
    findings : by rule, or by rule and case as ``cut-off/empty``.
    statements : by the key of a `Statement`: errors of reading, and parts of findings.
    """

    sentences: Mapping[str, Sentence]
    counted: Mapping[str, str]
    phrases: Mapping[str, str]
    findings: Mapping[str, Advice]
    statements: Mapping[str, str]
