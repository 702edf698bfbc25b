"""A home with a night, written row by row, and its page as a reader finds it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.home import Home
from contracts.lake import Lake
from contracts.tables import TABLES
from lake_tables.arrow import arrow_schema

DS = "2026-11-19"
VOID = {"meta", "img", "br", "link", "input", "hr"}
BLOCKS = {"p", "li", "td", "th", "div", "h1", "h2", "h3", "h4", "summary"}


def publish(home: Home, table: str, rows: list[dict], ds: str = DS) -> None:
    """A partition of a table; columns that the rows do not name are null."""
    lake = Lake(home.lake)
    schema = pa.schema([field.with_nullable(True) for field in arrow_schema(TABLES[table])])
    file = lake.staging("test") / f"{table}.parquet"
    pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema), file)
    lake.publish(table, ds, {file.name: file})


def report(home: Home, step: str, ds: str = DS, **fragment) -> None:
    """What a step reports; it took two seconds."""
    folder = home.reports / ds
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{step}.json").write_text(json.dumps({"seconds": {step: 2.0}, **fragment}))


class Read(HTMLParser):
    """The elements of a page in order: tag, attributes and text, with what stands in it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict, list[str]]] = []
        self._open: list[tuple[str, dict, list[str]]] = []
        self.feed(text)
        self.unclosed = [tag for tag, _, _ in self._open]

    def handle_starttag(self, tag, attrs):
        element = (tag, dict(attrs), [])
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag):
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1][0] == tag, f"</{tag}> closes <{self._open[-1][0]}>"
        self._open.pop()
        if tag in BLOCKS:
            self.handle_data(" ")

    def handle_data(self, data):
        for _, _, text in self._open:
            text.append(data)

    def all(self, tag: str) -> list[tuple[dict, str]]:
        """Attributes and text of every element of a tag."""
        return [(attrs, " ".join("".join(text).split())) for name, attrs, text in self.elements if name == tag]

    def by_id(self, name: str) -> str:
        """The text of the element with an id."""
        [text] = [text for _, attrs, text in self.elements if attrs.get("id") == name]
        return " ".join("".join(text).split())


def page_in(home: Home, ds: str = DS) -> str:
    return Path(home.pages / f"nightly-{ds}.html").read_text()
