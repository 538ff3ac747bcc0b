"""Facts as sentences, in each language.

A language is one package of tables: `words.en` and its like. What is data stays data until somebody reads it, so that
a second language is a second set of tables, and a sentence can be reworded without anything breaking.
"""

from __future__ import annotations

from gdlab.words.sentences import (
    LANGUAGE_VARIABLE,
    LANGUAGES,
    advice,
    counted_as,
    language,
    phrase,
    sentence,
    stated,
    worded,
)

__all__ = [
    "LANGUAGES",
    "LANGUAGE_VARIABLE",
    "advice",
    "counted_as",
    "language",
    "phrase",
    "sentence",
    "stated",
    "worded",
]
