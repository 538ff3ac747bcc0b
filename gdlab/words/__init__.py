"""Facts as sentences, in each language.

A language is one table: `words.en` and its like. What is data stays data until somebody reads it, so that a second
language is a second table, and a sentence can be reworded without anything breaking.
"""

from __future__ import annotations

from gdlab.words.sentences import LANGUAGE_VARIABLE, LANGUAGES, counted_as, language, phrase, sentence

__all__ = ["LANGUAGES", "LANGUAGE_VARIABLE", "counted_as", "language", "phrase", "sentence"]
