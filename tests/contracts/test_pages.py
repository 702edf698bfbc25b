"""Pages for people: they stand alone, and what is text stays text."""

from __future__ import annotations

from html.parser import HTMLParser

from contracts.pages import html_page, html_section


class Read(HTMLParser):
    """Tags in order, and the text of each."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.feed(written)

    def handle_starttag(self, tag: str, attrs: list) -> None:  # noqa: ARG002
        self.found.append((tag, ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, before = self.found[-1]
            self.found[-1] = (tag, before + data)


def test_titles_are_text_and_parts_are_html():
    written = html_page("<b>A & B", html_section("<i>C", "<p>one</p>", "<p>two</p>"))
    found = [(tag, text.strip()) for tag, text in Read(written).found if tag not in ("html", "meta", "style", "body")]
    assert found == [("title", "<b>A & B"), ("h2", "<i>C"), ("p", "one"), ("p", "two")]


def test_a_page_loads_nothing():
    written = html_page("A")
    assert written.startswith("<!doctype html>")
    assert not any(word in written for word in ("<script", "http", "url(", "@import", "src="))
