"""How all parts look: sizes and colours that follow JupyterLab's theme, light or dark."""

from __future__ import annotations

from typing import Any, Final

import ipywidgets

_MONO: Final = "var(--jp-code-font-family, Menlo, Consolas, 'DejaVu Sans Mono', monospace)"

#: The arrow of a menu on a dark page; ipywidgets' own is black.
_ARROW: Final = (
    "data:image/svg+xml;utf8,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 18 18'>"
    "<path fill='%23e0e0e0' d='M5.2 7.5 9 11.3l3.8-3.8z'/></svg>"
)

#: Colours are those of the theme; without one (a saved page) they fall back to what is readable on white. Sizes follow
#: the notebook's font, so that the larger one of a projector enlarges all of it.
CSS: Final = f"""
.gdlab-panel {{ --gd-ink: var(--jp-ui-font-color1, #212121); --gd-dim: var(--jp-ui-font-color2, #616161);
  --gd-line: var(--jp-border-color2, #d0d7de); --gd-soft: var(--jp-layout-color2, #f3f4f6);
  --gd-paper: var(--jp-layout-color1, #fff); --gd-brand: var(--jp-brand-color1, #1976d2);
  --gd-size: max(14px, var(--jp-ui-font-size1, 14px)); --jp-widgets-font-size: var(--gd-size);
  max-width: 100%; overflow: visible; color: var(--gd-ink); font-size: var(--gd-size); }}
.gdlab-panel .widget-html, .gdlab-panel .widget-html-content {{
  line-height: 1.45; height: auto; color: inherit; font-size: var(--gd-size); }}
.gdlab-panel .widget-html {{ max-width: 100%; min-width: 0; }}
.gdlab-panel .widget-html:has(> .widget-html-content:empty) {{ display: none; }}
.gdlab-panel .widget-label {{ color: inherit; }}
.gdlab-panel .gdlab-named > .widget-label {{ position: absolute; width: 0; min-width: 0; margin: 0; padding: 0;
  overflow: hidden; clip-path: inset(50%); }}
.gdlab-panel table.gdlab-t {{ border-collapse: collapse; font-size: var(--gd-size); line-height: 1.5;
  font-variant-numeric: tabular-nums; margin: 2px 0; color: inherit; }}
.gdlab-panel .gdlab-t th {{ text-align: left; font-weight: 600; padding: 1px 14px 3px 0;
  border-bottom: 1px solid var(--jp-border-color1, #bdbdbd); white-space: nowrap; background: none; }}
.gdlab-panel .gdlab-t td {{ text-align: left; padding: 1px 14px 1px 0; vertical-align: top;
  white-space: nowrap; background: none; }}
.gdlab-panel .gdlab-t .n {{ text-align: right; }}
.gdlab-panel .gdlab-t .m {{ font-family: {_MONO}; }}
.gdlab-panel .gdlab-t .w {{ white-space: normal; overflow-wrap: anywhere; }}
.gdlab-panel .q, .gdlab-panel .gdlab-q {{ color: var(--gd-dim); }}
.gdlab-panel .gdlab-bad {{ color: var(--jp-error-color0, #b71c1c); font-weight: 600; }}
.gdlab-panel .gdlab-good {{ color: var(--jp-success-color0, #1b5e20); }}
[data-jp-theme-light="false"] .gdlab-panel .gdlab-bad {{ color: #ff8a80; }}
[data-jp-theme-light="false"] .gdlab-panel .gdlab-good {{ color: #81c784; }}
.gdlab-panel code {{ font-family: {_MONO}; font-size: var(--gd-size) !important; color: inherit;
  background: var(--gd-soft);
  padding: 1px 4px; border-radius: 3px; }}
.gdlab-panel a {{ color: var(--jp-content-link-color, #0969da); }}
.gdlab-panel pre.gdlab-pre {{ font-family: {_MONO}; font-size: 1em; line-height: 1.45; margin: 4px 0;
  white-space: pre-wrap; overflow-wrap: anywhere; color: inherit; background: none; }}
.gdlab-panel .gdlab-lines select {{ font-family: {_MONO}; font-size: 14px; line-height: 1.4;
  font-variant-ligatures: none; padding: 0; box-sizing: border-box; }}
.gdlab-panel .gdlab-lines select option {{ padding: 0 6px; height: 19px; line-height: 19px;
  box-sizing: border-box; }}
.gdlab-panel .gdlab-head .widget-html-content {{ font-family: {_MONO}; font-size: 14px; white-space: pre;
  font-variant-ligatures: none; padding-left: 7px; overflow: hidden; }}
.gdlab-panel .gdlab-code textarea {{ font-family: {_MONO}; font-size: 14px; line-height: 1.4; }}
[data-jp-theme-light="false"] .gdlab-panel .widget-dropdown > select {{ background-image: url("{_ARROW}"); }}
.gdlab-panel .jupyter-widgets-disconnected::before {{ content: none; display: none; }}
.gdlab-panel.jupyter-widgets-disconnected::before {{ display: block; padding: 4px 0; font: 600 14px/1.4
  var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-error-color0, #b71c1c);
  content: "The kernel that this belongs to has ended: run the cell again."; }}
.gdlab-panel.jupyter-widgets-disconnected > * {{ opacity: .55; }}
.gdlab-panel .gdlab-panel.jupyter-widgets-disconnected::before {{ content: none; display: none; }}
.gdlab-panel .gdlab-panel.jupyter-widgets-disconnected > * {{ opacity: 1; }}
[data-jp-theme-light="false"] .gdlab-panel.jupyter-widgets-disconnected::before {{ color: #ff8a80; }}
.gdlab-panel .widget-toggle-button.mod-active {{ font-weight: 600; }}
.gdlab-panel .jupyter-button {{ border-radius: 3px; }}
.gdlab-panel .jupyter-button:where(:not(.mod-primary):not(.mod-danger)) {{ background: var(--gd-soft);
  color: var(--gd-ink); }}
.gdlab-panel img {{ object-fit: contain; }}
[data-jp-theme-light="false"] .gdlab-panel img {{ filter: invert(.92) hue-rotate(180deg); }}
.gdlab-panel button:focus-visible, .gdlab-panel select:focus-visible, .gdlab-panel input:focus-visible,
.gdlab-panel textarea:focus-visible {{ outline: 2px solid var(--gd-brand); outline-offset: 1px; }}
"""

