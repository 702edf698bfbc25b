"""Who may ask: a key for each caller, in a file for its owner alone, and how often each may.

`<home>/secrets/online_callers.json` is made at the first start, with one caller, `shop`, and a random key. A line more
lets another caller in, a line less keeps one out, within a second and without a new start.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.errors import SettingsError
from contracts.home import Home
from contracts.private_files import create_private

REQUESTS_PER_SECOND = 1000
"""What a caller may ask who has no number of its own; for a moment twice as many."""
_SHORTEST_KEY = 16


def callers_file(home: Home) -> Path:
    return home.secrets / "online_callers.json"


@dataclass
class Caller:
    """One caller, and what it may still ask: a bucket that fills with time (tokens)."""

    name: str
    requests_per_second: float
    _tokens: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens, self._at = 2.0 * self.requests_per_second, time.monotonic()

    def may_ask(self) -> bool:
        """Whether one more request is within the rate; it is counted then."""
        now = time.monotonic()
        self._tokens = min(2.0 * self.requests_per_second, self._tokens + (now - self._at) * self.requests_per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Callers:
    """The callers of a home."""

    def __init__(self, file: Path) -> None:
        """Read them; without a file, make one.

        Raises:
            SettingsError: the file says something else.
        """
        self._file, self._by_digest, self._read_at = file, {}, 0
        if not file.exists():
            first = {"shop": {"key": secrets.token_urlsafe(32), "requests_per_second": REQUESTS_PER_SECOND}}
            create_private(file, json.dumps(first, indent=2) + "\n")
        self.read_again()

    def of(self, key: str) -> Caller | None:
        """The caller with a key. What is looked up is its hash, so that no time tells how much of a key is right."""
        return self._by_digest.get(_digest(key))

    def read_again(self) -> None:
        """Take over what was changed in the file; callers who stay keep their count.

        Raises:
            SettingsError: the file says something else; those of before may go on.
        """
        changed = self._file.stat().st_mtime_ns
        if changed == self._read_at:
            return
        before = {caller.name: caller for caller in self._by_digest.values()}
        try:
            found: dict[str, dict[str, Any]] = json.loads(self._file.read_text())
            callers = {}
            for name, one in found.items():
                key, rate = one["key"], float(one.get("requests_per_second", REQUESTS_PER_SECOND))
                if len(key) < _SHORTEST_KEY or not 0 < rate < float("inf"):
                    raise ValueError(name)
                known = before.get(name)
                callers[_digest(key)] = known if known and known.requests_per_second == rate else Caller(name, rate)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._read_at = changed
            raise SettingsError(
                expected=f'callers as {{"shop": {{"key": "<at least {_SHORTEST_KEY} characters>", '
                f'"requests_per_second": 1000}}}} in {self._file}',
                received="something else",
                remedy="correct that file; to have it made again, remove it and start again",
            ) from None
        self._by_digest, self._read_at = callers, changed


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()
