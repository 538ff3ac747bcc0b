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
.gdlab-panel .gdlab-lines select option {{ padding: 0 6px; }}
.gdlab-panel .gdlab-head .widget-html-content {{ font-family: {_MONO}; font-size: 12.5px; white-space: pre;
  font-variant-ligatures: none; padding-left: 7px; overflow: hidden; }}
.gdlab-panel .gdlab-code textarea {{ font-family: {_MONO}; font-size: 12.5px; line-height: 1.4; }}
.gdlab-panel .widget-toggle-button.mod-active {{ font-weight: 600; }}
.gdlab-panel img {{ max-width: 100%; height: auto; }}
.gdlab-panel button:focus-visible, .gdlab-panel select:focus-visible, .gdlab-panel input:focus-visible,
.gdlab-panel textarea:focus-visible {{ outline: 2px solid var(--jp-brand-color1, #1976d2); outline-offset: 1px; }}
"""


#: The dashboard around the parts.
FRAME: Final = """
.gdlab-panel{--gd-ink:var(--jp-ui-font-color1,#1f2328);--gd-dim:var(--jp-ui-font-color2,#57606a);
--gd-line:var(--jp-border-color2,#d0d7de);--gd-soft:var(--jp-layout-color2,#f3f4f6);
--gd-paper:var(--jp-layout-color1,#fff);--gd-brand:var(--jp-brand-color1,#1976d2);
--gd-good:var(--jp-success-color1,#2e7d32);--gd-bad:var(--jp-error-color1,#c62828);
color:var(--gd-ink);overflow:visible}
.gdlab-panel>.gdlab-sheet{display:none}
.gdlab-panel .widget-html,.gdlab-panel .widget-html-content{height:auto;line-height:1.45;color:var(--gd-ink);
font-size:var(--jp-ui-font-size1,13px);overflow:visible}
.gdlab-panel .widget-html{min-width:0}
.gdlab-panel .widget-html-content>*{overflow-wrap:anywhere}
.gdlab-panel .widget-html-content:empty{display:none}
.gdlab-panel .jupyter-button{border-radius:3px}
.gdlab-panel .jupyter-button:focus-visible,.gdlab-panel input:focus-visible,.gdlab-panel select:focus-visible,
.gdlab-panel textarea:focus-visible{outline:2px solid var(--gd-brand);outline-offset:1px}
.gdlab-panel .jupyter-button:not(.mod-primary):not(.mod-danger):not(.mod-success):not(.mod-warning){
background:var(--gd-soft);color:var(--gd-ink)}
.gdlab-panel .widget-label{color:var(--gd-ink)}
.gdlab-panel img.widget-image{max-width:100%;height:auto;object-fit:contain}
[data-jp-theme-light="false"] .gdlab-panel img.widget-image,body[data-theme="dark"] .gdlab-panel img.widget-image{
filter:invert(.92) hue-rotate(180deg)}
.gdlab-panel table{border-collapse:collapse;color:var(--gd-ink)}
.gdlab-dashboard{border:1px solid var(--gd-line);border-radius:4px;background:var(--gd-paper);padding:10px 12px}
.gdlab-bar{align-items:center;gap:12px}
.gdlab-bar .gdlab-title{font-size:1.25em;font-weight:600;white-space:nowrap}
.gdlab-dim,.gdlab-dim .widget-html-content{color:var(--gd-dim)!important}
.gdlab-box{border-top:1px solid var(--gd-line);padding:8px 0 6px}
.gdlab-form{gap:4px 14px;align-items:center}
.gdlab-form .widget-label{width:auto!important;min-width:0;padding-right:6px;text-align:left}
.gdlab-row{align-items:center;gap:4px 8px;padding:3px 8px;border-left:4px solid transparent}
.gdlab-row.gdlab-followed{border-left-color:var(--gd-brand);background:var(--gd-soft)}
.gdlab-row .gdlab-words{flex:1 1 24em}
.gdlab-tabs{border-bottom:2px solid var(--gd-line)}
.gdlab-tabs .widget-toggle-buttons,.gdlab-tabs .jupyter-widgets{overflow:visible}
.gdlab-tabs .jupyter-button{background:transparent!important;border:0;border-radius:0;margin:0 2px -2px 0;
width:auto;padding:0 14px;box-shadow:none;border-bottom:3px solid transparent;font-size:1.02em}
.gdlab-tabs .jupyter-button.mod-active{border-bottom-color:var(--gd-brand);font-weight:600;color:var(--gd-ink)}
.gdlab-tabs .jupyter-button:hover{background:var(--gd-soft)!important}
.gdlab-plots{gap:8px 16px;align-items:flex-start}
.gdlab-plots>*{flex:1 1 420px;min-width:0}
.gdlab-pair{gap:8px 20px;align-items:flex-start}
.gdlab-pair>*{flex:1 1 380px;min-width:0}
.gdlab-panel code{font-family:var(--jp-code-font-family,monospace);font-size:.95em;background:var(--gd-soft);
color:var(--gd-ink);padding:1px 4px;border-radius:3px}
.gdlab-panel a{color:var(--jp-content-link-color,#0969da)}
"""

_sheet: Any = None


def style_sheet() -> Any:
    """The style as a widget that shows nothing; all panels of the kernel share one, and each can stand alone."""
    global _sheet  # noqa: PLW0603 (one kernel, one style)
    if _sheet is None or _sheet.comm is None:  # none yet, or closed with all widgets
        _sheet = ipywidgets.HTML(f"<style>{CSS}{FRAME}</style>", layout={"display": "none"})
    return _sheet


def row(*children: Any, **layout: Any) -> Any:
    """Return widgets side by side, which go below each other where the page is narrow."""
    return ipywidgets.HBox(
        list(children),
        layout={"flex_flow": "row wrap", "align_items": "center", "grid_gap": "2px 6px", **layout},
    )
