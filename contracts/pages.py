"""The look of the pages that Nightshift writes for people: HTML files that stand alone, without script or address."""

from __future__ import annotations

import html

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2733; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { margin-bottom: 0 } h2 { margin-top: 2.5rem; border-bottom: 1px solid #d5dce4 } .lead, .note { color: #5a6a7c }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .25rem .75rem; text-align: left }
tr:nth-child(even) { background: #f4f6f9 } td.number { text-align: right; font-variant-numeric: tabular-nums }
img { max-width: 100% } svg { width: 100%; font: 13px system-ui, sans-serif } code { font-size: .85em }
"""


def html_page(title: str, *parts: str) -> str:
    """A whole page of parts, which are HTML already; the title is text, and escaped."""
    head = f"<meta charset=utf-8><title>{html.escape(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=en>{head}<body>{''.join(parts)}</body></html>\n"


def html_section(title: str, *parts: str) -> str:
    """A part under a heading; the heading is text, and escaped."""
    return f"<h2>{html.escape(title)}</h2>{''.join(parts)}"
