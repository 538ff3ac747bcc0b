"""Types at the door: what users call has types, not `Any`."""

from __future__ import annotations

import inspect
import re
from importlib import import_module

import pytest

import gdlab as gd
from gdlab.capture import Recording
from gdlab.capture.plot_namespace import Plots
from gdlab.datasets import Dataset
from gdlab.relays import Relay, Replay
from gdlab.relays.steering import Steered, Way
from gdlab.watching import Together, Watch, WatchedGame

#: Rooms whose functions and classes users call by name.
ROOMS = ("analysis", "course", "impair", "sizes", "variant", "widgets")

#: Values that a user sends or asks for may be of any type; so may what is handed on to another function as it is.
VALUES = {
    ("Capture.send", "value"),
    ("watch", "options"),
    ("Watch.call", "args"),
    ("Watch.set", "value"),
    ("WatchedGame.ask", "data"),
    ("Together.findings", "options"),
    ("Dataset.quantiles", "options"),
}
#: What is given back by those that users call.
GIVEN = {
    each.__name__: each
    for each in (Dataset, Recording, Relay, Replay, Together, Watch, WatchedGame, Steered, Way)
}
#: Of numbers in arrays and columns, which have no name for their kind.
ELEMENTS = re.compile(r"\b(Series|NDArray|dtype|Index)\[Any\]")


def is_ours(owner, name):
    home = next((each for each in owner.__mro__ if name in vars(each)), object)
    return home.__module__.startswith("gdlab")


def functions(owner, name, names=()):
    for each in names or dir(owner):
        getattr(owner, each)  # a measure is made into a method when it is first looked at
        member = inspect.getattr_static(owner, each)
        member = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if (each == "__init__" or not each.startswith("_")) and inspect.isfunction(member):
            yield f"{name}.{each}", member


PUBLIC = {name: getattr(gd, name) for name in gd.__all__}

#: What is decoded is of any type, as with `json.loads`; so are what containers hold and what JSON is read from.
DECODED = re.compile(
    r"variant\.(loads|Decoder\.|Array\.__init__|Dictionary\.|ObjectRecord\.|Columns\.|decode_columns)"
    r"|sizes\.SizeReport\.__init__|impair\.(Copy\.__init__|\w+\.(as|from)_json|Step\.__init__|from_columns)"
    r"|course\.Own\.given"
)
#: What ipywidgets takes beside, which has no types; and what two drawings are compared by, and is never read.
WIDGETS = re.compile(r"widgets\.\w+\.(__init__:(options|children)|state:return)$")


def rooms():
    for where in ROOMS:
        room = import_module(f"gdlab.{where}")
        for name in room.__all__:
            member = getattr(room, name)
            if inspect.isfunction(member):
                yield f"{where}.{name}", member
            elif inspect.isclass(member) and not issubclass(member, Exception):
                yield from functions(
                    member, f"{where}.{name}", [n for n in dir(member) if is_ours(member, n)]
                )


DOOR = [
    *functions(Plots, "Plots"),
    *(
        item
        for name, owner in (PUBLIC | GIVEN).items()
        if inspect.isclass(owner) and not issubclass(owner, Exception)
        for item in functions(owner, name)
    ),
    *((name, function) for name, function in PUBLIC.items() if inspect.isfunction(function)),
    *rooms(),
]


@pytest.mark.parametrize(("name", "function"), DOOR, ids=[name for name, _ in DOOR])
def test_no_argument_and_no_result_is_of_any_type(name, function):
    signature = inspect.signature(function)
    annotated = {p.name: p.annotation for p in list(signature.parameters.values())} | {
        "return": signature.return_annotation
    }
    loose = {
        argument
        for argument, annotation in annotated.items()
        if re.search(r"\bAny\b", ELEMENTS.sub("", str(annotation)))
        and (name, argument) not in VALUES
        and not DECODED.match(name)
        and not WIDGETS.match(f"{name}:{argument}")
    }
    assert not loose
    assert signature.return_annotation is not inspect.Signature.empty


def test_the_door_has_what_users_call():
    names = {name for name, _ in DOOR}
    assert {
        "listen",
        "relay",
        "watch",
        "Capture.rates",
        "Recording.sequence",
        "Link.with_",
        "analysis.rates",
        "course.check",
        "sizes.measure",
        "widgets.Dashboard.add",
    } <= names
    assert len(DOOR) > 500
