"""What people do between nights, in the memory of one process: acts that came in, until a silence ends them."""

from __future__ import annotations

import time
from collections import OrderedDict

from contracts.tables.vocabulary import SESSION_SILENCE_MINUTES
from serving.online.opened_store import OpenedStore
from serving.online.recommending import Act

MOST_SESSIONS = 100_000
_MOST_OF_A_SESSION = 50


class Sessions:
    """The latest acts of the people who acted last."""

    def __init__(self) -> None:
        self._acts: OrderedDict[bytes, list[tuple[str, str, float, float]]] = OrderedDict()
        """Person -> item, action, when it happened (seconds since 1970), when it came in (a clock that never jumps)."""

    def __len__(self) -> int:
        return len(self._acts)

    def acts(self, store: OpenedStore, key: bytes | None) -> tuple[list[Act], int]:
        """Acts of a person since the last silence, and how many are on items that the night does not know.

        Args:
            key: the person's; None for whoever is not known, of whom there are none.
        """
        acts = self._acts.get(key, ()) if key is not None else ()
        if not acts:
            return [], 0
        if _is_over(acts, time.monotonic()):
            self.forget(key)
            return [], 0
        known = [Act(store.code_of(item), action, at) for item, action, at, _ in acts]
        return [act for act in known if act.item], sum(not act.item for act in known)

    def remember(self, key: bytes, item_id: str, action: str, at: float) -> None:
        """Add an act; a session that a silence has ended begins again with it."""
        acts = self._acts.setdefault(key, [])
        now = time.monotonic()
        if acts and _is_over(acts, now):
            acts.clear()
        acts.append((item_id, action, at, now))
        del acts[:-_MOST_OF_A_SESSION]
        self._acts.move_to_end(key)
        while len(self._acts) > MOST_SESSIONS:
            self._acts.popitem(last=False)

    def forget(self, key: bytes) -> None:
        """Let go of what a person did."""
        self._acts.pop(key, None)


def _is_over(acts: list[tuple[str, str, float, float]], now: float) -> bool:
    return now - acts[-1][3] > 60 * SESSION_SILENCE_MINUTES
