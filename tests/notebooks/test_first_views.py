"""What a newcomer sees first, in kernels that have not loaded gdlab: nothing is written to standard error beside it."""

import contextlib
import queue
import time
import warnings

import pytest

from tests import warm
from tests.notebooks.test_kernel import Kernel
from tests.waiting import limit
from tests.widgets.test_first_views import VIEWS

pytestmark = pytest.mark.notebook

#: Run in the kernel behind the view: it returns when the view has been drawn a few times by the render thread.
DRAWN = """
from gdlab.widgets.render import renderer
import time
until = time.monotonic() + 60
while renderer._thread is not None and len(renderer._turns) < 3 and time.monotonic() < until:
    time.sleep(0.02)
"""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, warm_kernels):
    """A kernel for each view, all started at once: they compete for the machine, as on a teacher's server."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(), contextlib.ExitStack() as stack:
        warnings.simplefilter("ignore")  # of the kernel's own transport libraries
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        patch.setenv("JUPYTER_PATH", str(warm_kernels))
        kernels = {}
        for name in VIEWS:
            kernels[name] = Kernel(warm.NAME)
            stack.callback(kernels[name].close)
        for kernel in kernels.values():
            kernel.wait_until_ready()
        yield kernels


def complaints(kernel, request):
    """What a cell wrote to standard error, or raised."""
    found, deadline = [], time.monotonic() + limit(60)
    while time.monotonic() < deadline:
        with contextlib.suppress(queue.Empty):
            message = kernel.client.get_iopub_msg(timeout=1)
            content, kind = message["content"], message["msg_type"]
            if kind == "error" or (kind == "stream" and content["name"] == "stderr"):
                found.append(str(content))
            elif (
                kind == "status"
                and content["execution_state"] == "idle"
                and message["parent_header"].get("msg_id") == request
            ):
                return found
    pytest.fail(f"the cell has not ended; until then: {found}")


def test_nothing_is_written_to_standard_error_beside_it(fresh):
    asked = {name: [kernel.begin(cell) for cell in (*VIEWS[name], DRAWN)] for name, kernel in fresh.items()}
    assert {name: complaints(fresh[name], requests[-1]) for name, requests in asked.items()} == {
        name: [] for name in asked
    }
