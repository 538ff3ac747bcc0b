"""Each rule fires on one table and stays silent on its innocent sibling."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest

from gdlab import analysis
from gdlab.analysis.rules import RULES, Evidence, loss, sample_quality, watched
from gdlab.facts import PEER, SYSTEM, US, Fact, Reason
from gdlab.files import write_csv
from tests.framing.test_signatures import ENET
from tests.languages import same_in_every_language
from tests.plots.cases import CASES, probed, stream
from tests.some import some
from tests.traffic import merged, ping, pings, table

S = 1_000_000_000
MS = 1_000_000
TCP, WS = "tcp://127.0.0.1:50007", "ws://127.0.0.1:5000"


def exponential(n=400, endpoint="udp://127.0.0.1:4242", extra=None):
    """Answers of a peer that no frame delays."""
    rng = np.random.default_rng(0)
    rtt = rng.exponential(3 * MS, n)
    if extra is not None:
        slow = rng.random(n) < 0.4
        rtt[slow] = extra * MS + rng.normal(0, MS, slow.sum())
    return pings(np.sort(rng.integers(0, 20 * S, n)), np.abs(rtt), endpoint=endpoint)


def bursts(answered_together):
    """Pairs of pings, the second at once after the first."""
    first = np.arange(40) * S // 4
    rng = np.random.default_rng(0)
    rtt = np.full(80, 5 * MS) + rng.integers(0, MS, 80)
    rtt[1::2] = np.where(np.arange(40) < answered_together, rtt[1::2], -1)
    probes = pings(np.column_stack([first, first + MS]).ravel(), rtt)
    return merged(probes, table([20 * S], b"end"))


def paused():
    """Probes of which none were sent for two seconds in the middle."""
    sent = np.arange(100) * 50 * MS
    sent[50:] += 2 * S
    return pings(sent, np.full(100, MS))


def mute(n, answered=0, *, peer="127.0.0.1:2"):
    """Pings, of which the first few are answered, and time enough to give the others up."""
    rtt = np.where(np.arange(n) < answered, 5 * MS + np.arange(n) * 1000, -1)
    return merged(pings(np.arange(n) * 50 * MS, rtt, peer=peer), table([60 * S], b"end", peer=peer))


def queued(per_second, *, reads_per_second=60, read_all=False, seconds=30, stall_s=0.0):
    """Pings among other messages to a game that takes one message per frame, or all that wait; it answers each."""
    rng = np.random.default_rng(1)
    sent = np.sort(rng.integers(0, seconds * S, per_second * seconds))
    is_ping = np.arange(len(sent)) % 10 == 0
    frame = S // reads_per_second
    answered, at = [], 0
    for when in sent.tolist():
        # The next frame after its arrival, and after the frame of the message before it.
        number = -(-(when + MS // 5) // frame)
        if number * frame < stall_s * S:
            number = int(stall_s * S) // frame
        at = max(number, at if read_all else at + 1)
        answered.append(at * frame)
    took = np.asarray(answered) - sent
    others = table(sent[~is_ping], b"state", direction="out")
    echoes = table(np.asarray(answered)[~is_ping], b"state")
    return merged(pings(sent[is_ping], took[is_ping]), others, echoes)


def let_go(*, reads_all=False, lost=0.0):
    """100 messages and 20 pings per second to a server that answers the first of each frame and drops the others."""
    rng = np.random.default_rng(2)
    said = np.arange(2000) * 10 * MS + rng.integers(0, MS, 2000)
    asked = np.sort(rng.integers(0, 20 * S, 400))
    times = np.concatenate([said, asked])
    frame = -(-times // (S // 60))
    by_time = np.argsort(times)
    first = np.zeros(len(times), bool)
    first[by_time[np.unique(frame[by_time], return_index=True)[1]]] = True
    kept = (first | reads_all) & (rng.random(len(times)) >= lost)
    took = np.where(kept, frame * (S // 60) - times + MS // 10, -1)[2000:]
    return merged(
        pings(asked, took), table(said, b"state", direction="out"), table([60 * S], b"end", direction="in")
    )


def closes(code, *, by=PEER, said="bye"):
    reason, case = (Reason.PEER_CLOSED, "code") if by == PEER else (Reason.WE_CLOSED, "code")
    fact = Fact(reason, by, code, said=said, case=case).also(
        cause=Fact(Reason.MALFORMED, said=said, case="ws")
    )
    return table([0, S], [b"hi", b""], endpoint=WS, event=["message", "close"], fact=[None, fact])


def numbers(values):
    return table(np.arange(len(values)) * MS, [ping(v, 10**9 + v * 1001) for v in values])


def troubled(reason, case=""):
    cause = Fact(Reason.PEER_CLOSED)
    fact = Fact(reason, US, said="it", case=case).also(
        cause=cause, address="udp://127.0.0.1:1", spoken="json"
    )
    return table([0], b"rest", endpoint=WS, event="error", fact=fact)


def left(*, message=False, by=PEER):
    closing = Fact(Reason.PEER_CLOSED if by == PEER else Reason.STOPPED, by)
    said = [table([S], b"hi", endpoint=TCP)] if message else []
    return merged(OPENED, *said, table([2 * S], b"", endpoint=TCP, event="close", fact=closing))


OPENED = table([0], b"", endpoint=TCP, event="open")
OPENED_BY_US = Fact.of(Reason.OPENED, by=US)
GAP = merged(
    stream(50), table([S], b"", event="gap", peer="", fact=Fact.of(Reason.PAUSED, by=US, seconds=3.0))
)
DROPPED = merged(
    stream(50),
    table([S], b"", event="gap", peer="", fact=Fact.of(Reason.KERNEL_DROP, by=SYSTEM, count=37, buffer=1000)),
)
OTHER = table([9 * S], endpoint=TCP, peer="other")
JSON = [b'{"a": 1}', b'{"b": [2]}']


@functools.cache
def talking():
    """A table on which no rule fires; the sibling of many."""
    return stream(50)


@functools.cache
def unsent():
    return troubled(Reason.UNSENT)


#: Of each rule, functions that make a table on which it fires and a sibling on which it does not. They are called
#: when a test asks, as each process that only collects the tests would make all of them otherwise.
FIRES_AND_NOT = {
    "nothing-arrived": [lambda: (table(), talking()), lambda: (table([0], b"x", direction="out"), OPENED)],
    "connected-and-silent": [
        lambda: (
            merged(OPENED, OTHER),
            merged(OPENED, table([S], endpoint=TCP, peer="other")),
        ),
        lambda: (
            merged(OPENED, OTHER),
            merged(OPENED, table([S], endpoint=TCP), OTHER),
        ),
        lambda: (merged(left(by=US), OTHER), merged(left(), OTHER)),
    ],
    "bytes-waiting": [
        lambda: (troubled(Reason.INCOMPLETE, "line"), talking()),
        lambda: (troubled(Reason.INCOMPLETE, "line"), unsent()),
    ],
    "left": [lambda: (left(), left(message=True)), lambda: (left(), left(by=US))],
    **{
        rule: [
            lambda reason=reason: (troubled(reason), talking()),
            lambda reason=reason: (troubled(reason), unsent()),
        ]
        for rule, reason in {
            "refused-visitors": Reason.REFUSED_HANDSHAKE,
            "nobody-there": Reason.NOBODY_LISTENS,
            "refused-datagrams": Reason.UNREACHABLE,
            "sub-protocol": Reason.SUBPROTOCOL,
            "encrypted": Reason.ENCRYPTED,
        }.items()
    },
    "own-buffer": [lambda: (DROPPED, GAP)],
    "gap": [lambda: (GAP, DROPPED)],
    "frame-rate": [lambda: (probed(), exponential()), lambda: (probed(fps=30), stream(600, hz=50))],
    "nagle": [
        lambda: (exponential(endpoint=TCP, extra=41), exponential(endpoint=TCP)),
        lambda: (exponential(endpoint=TCP, extra=205), exponential(endpoint="udp://127.0.0.1:1", extra=205)),
    ],
    "missing-numbers": [lambda: (numbers([0, 1, 3, 4]), numbers([0, 1, 3, 2]))],
    "one-a-frame": [
        lambda: (bursts(0), bursts(40)),
        lambda: (bursts(10), bursts(35)),
        lambda: (let_go(), let_go(reads_all=True, lost=0.4)),
    ],
    "leaping-numbers": [
        lambda: (numbers([*range(5), *range(11_005, 11_010)]), numbers([*range(5), *range(6, 10)]))
    ],
    "glued-or-split": [
        lambda: (
            table([0, S], [JSON[0] + JSON[1], JSON[0]], endpoint=TCP),
            table([0, S], JSON, endpoint=TCP),
        ),
        lambda: (
            table([0, S, 2 * S], [JSON[0], JSON[1][:5], JSON[1][5:]], endpoint=TCP),
            table([0, S], [b'{"text": "}{ ][ {"}', b'[{"a": 1}, {"b": 2}]'], endpoint=TCP),
        ),
        lambda: (
            table([0, S], [JSON[0] * 3, JSON[0]], endpoint=TCP),
            table([0], JSON[0] * 3),
        ),
    ],
    "over-websocket-buffer": [
        lambda: (
            merged(table([0], b"x" * 65_536, endpoint=WS, direction="out"), table([1], endpoint=WS)),
            merged(table([0], b"x" * 65_535, endpoint=WS, direction="out"), table([1], endpoint=WS)),
        )
    ],
    "over-mtu": [
        lambda: (table([0], b"x" * 1473), table([0], b"x" * 1472)),
        lambda: (table([0], b"x" * 9000), table([0], b"x" * 9000, endpoint=TCP)),
    ],
    "over-enet-mtu": [
        lambda: (table([0], b"x" * 1393), table([0], b"x" * 1392)),
        lambda: (table([0], b"x" * 1472), table([0], b"x" * 1473)),
    ],
    "large-integers": [
        lambda: (
            table([0], b'{"id": 9007199254740993}'),
            table([0], b'{"id": 9007199254740992, "t": 17000000000}'),
        ),
        lambda: (
            table([0], b"[-9007199254740993]"),
            table([0], b'{"id": "9007199254740993", "f": 9.1}'),
        ),
    ],
    "lost-characters": [
        lambda: (
            merged(table([0], "Zürich".encode(), direction="out"), table([1], b"Z rich")),
            merged(table([0], "Zürich".encode(), direction="out"), table([1], "Zürich".encode())),
        ),
        lambda: (
            merged(table([0], "Zürich".encode(), direction="out"), table([1], b"Z rich")),
            merged(table([0], b"Z rich", direction="out"), table([1], b"Z rich")),
        ),
    ],
    "close-1009": [
        lambda: (closes(1009), closes(1000)),
        lambda: (closes(1009), closes(1009, by=US)),
        lambda: (closes(1009), closes(4001, said="match 1009 is over")),
    ],
    "close-1011": [lambda: (closes(1011), closes(1001))],
    "close-1006": [lambda: (closes(1006), closes(4321))],
    "own-close-1009": [
        lambda: (closes(1009, by=US), closes(1009)),
        lambda: (closes(1009, by=US), closes(1001, by=US)),
    ],
    "own-close-1002": [lambda: (closes(1002, by=US), closes(1002))],
    "foreign-clock": [lambda: (numbers(range(5)), exponential())],
    "coarse-clock": [
        lambda: (table(np.arange(30) * MS, [ping(i, i * 1000) for i in range(30)]), numbers(range(30))),
    ],
    "paused-sender": [lambda: (paused(), exponential(400)), lambda: (paused(), probed(400, fps=30))],
    "few-samples": [
        lambda: (exponential(400), exponential(1200)),
        lambda: (exponential(10), talking()),
        lambda: (mute(1200, 30), mute(1200)),
    ],
    "overload": [
        lambda: (queued(100), queued(100, read_all=True)),
        lambda: (queued(100), queued(40)),
        lambda: (queued(100), queued(40, read_all=True, seconds=10, stall_s=4)),
    ],
    "enet-unanswered": [
        lambda: (table([0, S], ENET), table([0], ENET)),  # the first may still be answered
        lambda: (table([0, S], ENET), table([0, S, 2 * S], [ENET, ENET, b"\0" * 12])),  # it went on
    ],
    "unanswered-pings": [
        lambda: (mute(20), mute(20, 1)),
        lambda: (mute(5), pings(np.arange(20) * MS, np.full(20, -1))),  # these may still be answered
        lambda: (merged(mute(20), exponential()), merged(mute(4), exponential())),
    ],
}


class Judged:
    """The tables of `FIRES_AND_NOT`, each made once, and what is found in each, asked once."""

    def __init__(self):
        self._tables, self._found = {}, {}

    def tables(self, rule, number=0):
        if (rule, number) not in self._tables:
            self._tables[rule, number] = FIRES_AND_NOT[rule][number]()
        return self._tables[rule, number]

    def guilty(self, rule, number=0):
        return self._of(self.tables(rule, number)[0])

    def innocent(self, rule, number=0):
        return self._of(self.tables(rule, number)[1])

    def _of(self, t):
        if id(t) not in self._found:
            self._found[id(t)] = t, analysis.findings(t)  # with the table: no other one may get its identity
        return self._found[id(t)][1]


@pytest.fixture(scope="module")
def judged():
    """Of one process, as its tests then are: see `tests/groups.py`."""
    return Judged()


def rules(t, *args):
    return analysis.findings(t, *args)["rule"].tolist()


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        pytest.param(rule, number, marks=[pytest.mark.slow] if number else [])
        for rule, pairs in FIRES_AND_NOT.items()
        for number in range(len(pairs))
    ],
)
def test_a_rule_fires_where_it_should_and_is_silent_where_it_should(rule, number, judged):
    assert rule in judged.guilty(rule, number)["rule"].tolist()
    assert rule not in judged.innocent(rule, number)["rule"].tolist()


@pytest.mark.parametrize("rule", FIRES_AND_NOT)
def test_a_finding_is_whole_sentences_with_numbers(rule, judged):
    found = judged.guilty(rule)
    finding = found[found["rule"] == rule].iloc[0]
    for part in ("what", "next_step", "lesson"):
        assert finding[part].endswith(".")
        assert finding[part][0].isupper() or finding[part][0].isdigit() or part == "what"
    assert any(c.isdigit() for c in finding["evidence"])
    assert 0 < finding["certainty"] <= 1
    assert len(finding["rows"]) <= 20


@pytest.mark.parametrize("rule", FIRES_AND_NOT)
def test_a_finding_has_the_same_numbers_in_every_language(rule, judged):
    same_in_every_language(lambda: analysis.findings(judged.tables(rule)[0]), english=judged.guilty(rule))


def test_the_rows_named_are_those_meant():
    found = analysis.findings(table([0, S, 2 * S], [b"x", b"y" * 2000, b"z"])).set_index("rule")
    assert found.loc["over-mtu", "rows"] == (1,)


def test_pings_that_nothing_answers_are_no_samples_and_the_way_out_is_named():
    found = analysis.findings(mute(300)).set_index("rule")
    assert found.index.tolist() == ["unanswered-pings"]
    assert found.loc["unanswered-pings", "what"].startswith("Nothing answers the pings")
    assert 'cap.gdscript("echo")' in found.loc["unanswered-pings", "next_step"]
    assert len(found.loc["unanswered-pings", "rows"]) == 20
    told = analysis.findings(merged(mute(20), exponential())).set_index("rule").loc["unanswered-pings"]
    assert told["what"] == "1 peer of 2 answered no ping: 127.0.0.1:2."
    assert told["evidence"].startswith("20 pings sent to 1 peer, 0 answered")
    few = analysis.findings(mute(1200, 30)).set_index("rule").loc["few-samples"]
    assert few["what"].startswith("30 round trips are few")


def test_an_overload_is_told_with_the_numbers_of_both_ways():
    found = analysis.findings(queued(100)).set_index("rule").loc["overload"]
    assert "while peer.get_available_packet_count() > 0" in found["next_step"]
    # 30 s of 100 messages per second, read at 60 per second: the last waits for 1,200 others, 20 s.
    assert float(found["what"].split("climbed to ")[1].split(" s")[0]) == pytest.approx(18, abs=2)
    assert "n=300" in found["evidence"]


@pytest.mark.slow
def test_every_rule_has_its_fixtures(judged):
    # By module and function name of the generators that were asked and answered.
    answered = set()
    for name, pairs in FIRES_AND_NOT.items():
        for number in range(len(pairs)):
            evidence = Evidence(judged.tables(name, number)[0])
            answered |= {rule for rule in RULES if rule not in answered and any(rule(evidence))}
    # Those of several places, of cut files and of watched games have tests of their own: they need more than a table.
    others = {loss.located, sample_quality.cut_off} | {
        rule for rule in RULES if rule.__module__ == watched.__name__
    }
    assert answered == set(RULES) - others


def test_the_most_certain_comes_first():
    found = analysis.findings(merged(DROPPED, table([9 * S], b"x" * 1400)))
    assert found["certainty"].is_monotonic_decreasing
    assert len(found) >= 2


@pytest.mark.parametrize(
    ("statistics", "where"),
    [
        (None, "no telling which"),
        ({"kernel_drops": 0}, "whose socket dropped none"),
        ({"kernel_drops": 5}, "own receive buffer"),
    ],
)
def test_loss_is_located_as_far_as_the_counters_allow(statistics, where):
    found = analysis.findings(numbers([0, 1, 3, 4]), statistics).set_index("rule")
    assert where in found.loc["missing-numbers", "what"]


def test_silence_behind_a_relay_is_the_clients_and_of_a_server_that_we_asked_its_own():
    """A relay connects onward for each client; `gdlab.connect` to a server that may be meant to be silent."""
    onward = table([0], b"", endpoint="tcp://127.0.0.1:999", peer="server", event="open", fact=OPENED_BY_US)
    found = analysis.findings(merged(OPENED, onward, OTHER)).set_index("rule")
    assert "1 of 2 peers connected" in found.loc["connected-and-silent", "what"]
    assert "server" not in found.loc["connected-and-silent", "what"]
    talking = merged(OPENED, table([S], endpoint=TCP), onward, OTHER)
    assert "connected-and-silent" not in rules(talking)
    waiting = merged(
        onward, table([9 * S], b"x", endpoint="tcp://127.0.0.1:999", peer="server", direction="out")
    )
    found = analysis.findings(waiting).set_index("rule")
    assert found.loc["connected-and-silent", "what"] == (
        "server took our connection, and nothing came from there."
    )
    assert found.loc["connected-and-silent", "evidence"].endswith("0 messages in, 1 out")


def test_counters_may_be_attributes():
    class Statistics:
        kernel_drops = 3

    assert "own-buffer" in rules(stream(50), Statistics())


def test_a_quiet_healthy_capture_has_no_findings():
    assert rules(stream(600)) == []
    assert rules(exponential(1200)) == []


@pytest.mark.parametrize("case", CASES)
def test_any_table_can_be_asked(case):
    found = analysis.findings(CASES[case])
    assert found.columns.tolist() == ["rule", "certainty", "what", "evidence", "next_step", "lesson", "rows"]


def test_hostile_payloads_raise_nothing():
    rng = np.random.default_rng(0)
    payloads = [rng.bytes(int(n)) for n in rng.integers(0, 300, 500)]
    payloads += [b"{" * 60_000, b'{"' + b"\\" * 999, b"[" + b"9" * 60_000, b"{" + b'"' * 5001, b"}{" * 30_000]
    for endpoint in (TCP, WS, "udp://[::1]:1", "nonsense", ""):
        analysis.findings(table(np.arange(len(payloads)) * MS, payloads, endpoint=endpoint))


@pytest.mark.parametrize("options", [{}, {"parse_dates": ["time"]}, {"dtype": str, "keep_default_na": False}])
@pytest.mark.parametrize(
    "case",
    some(["gap", "missing-numbers", "over-mtu", "large-integers", "close-1009", "own-buffer"], every=3),
)
def test_a_table_read_by_pandas_shows_what_the_capture_shows(case, options, tmp_path, judged):
    guilty = judged.tables(case)[0]
    read = pd.read_csv(write_csv(guilty, tmp_path / "run.csv"), **options)
    pd.testing.assert_frame_equal(pd.DataFrame(analysis.findings(read)), pd.DataFrame(judged.guilty(case)))
    pd.testing.assert_frame_equal(
        analysis.sequence(read), analysis.sequence(guilty), check_dtype=False, check_categorical=False
    )


def test_another_capture_without_its_part_is_refused_and_not_passed_over():
    with pytest.raises(TypeError, match="sender=other"):
        analysis.findings(mute(20), mute(20))
