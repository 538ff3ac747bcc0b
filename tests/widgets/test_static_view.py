"""What remains of a widget in a saved notebook."""

import ipywidgets
import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from gdlab.widgets import static_view as still
from gdlab.widgets.static_view import Still, parts_of


@pytest.fixture
def shell(monkeypatch, tmp_path):
    """A shell as a kernel has one; what it publishes."""
    monkeypatch.delenv("VSCODE_PID", raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    running = InteractiveShell.instance(display_pub_class=CapturingDisplayPublisher)
    yield running.display_pub.outputs
    running.history_manager.end_session()
    InteractiveShell.clear_instance()


def test_texts_pictures_and_lists_remain_and_controls_do_not(sent):
    widget = ipywidgets.VBox(
        [
            ipywidgets.HTML("<style>p{}</style>"),
            ipywidgets.HTML("<b>status</b>"),
            ipywidgets.HTML("hidden", layout={"display": "none"}),
            ipywidgets.HBox([ipywidgets.Button(description="Stop"), ipywidgets.Text("filter")]),
            ipywidgets.Image(value=b"\x89PNG", format="png"),
            ipywidgets.Image(format="png"),
            ipywidgets.Select(options=["<script>", "two"]),
        ]
    )
    text, picture, lines = parts_of(widget)
    assert text == "<div><b>status</b></div>"
    assert 'src="data:image/png;base64,iVBORw=="' in picture
    assert lines == "<pre>&lt;script&gt;\ntwo</pre>"


def test_without_a_kernel_it_is_a_form_of_the_widget_itself(sent):
    assert not InteractiveShell.initialized()
    kept = Still(ipywidgets.HTML("words"))
    assert "words" in kept.show()["text/html"]
    assert kept.renew(running=True) is False


def test_it_is_renewed_now_and_then_and_at_the_end(sent, shell, monkeypatch):
    widget = ipywidgets.HTML("begin")
    kept = Still(widget)
    assert kept.show() == {}
    widget.value = "soon after"
    assert kept.renew(running=True) is False
    assert len(shell) == 1
    monkeypatch.setattr(still, "RENEWED_EVERY_S", 0.0)
    kept.renew(running=True)
    kept.renew(running=True)  # nothing has changed since
    assert len(shell) == 2
    monkeypatch.setattr(still, "RENEWED_EVERY_S", 1000.0)
    widget.value = "the end"
    assert kept.renew(running=False) is True  # others still draw their own
    widget.value = "the very end"
    assert kept.renew(running=False) is False
    first, *later = shell
    assert "begin" in first["data"]["text/html"]
    assert not first["update"]
    assert "soon after" in later[0]["data"]["text/html"]
    assert "the very end" in later[1]["data"]["text/html"]
    assert all(output["update"] and output["transient"] == first["transient"] for output in later)


def test_a_long_one_is_cut_between_its_parts(sent, monkeypatch):
    monkeypatch.setattr(still, "MOST_CHARACTERS", 100)
    widget = ipywidgets.VBox([ipywidgets.HTML("short"), ipywidgets.HTML("x" * 200)])
    assert "short" in Still(widget).html()
    assert "x" * 200 not in Still(widget).html()
