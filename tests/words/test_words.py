"""Every fact that can be written has its sentence, in every language."""

import ast
import string
from pathlib import Path

import pytest

import gdlab
from gdlab.facts import PEER, Fact, Reason
from gdlab.words import counted_as, language, sentence
from gdlab.words.sentences import LANGUAGES

SOURCE = Path(gdlab.__file__).parent
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
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            reason = node.args[0] if node.args else given.get("reason")
            if name not in {"Fact", "Fact.of"} or not ast.unparse(reason or node).startswith("Reason."):
                continue
            case = given.get("case", ast.Constant(""))
            cases = [part.value for part in ast.walk(case) if isinstance(part, ast.Constant)]
            known = isinstance(case, ast.Constant | ast.IfExp)
            values = set(given) - {"reason", "by", "case", "more", *OWN}
            complete = name == "Fact.of"
            yield f"{path.name}:{node.lineno}", reason.attr, cases if known else [], values, complete


WRITTEN = list(written())


def names(pattern):
    return {name.partition("!")[0] for _, name, _, _ in string.Formatter().parse(pattern) if name}


def test_facts_are_found_in_the_source():
    assert len(WRITTEN) > 40


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_reason_has_a_sentence_and_a_name_for_counting(name):
    known = {key.partition("/")[0] for key in LANGUAGES[name].sentences}
    assert known == set(Reason) == set(LANGUAGES[name].counted)
    language(name)
    assert all(counted_as(reason) for reason in Reason)


@pytest.mark.parametrize("name", LANGUAGES)
def test_all_languages_have_the_same_sentences_with_the_same_values(name):
    english, other = LANGUAGES["en"].sentences, LANGUAGES[name].sentences
    assert set(other) == set(english)
    for key, pattern in english.items():
        assert callable(other[key]) == callable(pattern), key
        if isinstance(pattern, str):
            assert names(other[key]) == names(pattern), key


@pytest.mark.parametrize("name", LANGUAGES)
def test_all_languages_have_the_same_phrases(name):
    english, other = LANGUAGES["en"].phrases, LANGUAGES[name].phrases
    assert {key: names(text) for key, text in other.items()} == {
        key: names(text) for key, text in english.items()
    }


def test_a_capture_tells_its_status_in_the_language():
    with gdlab.listen("udp://127.0.0.1:0", restart=True) as capture:
        assert str(capture.status).startswith("listening on udp://")
        language("zh")
        assert str(capture.status).startswith("正在监听 udp://")
        assert "host=" in str(capture.status)


def test_what_the_source_writes_has_a_sentence_and_all_its_values():
    sentences = LANGUAGES["en"].sentences
    missing = []
    for place, attribute, cases, values, complete in WRITTEN:
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
