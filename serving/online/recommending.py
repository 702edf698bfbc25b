"""Which items a person gets now: a chain of fallbacks over one night's store, and which of them spoke.

1. `session`: the sequence model on the person's history and the acts of the session, oldest first. An item that was
   acted on again stands at its latest act.
2. `sequence` or `taste`: the list of the night, by whichever model ranked it.
3. `segment`: what is popular in the person's segment, of those who agreed to profiling.
4. `popularity`: what is popular with everybody; also for whoever is not known or did not agree.

Each fills what the one before it leaves open. No item comes twice, nor two of one title, nor one that the person acted
on, nor one that has ended.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from serving.online.opened_store import OpenedStore, Person

TOP = 10
"""Most items of an answer."""

SESSION, SEQUENCE, TASTE, SEGMENT, POPULARITY = SPEAKERS = ("session", "sequence", "taste", "segment", "popularity")

_RANKED_BY = {"next_item": SEQUENCE, "taste_autoencoder": TASTE, "popularity": POPULARITY}
"""Model -> who speaks, where the night's list is from it."""

_LOOKED_AT = 64
"""Best items of a session that are looked at for ten that may be shown."""


@dataclass(frozen=True)
class Act:
    """An act of a session on an item that the night knows."""

    item: int
    action: str
    at: float
    """Seconds since 1970."""


@dataclass(frozen=True)
class Recommended:
    """One item of an answer."""

    item: int
    by: str
    """One of `SPEAKERS`."""
    score: float | None = None
    reason: str | None = None
    version: str = POPULARITY


@dataclass
class Answer:
    """The list, and why it is not from an earlier link of the chain."""

    items: list[Recommended] = field(default_factory=list)
    passed: dict[str, str] = field(default_factory=dict)
    """Link of the chain that did not speak -> why."""

    @property
    def spoke(self) -> str:
        return self.items[0].by if self.items else POPULARITY

    @property
    def version(self) -> str:
        return self.items[0].version if self.items else POPULARITY


Shown = Callable[[OpenedStore, Sequence[int]], Sequence[bool]]
"""Whether each of some items may be shown."""


def may_be_shown(store: OpenedStore, items: Sequence[int]) -> list[bool]:
    """Whether each of some items may be shown now: the one place where the API asks."""
    return [item not in store.ended for item in items]


def recommend(
    store: OpenedStore,
    key: bytes | None,
    acts: Sequence[Act] = (),
    *,
    profiling: bool = True,
    count: int = TOP,
    category: str | None = None,
) -> Answer:
    """The list of one person.

    Args:
        key: the person's, of whom it is sure that personalisation is agreed to; None for whoever is not known.
        acts: of the session, oldest first.
        profiling: whether the agreement to profiling still holds.
        category: only items of it.
    """
    answer = Answer()
    person = store.person(key) if key is not None else None
    history, times = store.history(key) if person is not None else (np.empty(0, "u4"), None)
    chosen = _Chosen(store, answer, count, category, {*history.tolist(), *(act.item for act in acts)})
    if not acts:
        answer.passed[SESSION] = "no_acts"
    elif store.session_model is None:
        answer.passed[SESSION] = "no_model"
    else:
        taste = store.taste(key) if person is not None and store.session_model.reads_taste else None
        chosen.take(SESSION, _of_session(store, history, times, taste, acts))
    if person is None:
        answer.passed[SEQUENCE] = "not_known" if key is None else "no_consent"
    else:
        chosen.take_night_list(key)
        if not person.segment or not profiling:
            answer.passed[SEGMENT] = "no_segment"
        else:
            chosen.take(SEGMENT, _popular(store, person, SEGMENT))
    chosen.take(POPULARITY, _popular(store, person, POPULARITY))
    return answer


class _Chosen:
    """Fills an answer up to its length."""

    def __init__(self, store: OpenedStore, answer: Answer, count: int, category: str | None, seen: set[int]) -> None:
        self._store, self._answer, self._count, self._category = store, answer, count, category
        self._seen, self._titles = seen, set()

    def take(self, speaker: str, offered: Iterable[Recommended]) -> None:
        """Take what fits of a link's offer, a few at a time, best first."""
        before, left = len(self._answer.items), iter(offered)
        while len(self._answer.items) < self._count and (some := list(itertools.islice(left, 2 * TOP))):
            allowed = may_be_shown(self._store, [one.item for one in some])
            for one in itertools.compress(some, allowed):
                if len(self._answer.items) == self._count:
                    break
                if one.item in self._seen:
                    continue
                shown = self._store.item(one.item)
                fits = self._category is None or shown["category"] == self._category
                if fits and shown["title"] not in self._titles:
                    self._seen.add(one.item)
                    self._titles.add(shown["title"])
                    self._answer.items.append(one)
        if len(self._answer.items) == before < self._count:
            self._answer.passed.setdefault(speaker, "nothing_left")

    def take_night_list(self, key: bytes) -> None:
        places = self._store.night_list(key)
        speaker = _speaker(places[0].version) if places else SEQUENCE
        if not places:
            self._answer.passed[SEQUENCE] = "no_list"
            return
        self.take(
            speaker,
            (
                Recommended(
                    place.item,
                    _speaker(place.version),
                    place.score,
                    self._store.reason(place.reason),
                    place.version,
                )
                for place in places[: None if self._category else TOP]
            ),
        )


def _speaker(version: str) -> str:
    return _RANKED_BY.get(version.partition("/")[0], SEQUENCE)


def _of_session(
    store: OpenedStore, history: np.ndarray, times: np.ndarray | None, taste: np.ndarray | None, acts: Sequence[Act]
) -> Iterable[Recommended]:
    """The best items by the sequence model, with what each is most like."""
    model = store.session_model
    latest = dict.fromkeys(history.tolist())
    moments = dict(zip(latest, times.tolist(), strict=True)) if times is not None else {}
    for act in acts:
        latest.pop(act.item, None)
        latest[act.item] = act.action
        moments[act.item] = act.at
    known = np.array([item for item in latest if item <= len(model)], "int64")
    if not len(known):
        return
    at = np.array([moments.get(item, np.nan) for item in known.tolist()]) if model.reads_times else None
    scores = model.score(known, at, taste)
    scores[known - 1] = -np.inf
    scores[~np.isfinite(scores)] = -np.inf
    looked_at = min(_LOOKED_AT, len(scores))
    best = np.argpartition(scores, len(scores) - looked_at)[-looked_at:]
    best = best[np.lexsort((best, -scores[best]))]
    best = best[np.isfinite(scores[best])] + 1
    like = model.nearest(best, known)
    for item, nearest in zip(best.tolist(), like.tolist(), strict=True):
        words = store.manifest.words["session" if latest[nearest] is None else latest[nearest]]
        reason = words.format(store.item(nearest)["title"])
        yield Recommended(item, SESSION, float(scores[item - 1]), reason, store.manifest.session_version)


def _popular(store: OpenedStore, person: Person | None, speaker: str) -> Iterable[Recommended]:
    words = store.manifest.words[speaker]
    for item in store.popular(person.segment if person is not None and speaker == SEGMENT else 0):
        yield Recommended(item, speaker, None, words)


def answer_items(store: OpenedStore, answer: Answer) -> list[dict[str, Any]]:
    """The items of an answer as the API shows them."""
    return [
        {"rank": rank, **store.item(one.item), "score": one.score, "reason": one.reason, "by": one.by}
        for rank, one in enumerate(answer.items, 1)
    ]
