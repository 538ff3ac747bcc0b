"""Every fact that can be written has its sentence, in every language."""

import ast
import re
import string
from collections import Counter

import pytest

import gdlab
from gdlab.facts import PEER, Fact, Reason
from gdlab.words import counted_as, language, sentence
from gdlab.words.patterns import filled
from gdlab.words.sentences import LANGUAGES, tables
from tests.sources import calls_of

OWN = {"code", "count", "limit", "said"}
#: What a table adds to the fact of evicted rows, when it is built.
ADDED = {"keeps", "payload_bytes"}


@pytest.fixture(autouse=True)
def english():
    before = language()
    yield
    language(before)


def written():
    """Every call of `Fact` and `Fact.of` in gdlab: where, its reason, its case and the values it names."""
    for path, call in calls_of("Fact", "Fact.of"):
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        reason = call.args[0] if call.args else given.get("reason")
        if not ast.unparse(reason or call).startswith("Reason."):
            continue
        case = given.get("case", ast.Constant(""))
        cases = [part.value for part in ast.walk(case) if isinstance(part, ast.Constant)]
        known = isinstance(case, ast.Constant | ast.IfExp)
        values = set(given) - {"reason", "by", "case", "more", *OWN}
        complete = ast.unparse(call.func) == "Fact.of"
        yield f"{path.name}:{call.lineno}", reason.attr, cases if known else [], values, complete


def names(pattern):
    return {name.partition("!")[0] for _, name, _, _ in string.Formatter().parse(pattern) if name}


def precisions(pattern):
    """How each number is rounded: 12.3 must not be 12 in another language."""
    places = string.Formatter().parse(pattern)
    return {(name, form) for _, name, form, _ in places if name and re.fullmatch(r"\.\d[fg%]|kB|g", form)}


def literal_numbers(pattern):
    """Numbers that stand in the sentence itself, such as limits."""
    text = "".join(text for text, *_ in string.Formatter().parse(pattern))
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", text))


def called(*functions):
    """Every call of one of these in gdlab: where, its first argument as a pattern of a key, and the values it names."""
    for path, call in calls_of(*functions):
        if not call.args:
            continue
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        for first in choices(call.args[0]):
            for case in choices(given.get("case", ast.Constant(""))):
                yield (
                    f"{path.name}:{call.lineno}",
                    key_of(first) + ("/" + key_of(case) if key_of(case) else ""),
                    set(given) - {"case"},
                )


def choices(node):
    return [*choices(node.body), *choices(node.orelse)] if isinstance(node, ast.IfExp) else [node]


def key_of(node):
    """The text of an argument, as a regular expression: what is not known may be anything."""
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    if isinstance(node, ast.JoinedStr):
        return "".join(key_of(part) if isinstance(part, ast.Constant) else "[^/]+" for part in node.values)
    return ""


def test_facts_are_found_in_the_source():
    assert len(list(written())) > 40


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_reason_has_a_sentence_and_a_name_for_counting(name):
    known = {key.partition("/")[0] for key in tables(name).sentences}
    assert known == set(Reason) == set(tables(name).counted)
    language(name)
    assert all(counted_as(reason) for reason in Reason)


@pytest.mark.parametrize("name", LANGUAGES)
def test_all_languages_have_the_same_sentences_with_the_same_values(name):
    english, other = tables("en").sentences, tables(name).sentences
    assert set(other) == set(english)
    for key, pattern in english.items():
        assert callable(other[key]) == callable(pattern), key
        if isinstance(pattern, str):
            assert names(other[key]) == names(pattern), key


@pytest.mark.parametrize("name", LANGUAGES)
def test_all_languages_have_the_same_phrases(name):
    english, other = tables("en").phrases, tables(name).phrases
    assert {key: names(text) for key, text in other.items()} == {
        key: names(text) for key, text in english.items()
    }


@pytest.mark.parametrize("name", LANGUAGES)
def test_all_languages_have_the_same_findings_with_the_same_values_and_numbers(name):
    english, other = tables("en").findings, tables(name).findings
    assert set(other) == set(english)
    for rule, sentences in english.items():
        for ours, theirs in zip(sentences, other[rule], strict=True):
            assert names(theirs) == names(ours), rule
            assert precisions(theirs) == precisions(ours), rule
            assert literal_numbers(theirs) == literal_numbers(ours), (rule, ours, theirs)


