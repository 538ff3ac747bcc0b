"""The one place that makes a sentence of a fact."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from gdlab.facts import RECORDED, Fact, Reason, clean
from gdlab.words import en, zh

#: A sentence with the names of a fact's values in braces, or a function of them.
Sentence: TypeAlias = str | Callable[[Mapping[str, Any]], str]


class Language(NamedTuple):
    """The tables of one language.

    Attributes
    ----------
    sentences : by reason, or by reason and case as ``opened/ws``.
    counted : by reason, what a number of such rows is called.
    phrases : what a status and a diagnosis are made of, by their keys.
    """

    sentences: Mapping[str, Sentence]
    counted: Mapping[str, str]
    phrases: Mapping[str, str]


LANGUAGES: Final[dict[str, Language]] = {
    "en": Language(en.SENTENCES, en.COUNTED, en.PHRASES),
    "zh": Language(zh.SENTENCES, zh.COUNTED, zh.PHRASES),
}

DEFAULT: Final = "en"


def _known(name: str) -> str:
    """The table for a name such as ``zh_CN.UTF-8``; English where there is none."""
    short = name.replace("-", "_").partition("_")[0].lower()
    return short if short in LANGUAGES else DEFAULT


#: The environment variable that chooses the language of a process.
LANGUAGE_VARIABLE: Final = "GDLAB_LANG"


class _Reader:
    """Who reads the sentences: one person for a process."""

    language = _known(os.environ.get(LANGUAGE_VARIABLE, ""))


def language(name: str | None = None) -> str:
    """Return the language of sentences; with a name, change it first. Tables made from then on are in that language.

    Raises
    ------
    ValueError : there is no table of sentences for this language.
    """
    if name is not None:
        if name not in LANGUAGES:
            raise ValueError(f"no language is called {name!r}; there are {', '.join(LANGUAGES)}")
        _Reader.language = name
    return _Reader.language


def sentence(fact: Fact, in_language: str | None = None) -> str:
    """Return what happened as one printable line.

    Parameters
    ----------
    in_language : a name of `LANGUAGES`; None for the one that `language` has set.
    """
    return clean(_written(fact, LANGUAGES[in_language or _Reader.language].sentences))


def counted_as(reason: Reason) -> str:
    """Return what a number of rows with this reason is called, for a list of counters."""
    return LANGUAGES[_Reader.language].counted[reason]


def phrase(name: str, **values: object) -> str:
    """Return a phrase of the table `PHRASES`, with its values."""
    return LANGUAGES[_Reader.language].phrases[name].format_map(values)


def key(fact: Fact) -> str:
    """Under which key the tables have the sentence of a fact."""
    return f"{fact.reason}/{fact.case}" if fact.case else str(fact.reason)


def _written(fact: Fact, table: Mapping[str, Sentence]) -> str:
    if fact.case == RECORDED:
        return fact.said
    pattern = table[key(fact)]
    values: dict[str, Any] = {
        name: _written(value, table) if isinstance(value, Fact) else value for name, value in fact.more
    }
    values |= {"code": fact.code, "count": fact.count, "limit": fact.limit, "said": fact.said}
    return pattern(values) if callable(pattern) else pattern.format_map(values)