#: The dashboard around the parts.
FRAME: Final = """
.gdlab-dashboard { border: 1px solid var(--gd-line); border-radius: 4px; background: var(--gd-paper);
  padding: 10px 14px; }
.gdlab-bar { align-items: center; gap: 14px; padding-bottom: 8px; }
.gdlab-bar .gdlab-title { font-size: 1.35em; font-weight: 600; white-space: nowrap; }
.gdlab-dim, .gdlab-panel .gdlab-dim .widget-html-content { color: var(--gd-dim); }
.gdlab-box { border-top: 1px solid var(--gd-line); padding: 8px 0; }
.gdlab-form { gap: 4px 10px; align-items: center; }
.gdlab-form .widget-label { width: auto !important; min-width: 0; padding-right: 6px; text-align: left; }
.gdlab-list { max-height: 152px; overflow: hidden auto; }
.gdlab-list > * { flex: 0 0 auto; }
.gdlab-list > :has(.gdlab-followed) { order: -1; }
.gdlab-row { align-items: center; gap: 4px 8px; padding: 3px 8px; border-left: 4px solid transparent; }
.gdlab-row.gdlab-followed { border-left-color: var(--gd-brand); background: var(--gd-soft); }
.gdlab-row .gdlab-words { flex: 1 1 24em; }
.gdlab-row .gdlab-steer { flex: 0 0 auto; }
.gdlab-panel .gdlab-row .jupyter-button { background: transparent; border: 1px solid var(--gd-line); }
.gdlab-tabs { border-bottom: 1px solid var(--gd-line); margin-bottom: 6px; width: auto; }
.gdlab-panel .gdlab-tabs .jupyter-button { background: transparent; border: 0; border-radius: 0; margin: 0;
  width: auto; padding: 0 16px; height: 34px; line-height: 32px; box-shadow: none; font-size: 1.02em;
  border-bottom: 3px solid transparent; }
.gdlab-panel .gdlab-tabs .jupyter-button.mod-active { border-bottom-color: var(--gd-brand); font-weight: 600;
  box-shadow: none; }
.gdlab-panel .gdlab-tabs .jupyter-button:focus-visible { outline-offset: -3px; }
.gdlab-panel .gdlab-tabs .jupyter-button:hover { background: var(--gd-soft); }
.gdlab-plots { gap: 8px 20px; align-items: flex-end; }
.gdlab-plots > * { flex: 1 1 400px; min-width: 0; max-width: 640px; }
.gdlab-plots > .gdlab-timeline { max-width: none; }
.gdlab-main { gap: 0 24px; align-items: flex-start; border-top: 1px solid var(--gd-line); }
.gdlab-main > .gdlab-plots { flex: 5 1 420px; min-width: 0; border-top: 0; }
.gdlab-main > .gdlab-tabbed { flex: 6 1 520px; min-width: 0; padding-top: 8px; }
.gdlab-main > .gdlab-tabbed.gdlab-wide { flex-basis: 100%; }
.gdlab-plots img { width: 100% !important; height: auto !important; }
.gdlab-pair { gap: 8px 24px; align-items: flex-start; }
.gdlab-pair > * { flex: 1 1 400px; min-width: 0; }
"""

#: JupyterLab takes the arrow keys for the notebook wherever no text is edited; in a list of ours they are the list's.
#: It looks for this attribute from the element in focus upwards, beginning with the element itself. And a button of
#: ipywidgets that is down, such as that of the tab in front, says so by its looks only; here also to a screen reader.
_KEYS: Final = (
    "const mark=()=>{const e=document.activeElement;"
    "if(e&&e.matches('.gdlab-panel select'))e.setAttribute('data-lm-suppress-shortcuts','true');press()};"
    "const press=()=>setTimeout(()=>{for(const b of document.querySelectorAll('.gdlab-panel .widget-toggle-button'))"
    "b.setAttribute('aria-pressed',b.classList.contains('mod-active'))},200);"
    "if(!window.gdlabKeys){window.gdlabKeys=true;document.addEventListener('focusin',mark,true);"
    "document.addEventListener('click',press,true);press()}"
)


def named(widget: Any, name: str) -> Any:
    """Give a field that explains itself to the eye the name that a screen reader says; return it."""
    widget.description = name
    widget.add_class("gdlab-named")
    return widget


_sheet: Any = None


def style_sheet() -> Any:
    """The style as a widget that shows nothing; all panels of the kernel share one, and each can stand alone."""
    global _sheet  # noqa: PLW0603 (one kernel, one style)
    if _sheet is None or _sheet.comm is None:  # none yet, or closed with all widgets
        _sheet = ipywidgets.HTML(f'<style onload="{_KEYS}">{CSS}{FRAME}</style>', layout={"display": "none"})
    return _sheet


def row(*children: Any, **layout: Any) -> Any:
    """Return widgets side by side, which go below each other where the page is narrow."""
    return ipywidgets.HBox(
        list(children),
        layout={"flex_flow": "row wrap", "align_items": "center", "grid_gap": "2px 6px", **layout},
    )