@pytest.mark.parametrize("name", LANGUAGES)
def test_all_languages_have_the_same_statements_with_the_same_values_and_numbers(name):
    english, other = tables("en").statements, tables(name).statements
    assert set(other) == set(english)
    for key, pattern in english.items():
        assert names(other[key]) == names(pattern), key
        assert precisions(other[key]) == precisions(pattern), key
        assert literal_numbers(other[key]) == literal_numbers(pattern), key


def test_each_finding_that_the_source_makes_has_its_sentences_and_their_values():
    findings, made = tables("en").findings, set()
    for place, key, values in called("Finding.of"):
        keys = [rule for rule in findings if re.fullmatch(key, rule)]
        assert keys, f"{place}: no sentences for {key}"
        made.update(keys)
        for rule in keys:
            assert names(" ".join(findings[rule])) <= values, f"{place}: {rule}"
    assert made == set(findings)


def test_each_statement_that_the_source_makes_has_its_sentence_and_its_values():
    statements, made = tables("en").statements, set()
    for place, key, values in called("Statement.of", "Statement"):
        keys = [name for name in statements if re.fullmatch(key, name)]
        assert keys, f"{place}: no sentence for {key}"
        made.update(keys)
        for name in keys:
            # What a helper passes on is checked where it is called: by the tests of that room.
            assert None in values or names(statements[name]) <= values, f"{place}: {name}"
    assert made == set(statements)


def test_a_pattern_puts_numbers_into_grammar():
    def written(pattern, **values):
        return filled(pattern, values, "{number:byte}", lambda value: value)

    assert [written("{n:byte} {n:was|were} lost", n=n) for n in (1, 2000)] == [
        "1 byte was lost",
        "2,000 bytes were lost",
    ]
    assert [written("{n:once|# times}", n=n) for n in (1, 1234)] == ["once", "1,234 times"]
    assert [written("{n:kB}", n=n) for n in (1, 999, 1234, 5_600_000)] == [
        "1 byte",
        "999 bytes",
        "1.2 kB",
        "5.6 MB",
    ]
    assert written("{parts:, } by {who:capital} {{}}", parts=("a", 1), who="ann") == "a, 1 by Ann {}"
    assert written("{x:.1f} {x!r} {n:,d} {n:x}", x=1.25, n=4096) == "1.2 1.25 4,096 1000"


def test_a_capture_tells_its_status_in_the_language():
    with gdlab.listen("udp://127.0.0.1:0", restart=True) as capture:
        assert str(capture.status).startswith("listening on udp://")
        language("zh")
        assert str(capture.status).startswith("正在监听 udp://")
        assert "host=" in str(capture.status)


def test_what_the_source_writes_has_a_sentence_and_all_its_values():
    sentences = tables("en").sentences
    missing = []
    for place, attribute, cases, values, complete in written():
        reason = Reason[attribute]
        for case in cases:
            key = f"{reason}/{case}" if case else str(reason)
            pattern = sentences.get(key)
            if pattern is None:
                missing.append(f"{place}: no sentence for {key}")
            elif complete and isinstance(pattern, str) and names(pattern) - OWN - ADDED - values:
                missing.append(f"{place}: {key} wants {names(pattern) - OWN - values}")
    assert missing == []


def test_what_the_other_side_wrote_is_shown_as_it_is_and_never_as_a_pattern():
    fact = Fact(Reason.PEER_CLOSED, PEER, 4001, said="{0} {count} %s \x1b[1m", case="code")
    assert sentence(fact) == "closed by the peer: 4001 {0} {count} %s \\x1b[1m"


def test_the_language_can_be_changed_and_a_wrong_one_is_refused():
    fact = Fact(Reason.STOPPED)
    assert sentence(fact) == "closed here: stopped"
    assert language("zh") == "zh"
    assert sentence(fact) == "本端关闭了连接：捕获已停止"  # noqa: RUF001
    assert sentence(fact, "en") == "closed here: stopped"
    with pytest.raises(ValueError, match="there are en, zh"):
        language("tlh")
