"""The page of the API, made of its OpenAPI schema: plain HTML that asks nothing of other servers."""

from __future__ import annotations

from html import escape
from typing import Any

_STYLE = """
:root{color-scheme:light dark;--line:light-dark(#ddd,#444);--soft:light-dark(#f5f5f5,#222);--word:light-dark(#036,#9cf)}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{border-top:1px solid var(--line);padding-top:1rem}code{background:var(--soft);padding:.1em .3em;border-radius:3px}
h3 code{background:none;padding:0}h3 .method{color:var(--word);text-transform:uppercase}
.table{overflow-x:auto}table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.2em 1em .2em 0}
td{border-top:1px solid var(--line)}details{margin:.5rem 0}
"""


def page_of(schema: dict[str, Any]) -> str:
    """A page that lists routes by tag, then types."""
    parts = []
    for tag in schema["tags"]:
        parts.append(f"<h2>{escape(tag['name'].capitalize())}</h2><p>{escape(tag['description'])}</p>")
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                if tag["name"] in operation.get("tags", ()):
                    parts.append(_operation(path, method, operation))
    parts.append("<h2>Types</h2>")
    for name, one in sorted(schema["components"]["schemas"].items()):
        if "properties" in one and not name.startswith("HTTP"):
            parts.append(
                f'<details id="{escape(name)}" open><summary><b>{escape(name)}</b></summary>{_type(one)}</details>'
            )
    about = "".join(f"<p>{_words(text)}</p>" for text in schema["info"]["description"].strip().split("\n\n"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{escape(schema["info"]["title"])}</title><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(schema['info']['title'])}</h1>{about}"
        f'<p>The same for programs: <a href="openapi.json">openapi.json</a></p>{"".join(parts)}</main></body></html>'
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = [
        (one["name"], f"{_kind(one['schema'])}, in the {one['in']}", one.get("description") or "")
        for one in operation.get("parameters", ())
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        rows.append(("body", _kind(body), ""))
    answers = [
        (status, _kind(one.get("content", {}).get("application/json", {}).get("schema", {})), one["description"])
        for status, one in sorted(operation["responses"].items())
    ]
    return (
        f'<h3><code><span class="method">{method}</span> {escape(path.replace(":path", ""))}</code> '
        f"{escape(operation.get('summary', ''))}</h3><p>{_words(operation.get('description', ''))}</p>"
        f"{_table(('takes', 'type', ''), rows)}{_table(('answers', 'type', ''), answers)}"
    )


def _type(one: dict[str, Any]) -> str:
    needed = one.get("required", ())
    rows = [
        (name, _kind(field) + ("" if name in needed else ", optional"), field.get("description", ""))
        for name, field in one["properties"].items()
    ]
    return f"<p>{_words(one.get('description', ''))}</p>{_table(('field', 'type', ''), rows)}"


def _kind(schema: dict[str, Any]) -> str:
    """A type in words, as HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    limits = [f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return escape(" ".join([schema.get("format") or schema.get("type") or "", *limits]).strip())


def _table(head: tuple[str, ...], rows: list[tuple[str, str, str]]) -> str:
    if not rows:
        return ""
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    cells = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{kind}</td><td>{_words(words)}</td></tr>"
        for name, kind, words in rows
    )
    return f'<div class="table"><table><tr>{titles}</tr>{cells}</table></div>'


def _words(text: str) -> str:
    """Words with their `code`, as HTML."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
