"""Questions over the Model Context Protocol: answered from the tools' replies alone, bounded, and read-only."""

import asyncio
import functools
import json
import sys

import pytest

import gdlab as gd
from gdlab import asking
from gdlab.cli.mcp import server_for
from gdlab.variant import Vector2, dumps
from tests.some import some

SAMPLES = list(gd.sample().index)


@functools.cache
def of_the_samples():
    """The server where there is no folder and no capture; to make one takes longer than most questions."""
    return server_for(asking.Captures(), None)


def ask(tool, *, known=None, live=None, **arguments):
    """What a client gets that calls one tool."""
    from mcp.client import Client

    async def call():
        server = (
            of_the_samples()
            if known is None and live is None
            else server_for(known or asking.Captures(), live)
        )
        async with Client(server) as client:
            result = await client.call_tool(tool, arguments)
            return result.content[0].text

    text = asyncio.run(call())
    assert len(text.encode()) <= asking.MOST_BYTES
    return json.loads(text)


@pytest.mark.parametrize("name", some(SAMPLES, every=6))
def test_the_findings_of_a_sample_are_those_of_the_library(name):
    answer = ask("findings", capture=f"sample:{name}")
    expected = gd.sample(name).findings()
    told = [(row["rule"], row["certainty"], row["what"], row["next_step"]) for row in answer["rows"]]
    wanted = expected[["rule", "certainty", "what", "next_step"]].itertuples(index=False, name=None)
    assert told == [(r, round(c, 6), w[:600], n[:600]) for r, c, w, n in wanted]


def test_questions_are_answered_from_the_replies_alone():
    players = ask("statistics", capture="sample:three-players")["rows"]
    table = gd.sample("three-players").df.query("event == 'message'")
    assert {row["peer"]: row["messages_in"] for row in players} == table.groupby(
        "peer", observed=True
    ).size().to_dict()
    ends = ask("messages", capture="sample:ws-endings", where="event == 'close'")["rows"]
    assert len(ends) == 4
    weak = ask("messages", capture="sample:three-players", where="v.id == 2", count=3)
    assert [row["v.id"] for row in weak["rows"]] == [2, 2, 2]
    assert weak["rows_in_all"] == 152
    early = ask("messages", capture="sample:udp-lossy-path", until_s=0.1, count=500)
    seconds = gd.sample("udp-lossy-path").df.time
    assert early["rows_in_all"] == int(((seconds - seconds.min()).dt.total_seconds() <= 0.1).sum())
    part = ask("explain", capture="sample:three-players", row=weak["rows"][0]["row"])
    assert any("Dictionary" in line for line in part["rows"])
    value = {"id": 7, "pos": Vector2(1, 2)}
    assert ask("sizes", value='{"id": 7, "pos": Vector2(1, 2)}')["variant_bytes"] == len(dumps(value))
    assert any("ENet" in line for line in ask("sizes", value="[7]", as_rpc="unreliable")["rows"])
    script = ask("gdscript", address="udp://127.0.0.1:4242")["rows"]
    assert any("4242" in line for line in script)
    assert {row["capture"] for row in ask("captures")["rows"]} == {f"sample:{name}" for name in SAMPLES}


@pytest.mark.parametrize(
    ("tool", "arguments", "part"),
    [
        ("findings", {"capture": "../../etc/passwd"}, "no capture is called"),
        ("findings", {"capture": "/etc/passwd"}, "no capture is called"),
        ("messages", {"capture": "sample:udp-60fps", "where": "v."}, "error"),
        ("explain", {"capture": "sample:udp-60fps", "row": 10**9}, "has no row"),
        ("sizes", {"value": "Vector2(1"}, "expected a comma"),
        ("gdscript", {"address": "http://x"}, "error"),
    ],
)
def test_a_bad_question_gets_an_answer_that_helps(tool, arguments, part):
    assert part in json.dumps(ask(tool, **arguments))


def test_a_long_answer_is_cut_and_counted():
    answer = ask("messages", capture="sample:udp-60fps", count=500)
    assert answer["left_out"] + len(answer["rows"]) == 500
    assert answer["rows_in_all"] == len(gd.sample("udp-60fps"))


def test_only_captured_files_of_the_folder_are_read(tmp_path):
    gd.sample("ws-endings").to_csv(tmp_path / "run.csv")
    (tmp_path / "secret.txt").write_text("no")
    known = asking.Captures(tmp_path)
    assert known.names()[:1] == ["run.csv"]
    assert "secret.txt" not in known.names()
    before = sorted(tmp_path.iterdir())
    assert ask("statistics", known=known, capture="run.csv")["rows"]
    assert sorted(tmp_path.iterdir()) == before


def test_it_sends_only_where_a_capture_runs():
    from mcp.client import Client

    async def tools(live):
        async with Client(server_for(asking.Captures(None, live), live)) as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    readers = {"captures", "statistics", "findings", "messages", "explain", "sizes", "gdscript"}
    assert asyncio.run(tools(None)) == readers
    with gd.listen("udp://127.0.0.1:0") as cap, gd.connect(cap.addresses[0]) as game:
        assert asyncio.run(tools(cap)) == {*readers, "send"}
        game.send("hello")
        cap.wait_sync(1)
        known = asking.Captures(None, cap)
        assert ask("messages", known=known, live=cap, capture="live")["rows"][0]["payload"] == "hello"
        assert ask("send", known=known, live=cap, text="well done") == {"sent_to_peers": 1}
        game.wait_sync(1)
        assert "well done" in [bytes(each).decode() for each in game.df.payload]


@pytest.mark.slow
def test_the_command_answers_over_standard_input_and_output(tmp_path):
    from mcp.client import Client
    from mcp.client.stdio import StdioServerParameters

    async def call():
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "gdlab.cli", "mcp", str(tmp_path)]
        )
        async with Client(command) as client:
            return (await client.call_tool("captures", {})).content[0].text

    assert "sample:udp-60fps" in asyncio.run(call())
