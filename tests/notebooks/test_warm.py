"""Warm kernels: as good as fresh ones, each for itself, and gone with whoever started them."""

import ast
import contextlib
import warnings

import psutil
import pytest

from tests import warm
from tests.notebooks.test_kernel import Kernel
from tests.waiting import wait_until

pytestmark = pytest.mark.notebook

WHO = """
import os, random, signal, sys
import numpy as np
print([os.getpid(), os.getcwd(), os.environ["GDLAB_LANG"], random.random(), float(np.random.rand()),
       [name for name in sys.modules if name.partition(".")[0] == "gdlab"],
       signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL])
"""


@pytest.fixture
def pair(warm_kernels, monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_PATH", str(warm_kernels))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("GDLAB_LANG", "zh")
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings(), contextlib.ExitStack() as stack:
        warnings.simplefilter("ignore")  # of the kernel's own transport libraries
        kernels = []
        for _ in range(2):
            kernels.append(Kernel(warm.NAME))
            stack.callback(kernels[-1].close)
        for kernel in kernels:
            kernel.wait_until_ready()
        yield kernels


def test_each_is_a_process_of_its_own_that_ends_with_its_stand_in(pair, tmp_path):
    told = []
    for kernel in pair:
        said, error = kernel.run(WHO)
        assert error == ("", "")
        told.append(ast.literal_eval(said))
    (one, *first), (two, *second) = told
    for folder, language, *_, ours, default in (first, second):
        assert (folder, language, ours, default) == (str(tmp_path), "zh", [], True)
    assert one != two
    assert first[2] != second[2]
    assert first[3] != second[3]
    assert pair[0].run("import gdlab; print(gdlab.language())") == ("zh\n", ("", ""))
    pair[0].manager.shutdown_kernel(now=True)  # kills the stand-in
    wait_until(lambda: not psutil.pid_exists(one))
    assert psutil.pid_exists(two)
    assert pair[1].run("print('still here')") == ("still here\n", ("", ""))
