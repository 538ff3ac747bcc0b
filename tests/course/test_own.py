"""A student's own lab: the same for the same name, another one for another; solved by what the lessons teach."""

import json

import pytest

import gdlab as gd
from gdlab import analysis
from gdlab.course.own_tasks import BUFFERS, MAKERS
from gdlab.course.verdicts import Mark
from gdlab.variant import dumps
from tests.languages import chinese, in_chinese
from tests.some import some

NAMES = ["Ada", "Bob", "Grace", 7]


def solve(own, lesson):
    """What a student finds with what the lesson has shown."""
    given = own.given(lesson)
    if lesson == "01":
        return given.df[given.df.payload == b"The answer is... 42!"].wire_bytes.sum()
    if lesson == "02":
        return given.round_trips().rtt_ms.median()
    if lesson == "03":
        return int((given.reframe("u32be").df.event == "message").sum())
    if lesson == "04":
        return len(dumps(given))
    if lesson == "05":
        return given.df.detail.str.contains("1006").sum()
    if lesson == "06":
        numbers = set(given.decoded()["v.seq"])
        return len(gd.sample("player-60hz")) - len(numbers)
    if lesson == "07":
        who = int(own.asks(lesson).split("player ")[1].split()[0])
        return given.decoded().groupby("v.id").size_bytes.sum()[who]
    if lesson == "08":
        limit = int(own.asks(lesson).split(" ms")[0].split()[-1])
        return (gd.together(given, given.watched).explained.rtt_ms > limit).sum()
    if lesson == "12":
        answers = given.decoded(probes=True).query("`v.probe` == 'pong' and direction == 'in'")
        t1, r, s = (answers[f"v.{name}"].astype("int64") for name in ("t_us", "r_us", "s_us"))
        return (r - t1).min() - (s - answers.time.astype("int64") // 1000).max()
    if lesson == "09":
        hz = int(own.asks(lesson).split(" times")[0].split()[-1])
        peers = int(own.asks(lesson).split(" peers")[0].split()[-1])
        return gd.sizes(given, as_rpc="unreliable").wire_bytes * hz * peers
    tried = analysis.playout(given.client, given.server, seq="v.seq", buffers_ms=BUFFERS)
    return tried.index[tried.late == 0][0]


@pytest.mark.parametrize("name", some(NAMES, every=len(NAMES)))
@pytest.mark.parametrize("lesson", MAKERS)
def test_a_task_is_solved_by_what_its_lesson_teaches(name, lesson):
    own = gd.course.begin(name)
    verdict = own.check(lesson, solve(own, lesson))
    assert verdict, verdict
    assert not own.check(lesson, -1)


@pytest.mark.slow
@pytest.mark.parametrize("lesson", MAKERS)
def test_answers_differ_by_student_and_not_by_run(lesson):
    answers = [float(solve(gd.course.begin(name), lesson)) for name in NAMES]
    assert len(set(answers)) > 1
    assert float(solve(gd.course.begin(" ada "), lesson)) == answers[0]
    assert not gd.course.begin("Ada").check(lesson, answers[1]) or answers[0] == answers[1]


def test_usual_mistakes_are_explained():
    own = gd.course.begin("Ada")
    assert "how many there are" in own.check("01", solve(own, "01") / 48).text
    assert "how often was read" in own.check("03", len(own.given("03"))).text
    assert "one peer" in own.check("09", gd.sizes(own.given("09"), as_rpc="unreliable").wire_bytes).text
    assert "a number" in own.check("06", "many").text
    assert own.check("11", 1).mark is Mark.OPEN
    assert "01, 02" in own.check("11", 1).text
    assert own.check("06").mark is Mark.OPEN


@pytest.mark.slow
def test_the_grade_file_is_read_with_those_of_the_class(tmp_path):
    for name in NAMES[:3]:
        own = gd.course.begin(name)
        for lesson in own.lessons if name != "Bob" else ("01", "04"):
            own.check(lesson, 0)
            own.check(lesson, solve(own, lesson))
        path = own.save(tmp_path / f"{name}.json")
        told = json.loads(path.read_text(encoding="utf-8"))
        assert told["points"] == (len(MAKERS) if name != "Bob" else 2)
        assert told["attempts"] == 2 * told["points"]
    marks = gd.marks(str(tmp_path / "*.json"))
    assert marks.set_index("student").passed.to_dict() == {"Ada": len(MAKERS), "Bob": 2, "Grace": len(MAKERS)}
    assert list(marks.remarks) == ["", "", ""]
    copy = json.loads((tmp_path / "Ada.json").read_text(encoding="utf-8"))
    (tmp_path / "Eve.json").write_text(json.dumps({**copy, "student": "Eve"}), encoding="utf-8")
    assert gd.marks(str(tmp_path / "*.json")).set_index("student").remarks["Eve"]


@pytest.mark.parametrize("lesson", some(MAKERS, every=3))
def test_a_task_speaks_chinese(lesson):
    english = gd.course.begin("Ada")
    answer = solve(english, lesson)
    own = in_chinese(lambda: (own := gd.course.begin("Ada"), own.given(lesson))[0])
    told = in_chinese(lambda: [own.asks(lesson), *(own.check(lesson, each).text for each in (answer, -1))])
    assert all(map(chinese, told)), told
    assert not any(map(chinese, (english.asks(lesson), english.check(lesson, answer).text)))
    assert own.check(lesson, answer)


@pytest.mark.slow
def test_a_list_shows_what_is_done():
    own = gd.course.begin("Ada")
    own.check("04", solve(own, "04"))
    assert "1 of 11 solved" in repr(own)
    assert "done  04" in repr(own)
    assert "&lt;" not in own._repr_html_()
    assert gd.course.begin("<b>")._repr_html_().startswith("<b>&lt;b&gt;</b>")
