"""How a cell shows one kind of object: its live view where there are widgets, otherwise its plain forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Shown = TypeVar("Shown")


class CellView(Generic[Shown]):
    """The view of one kind of object, chosen from above: what is shown knows no widgets."""

    def __init__(self) -> None:
        self._make: Callable[[Shown], Any] | None = None

    def show_with(self, make: Callable[[Shown], Any] | None) -> None:
        """Have cells show `make(object)`, which has `_repr_mimebundle_`; None leaves the plain forms."""
        self._make = make

    def of(self, shown: Shown) -> Any:
        """The live view of an object; None where there is none."""
        return None if self._make is None else self._make(shown)

    def bundle(self, shown: Shown, html: Callable[[], str], **options: Any) -> Any:
        """What a notebook shows: the view with the object's own text, or text and HTML."""
        view = self.of(shown)
        bundle = None if view is None else view._repr_mimebundle_(**options)
        if bundle is None:
            return {"text/plain": repr(shown), "text/html": html()}
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/plain": repr(shown)}, metadata


class Html:
    """Text that shows itself as HTML."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_html_(self) -> str:
        return self._text
