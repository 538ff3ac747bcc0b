"""Sentences are shown whole."""

import pandas as pd

from gdlab.analysis import Worded
from gdlab.analysis.text_table import Findings
from tests.languages import chinese, in_chinese

SENTENCE = "A sentence of more than fifty characters, the length at which pandas cuts a cell <b>off</b>."


def table(rows=2):
    return Worded({"what": [SENTENCE] * rows, "certainty": [0.25] * rows, "rows": [(1, 2)] * rows})


def test_a_notebook_shows_whole_sentences_and_no_markup_of_others():
    shown = table()._repr_html_()
    assert shown.count("the length at which pandas cuts a cell &lt;b&gt;off&lt;/b&gt;.") == 2
    assert "0.25" in shown
    assert "1, 2" in shown


def test_text_is_wrapped_below_its_column():
    lines = repr(table(1)).splitlines()
    assert lines[0] == "0"
    assert lines[1].startswith("    what       A sentence")
    assert max(map(len, lines)) <= 100
    assert " ".join(" ".join(lines).split()).count(SENTENCE) == 1


def test_what_is_chosen_is_shown_likewise_and_is_a_table():
    chosen = table(3).head(1)[["what"]]
    assert SENTENCE in " ".join(repr(chosen).split())
    pd.testing.assert_frame_equal(chosen, pd.DataFrame({"what": [SENTENCE]}))


def test_many_rows_are_left_to_pandas():
    assert "..." in repr(table(1000))
    assert "1000 rows" in table(1000)._repr_html_()


def test_no_findings_are_said_in_words_without_a_promise():
    nothing = Findings({"what": pd.Series(dtype=object)})
    assert "not to say that all is well" in repr(nothing)
    assert "not to say that all is well" in nothing._repr_html_()
    assert len(nothing) == 0
    assert "what" in repr(Worded({"what": []}))


def test_no_findings_are_said_in_the_readers_language():
    empty = Findings(columns=["rule"])
    assert repr(empty).startswith("No findings")
    assert chinese(in_chinese(lambda: repr(empty)))
    assert chinese(in_chinese(empty._repr_html_))
