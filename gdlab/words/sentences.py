"""The one place that makes a sentence of what is data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final

from gdlab.facts import RECORDED, Fact, Reason, Statement, Value, clean
from gdlab.words.patterns import filled
from gdlab.words.tables import Advice, Language

#: Each is a package beside this module.
LANGUAGES: Final = ("en", "zh")
DEFAULT: Final = "en"


@cache
def tables(name: str) -> Language:
    """The words of a language, loaded when they are first needed."""
    found: Language = import_module(f"gdlab.words.{name}").LANGUAGE
    return found


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
    return clean(_fact(fact, _tables(in_language)))


def stated(statement: Statement | Fact, in_language: str | None = None) -> str:
    """Return a statement as text; a fact as `sentence` does."""
    text = str(_written(statement, _tables(in_language)))
    return clean(text) if isinstance(statement, Fact) else text


def counted_as(reason: Reason) -> str:
    """Return what a number of rows with this reason is called, for a list of counters."""
    return _tables().counted[reason]


def phrase(name: str, **values: object) -> str:
    """Return a phrase of the table `PHRASES`, with its values."""
    return _filled(_tables().phrases[name], values, _tables())


def advice(rule: str, values: Mapping[str, Value], in_language: str | None = None) -> Advice:
    """Return the four sentences of a finding.

    Parameters
    ----------
    rule : the finding's rule, with its case behind a stroke where it has one.
    """
    words = _tables(in_language)
    return Advice(*(_filled(pattern, values, words) for pattern in words.findings[rule]))


def worded(text: str, /, **values: object) -> str:
    """Return a sentence of the course in the reader's language, with its values.

    The course is written in English, text and checks side by side, so its sentences are known by their English.

    Parameters
    ----------
    text : with its values in braces, where there are any.
    """
    if _Reader.language != DEFAULT:
        text = import_module(f"gdlab.words.{_Reader.language}.lessons").SAID.get(text, text)
    return text.format(**values) if values else str(text)


def key(fact: Fact) -> str:
    """Under which key the tables have the sentence of a fact."""
    return f"{fact.reason}/{fact.case}" if fact.case else str(fact.reason)


def _tables(name: str | None = None) -> Language:
    return tables(name or _Reader.language)


def _filled(pattern: str, values: Mapping[str, Any], words: Language) -> str:
    return filled(pattern, values, words.phrases["bytes"], lambda value: _written(value, words))


def _written(value: Any, words: Language) -> Any:
    if isinstance(value, Statement):
        return _filled(words.statements[value.key], dict(value.more), words)
    return _fact(value, words) if isinstance(value, Fact) else value


def _fact(fact: Fact, words: Language) -> str:
    if fact.case == RECORDED:
        return fact.said
    pattern = words.sentences[key(fact)]
    values: dict[str, Any] = dict(fact.more)
    values |= {"code": fact.code, "count": fact.count, "limit": fact.limit, "said": fact.said}
    if callable(pattern):
        return pattern({name: _written(value, words) for name, value in values.items()})
    return _filled(pattern, values, words)
