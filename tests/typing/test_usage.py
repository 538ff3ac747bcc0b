"""Types at the door: what users call has types, not `Any`."""

from __future__ import annotations

import inspect
import re

import pytest

import gdlab as gd
from gdlab import analysis
from gdlab.capture.plot_namespace import Plots

#: Values that a user sends may be of any type.
VALUES = {
    ("Capture.send", "value"),
    # What has a method `rpc_methods()`, such as a watch, names methods too.
    ("Capture.multiplayer", "names"),
    ("Recording.multiplayer", "names"),
}


def functions(owner, name):
    for each in dir(owner):
        member = inspect.getattr_static(owner, each)
        member = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if not each.startswith("_") and inspect.isfunction(member):
            yield f"{name}.{each}", member


DOOR = [
    *(item for owner in (gd.Capture, gd.Recording, Plots) for item in functions(owner, owner.__name__)),
    *(
        (name, getattr(gd, name))
        for name in ("listen", "connect", "load", "stop_all", "dashboard", "sample", "doctor")
    ),
    *(
        (f"analysis.{n}", getattr(analysis, n))
        for n in analysis.__all__
        if inspect.isfunction(getattr(analysis, n))
    ),
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
        if re.search(r"\bAny\b", str(annotation)) and (name, argument) not in VALUES
    }
    assert not loose
    assert signature.return_annotation is not inspect.Signature.empty
