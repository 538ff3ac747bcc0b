"""Rows are matched with a filter by whole columns where those say as much as the values do."""

import json
import random

import pandas as pd
import pytest

from gdlab.codecs import chosen, decode
from gdlab.live.expression import Expression
from gdlab.live.judgement import Judgement
from gdlab.live.rows import last_rows
from gdlab.live.selecting import select
from gdlab.store import Store, table
from gdlab.variant import Vector2, dumps
from gdlab.widgets.message_text import clock_text, matching
from tests.some import some

NS = 1_767_225_600_000_000_000
FILTERS = [
    "v.seq % 3 == 0",
    "v.pos.x > 40",
    'v.name.startswith("A")',
    'v["a b"] == 1 and v.seq < 150',
    "v.maybe is None",
    "v.maybe != 3",
    "v.items[1] == 2",
    "len(v.items) > 1",
    "v.pos == None",
    "v",
    'codec == "auto:json"',
    "v.absent == 1 or size_bytes > 30",
]


def message(number, chance):
    if chance.random() < 0.05:
        return chance.choice([3, "text", None, [1, 2], {"seq": {"of": 4}}, {"pos": 7, "maybe": {"x": 1}}])
    value = {
        "seq": number,
        "name": chance.choice(["Ada", "Bo"]),
        "a b": number % 2,
        "items": [number, 2][: number % 3],
    }
    return {**value, "maybe": 3} if number % 4 else value


def filled(payloads):
    store = Store("udp://127.0.0.1:1")
    for number, payload in enumerate(payloads):
        store.append(NS + number, store.peer_code("p"), payload)
    return store


def judged(store):
    judgement = Judgement(chosen("auto"))
    judgement.follow([store.snapshot()])
    return judgement, last_rows(store.snapshot(), 1000)


@pytest.mark.parametrize("text", some(FILTERS, every=3))
@pytest.mark.parametrize("dumped", ["json", "variant", "uniform"])
def test_a_row_matches_as_its_value_alone_would(text, dumped):
    chance = random.Random(text + dumped)
    values = [message(number, chance) for number in range(300)]
    if dumped == "json":
        payloads = [json.dumps(value).encode() for value in values]
    elif dumped == "variant":
        payloads = [dumps(value) for value in values]
    else:
        payloads = [dumps({"seq": n, "pos": Vector2(n, -n), "name": "Ada", "maybe": 3}) for n in range(300)]
    store = filled(payloads)
    judgement, rows = judged(store)
    wanted = Expression.parse(text)
    alone = judgement.decode(rows)
    expected = [
        wanted(
            {
                "size_bytes": row.size_bytes,
                "codec": str(alone.names[place] or ""),
                "v": None if alone.errors[place] else alone.objects[place],
            }
        )
        for place, row in enumerate(rows)
    ]
    assert matching(judgement, rows, wanted)[0] == expected
    decoded = decode(table.build([store.snapshot()]))
    assert select(decoded, text).index.tolist() == [place for place, hit in enumerate(expected) if hit]


def test_no_object_is_made_for_a_filter_of_plain_fields(monkeypatch):
    store = filled([dumps({"seq": n, "pos": Vector2(n, -n)}) for n in range(300)])
    judgement, rows = judged(store)
    made = []
    monkeypatch.setattr(
        Judgement, "decode", lambda self, rows, old=Judgement.decode: made.extend(rows) or old(self, rows)
    )
    found, has_value = matching(judgement, rows, Expression.parse("v.pos.x >= 250 and v.seq % 2 == 0"))
    assert (sum(found), has_value) == (25, True)
    assert len(made) < 20  # those by which the layout was learnt
    found, has_value = matching(judgement, rows, Expression.parse("v.nothing == 1"))
    assert (sum(found), has_value) == (0, True)


def test_times_are_there_for_a_filter_that_asks_for_them():
    judgement, rows = judged(filled([b"x"]))
    at = clock_text(NS)
    assert matching(judgement, rows, Expression.parse(f'time == "{at}"'))[0] == [True]
    assert pd.Timestamp(NS).strftime("%H:%M:%S.000") == at
