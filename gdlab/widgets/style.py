"""How all parts look: sizes and colours that follow JupyterLab's theme, light or dark."""

from __future__ import annotations

from typing import Any, Final

import ipywidgets

_MONO: Final = "var(--jp-code-font-family, Menlo, Consolas, 'DejaVu Sans Mono', monospace)"

#: Colours are those of the theme; without one (a saved page) they fall back to what is readable on white.
CSS: Final = f"""
.gdlab-panel {{ max-width: 100%; overflow: visible; }}
.gdlab-panel .widget-html, .gdlab-panel .widget-html-content {{
  line-height: 1.45; height: auto; color: var(--jp-ui-font-color1, #212121); font-size: 13px; }}
.gdlab-panel .widget-html {{ max-width: 100%; }}
.gdlab-panel .widget-html:has(> .widget-html-content:empty) {{ display: none; }}
.gdlab-panel table.gdlab-t {{ border-collapse: collapse; font-size: 13px; line-height: 1.5;
  font-variant-numeric: tabular-nums; margin: 2px 0; color: inherit; }}
.gdlab-panel .gdlab-t th {{ text-align: left; font-weight: 600; padding: 1px 14px 3px 0;
  border-bottom: 1px solid var(--jp-border-color1, #bdbdbd); white-space: nowrap; background: none; }}
.gdlab-panel .gdlab-t td {{ text-align: left; padding: 1px 14px 1px 0; vertical-align: top;
  white-space: nowrap; background: none; }}
.gdlab-panel .gdlab-t .n {{ text-align: right; }}
.gdlab-panel .gdlab-t .m {{ font-family: {_MONO}; font-size: 12px; }}
.gdlab-panel .gdlab-t .w {{ white-space: normal; overflow-wrap: anywhere; }}
.gdlab-panel .q, .gdlab-panel .gdlab-q {{ color: var(--jp-ui-font-color2, #616161); }}
.gdlab-panel .gdlab-bad {{ color: var(--jp-error-color0, #b71c1c); font-weight: 600; }}
.gdlab-panel .gdlab-good {{ color: var(--jp-success-color0, #1b5e20); }}
.jp-mod-dark .gdlab-panel .gdlab-bad, [data-jp-theme-light="false"] .gdlab-panel .gdlab-bad {{ color: #ff8a80; }}
[data-jp-theme-light="false"] .gdlab-panel .gdlab-good {{ color: #81c784; }}
.gdlab-panel pre.gdlab-pre {{ font-family: {_MONO}; font-size: 12px; line-height: 1.45; margin: 4px 0;
  white-space: pre-wrap; overflow-wrap: anywhere; color: inherit; background: none; }}
.gdlab-panel .gdlab-lines select {{ font-family: {_MONO}; font-size: 12.5px; line-height: 1.4;
  font-variant-ligatures: none; padding: 2px 0; }}
.gdlab-panel .gdlab-lines select option {{ padding: 2px 6px; }}
.gdlab-panel .gdlab-head .widget-html-content {{ font-family: {_MONO}; font-size: 12.5px; white-space: pre;
  font-variant-ligatures: none; padding-left: 7px; overflow: hidden; }}
.gdlab-panel .gdlab-code textarea {{ font-family: {_MONO}; font-size: 12.5px; line-height: 1.4; }}
.gdlab-panel .widget-toggle-button.mod-active {{ font-weight: 600; }}
.gdlab-panel button:focus-visible, .gdlab-panel select:focus-visible, .gdlab-panel input:focus-visible,
.gdlab-panel textarea:focus-visible {{ outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px; }}
"""


def style_sheet() -> Any:
    """Return a widget that shows nothing and brings the style; each panel has one, so that it can stand alone."""
    return ipywidgets.HTML(f"<style>{CSS}</style>", layout={"display": "none"})


def row(*children: Any, **layout: Any) -> Any:
    """Return widgets side by side, which go below each other where the page is narrow."""
    return ipywidgets.HBox(
        list(children),
        layout={"flex_flow": "row wrap", "align_items": "center", "grid_gap": "2px 6px", **layout},
    )
