"""How far gdlab goes in a Pyodide that reaches no network.

The compiled packages come from Pyodide's own server, so the plain import ends at the first of them. Behind stand-ins
for these, which hold nothing, and with the packages that are Python only, all modules of gdlab must import: what is
left of Python's library there, and its version, are enough. The value of the last line is JSON.
"""

import json
import pkgutil
import sys
import threading
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

#: What Pyodide has compiled, and what is compiled and never there.
COMPILED = ("numpy", "pandas", "matplotlib", "PIL", "pyarrow", "duckdb", "zmq", "psutil")


class Meta(type):
    """Whatever is asked of a stand-in is a stand-in."""

    def __getattr__(cls, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Anything

    def __call__(cls, *arguments, **options):
        return cls if cls is Anything else super().__call__(*arguments, **options)

    def __setitem__(cls, _key, _value):
        """A table that is filled."""

    def __iter__(cls):
        return iter(())

    def __float__(cls):
        return 1.0

    def __int__(cls):
        return 1


class Anything(metaclass=Meta):
    """A class, function or number of a package that is not there."""


OPERATORS = (
    *("or", "ror", "and", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "floordiv"),
    *("rfloordiv", "pow", "rpow", "lshift", "neg", "getitem", "lt", "le", "gt", "ge"),
)
for each in OPERATORS:
    setattr(Meta, f"__{each}__", lambda *_operands: Anything)


class StandIns(MetaPathFinder, Loader):
    def find_spec(self, name, _path=None, _target=None):
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in COMPILED else None

    def create_module(self, spec):
        module = ModuleType(spec.name)
        module.__getattr__ = Meta.__getattr__.__get__(Anything)
        module.__path__, module.__version__ = [], "99.0"
        return module

    def exec_module(self, _module):
        """There is nothing to run."""


try:
    import_module("gdlab")
except ModuleNotFoundError as error:
    ended = error.name

for name in [name for name in sys.modules if name.partition(".")[0] == "gdlab"]:
    del sys.modules[name]
sys.path.append("/packages")
sys.meta_path.insert(0, StandIns())

broken, modules = {}, []
places = find_spec("gdlab").submodule_search_locations
for module in pkgutil.walk_packages(places, "gdlab.", onerror=lambda _name: None):
    if module.name.endswith("__main__"):
        continue
    modules.append(module.name)
    try:
        import_module(module.name)
    except Exception as error:  # noqa: BLE001  # whatever it is, is the question
        broken[module.name] = f"{type(error).__name__}: {error}"

try:
    threading.Thread(target=print).start()
except RuntimeError as error:
    thread = str(error)

gd = import_module("gdlab")
try:
    gd.listen("udp://127.0.0.1:0")
except gd.GdlabError as error:
    listened = f"{type(error).__name__}: {error}"

json.dumps(
    {
        "python": sys.version.split()[0],
        "platform": sys.platform,
        "ended": ended,
        "modules": modules,
        "broken": broken,
        "thread": thread,
        "listen": listened,
    }
)
