"""Values that name people, in text: where one stands by itself, and the text without it.

A value may be written as it is, percent-encoded as in an address, or escaped as in JSON; case is ignored. It has to
stand by itself: `anna_01` is not found in `anna_012`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping
from urllib.parse import quote

_WORD = re.compile(rb"[a-z0-9_\x80-\xff]+")
_NO_WORD_BEFORE = rb"(?<![a-z0-9_\x80-\xff])"
_NO_WORD_BEHIND = rb"(?![a-z0-9_\x80-\xff])"
_NO_PART_OF_A_LONGER_ONE = {
    "email": (rb"(?<![a-z0-9_][.+-])", rb""),
    "handle": (rb"", rb"(?!@[a-z0-9])"),
}
"""Kind -> what may not stand before and behind a value of it."""


def is_searchable(value: str) -> bool:
    """Whether a value differs from ordinary text: 6 characters, 5 of letters and digits mixed, 8 of one sort alone."""
    digits, letters = any(map(str.isdigit, value)), any(map(str.isalpha, value))
    return len(value) >= (5 if digits and letters else 8 if value.isalnum() else 6)


def written_forms(value: str, kind: str = "") -> set[str]:
    """How a value may be written: as it is, in an address (whole, or with its @ alone), in JSON.

    A handle `name@server` is also `server/@name` and `server/users/name`, as addresses of profiles and posts have it.
    """
    name, _, server = value.partition("@") if kind == "handle" else ("", "", "")
    values = [value, f"{server}/@{name}", f"{server}/users/{name}"] if name and server else [value]
    return {
        form for one in values for form in (one, quote(one, safe=""), one.replace("@", "%40"), json.dumps(one)[1:-1])
    }


def pattern(value: bytes, kind: str) -> re.Pattern[bytes]:
    """Where a value stands by itself, and is no part of a longer one."""
    before, behind = _NO_PART_OF_A_LONGER_ONE.get(kind, (b"", b""))
    begins = _NO_WORD_BEFORE if _WORD.match(value) else b""
    return re.compile(begins + before + re.escape(value) + _NO_WORD_BEHIND + behind)


def lowered(data: bytes) -> bytes:
    """Lower case, of letters beyond ASCII too; what is no UTF-8 stays as it is."""
    if data.isascii():
        return data.lower()
    return data.decode(errors="surrogateescape").lower().encode(errors="surrogateescape")


class SearchPatterns:
    """Values to search for, however many: each begins with a word, and a text without that word is passed over."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """`values`: value -> what it is, for example `email`."""
        self.not_searched: Counter[str] = Counter()
        """Kind -> values that cannot be told from ordinary text."""
        self._by_word: dict[bytes, dict[bytes, str]] = {}
        for value, kind in values.items():
            if not is_searchable(value):
                self.not_searched[kind] += 1
                continue
            for form in written_forms(value.lower(), kind):
                written = form.lower().encode()
                if word := _WORD.search(written):
                    self._by_word.setdefault(word[0], {})[written] = kind

    def __len__(self) -> int:
        return sum(map(len, self._by_word.values()))

    def count_in(self, data: bytes) -> Counter[str]:
        """What occurs -> how often."""
        found: Counter[str] = Counter()
        low = lowered(data)
        for word in self._by_word.keys() & set(_WORD.findall(low)):
            for written, kind in self._by_word[word].items():
                found[kind] += len(pattern(written, kind).findall(low)) if written in low else 0
        return +found


class PersonMatcher:
    """What names one person: values in texts, and identifiers and ids that are whole cells."""

    def __init__(self, values: Mapping[str, str], exact: Collection[str] = (), *, replacement: str = "") -> None:
        """A matcher.

        Args:
            values: value -> its kind, searched for in texts.
            exact: whole values of cells: identifiers, and ids of rows.
            replacement: what stands in a text where a value was.
        """
        self.exact = frozenset(exact)
        self._patterns = SearchPatterns(values)
        self._replacement = replacement
        self._values: list[re.Pattern[str]] = []
        self._short_handles: list[tuple[set[str], re.Pattern[str]]] = []
        for value, kind in sorted(values.items(), key=lambda item: -len(item[0])):
            if not is_searchable(value):
                continue
            forms = written_forms(value, kind)
            self._values += [_of_text(form, kind) for form in sorted(forms, key=len, reverse=True)]
            if kind == "handle" and "@" in value:
                short = _of_text(value.partition("@")[0], kind)
                self._short_handles.append(({form.lower() for form in forms}, short))

    def is_in(self, data: str | bytes) -> bool:
        """Whether a text names the person."""
        data = data if isinstance(data, bytes) else data.encode(errors="surrogateescape")
        return bool(self._patterns.count_in(data))

    def without_names(self, text: str) -> str:
        """The text with every name replaced; beside a handle of another server, its short form too."""
        low = text.lower()
        short = [short for forms, short in self._short_handles if any(form in low for form in forms)]
        for one in (*self._values, *short):
            text = one.sub(self._replacement, text)
        return text


def _of_text(value: str, kind: str) -> re.Pattern[str]:
    """`pattern` for text instead of bytes."""
    written = pattern(value.encode(), kind).pattern.replace(rb"\x80-\xff", b"").decode()
    return re.compile(written.replace("[a-z0-9_]", r"\w"), re.IGNORECASE)
