"""Which items a person gets now: a chain of fallbacks over one night's store, and which of them spoke.

1. `session`: the sequence model on the person's history and the acts of the session, oldest first. An item that was
   acted on again stands at its latest act. In the arm of an experiment of a challenger it is the challenger.
2. `sequence` or `taste`: the list of the night, by whichever model ranked it.
3. `segment`: what is popular in the person's segment, of those who agreed to profiling.
4. `popularity`: what is popular with everybody; also for whoever is not known or did not agree.

Each fills what the one before it leaves open, as the rules of what may be shown have it. No item comes twice, nor two
of one title, nor one that the person acted on and that is not to be bought again, nor one that may not be shown.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from contracts.tables.activation import CHALLENGER
from lake_tables.shown.showcase import Showcase
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


def recommend(
    store: OpenedStore,
    key: bytes | None,
    acts: Sequence[Act] = (),
    *,
    profiling: bool = True,
    count: int = TOP,
    category: str | None = None,
    day: datetime.date | None = None,
) -> Answer:
    """The list of one person.

    Args:
        key: the person's, of whom it is sure that personalisation is agreed to; None for whoever is not known.
        acts: of the session, oldest first.
        profiling: whether the agreement to profiling still holds.
        category: only items of it.
        day: on which the list is seen; by default, and at the earliest, the one after the night.
    """
    answer = Answer()
    showcase = store.shown.on(max(day or store.first_day, store.first_day), category)
    person = store.person(key) if key is not None else None
    history, times = store.history(key) if person is not None else (np.empty(0, "u4"), None)
    now = {act.item for act in acts}
    chosen = _Chosen(store, answer, count, showcase, history.tolist(), now, of_category=category is not None)
    if not acts:
        answer.passed[SESSION] = "no_acts"
    else:
        version = _session_version(store, key, person)
        if version in store.session_models:
            chosen.take(SESSION, _of_session(store, version, showcase, key, history, times, acts), by_worth=True)
        else:
            answer.passed[SESSION] = "no_model" if version == store.manifest.session_version else "other_arm"
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


def _session_version(store: OpenedStore, key: bytes | None, person: Person | None) -> str:
    """The version that ranks a person's session: the challenger in its arm, or whose lists are shown there."""
    manifest = store.manifest
    if person is None or person.arms.get(CHALLENGER) != CHALLENGER:
        return manifest.session_version
    shown = [place.version for place in store.night_list(key)[:1] if _speaker(place.version) == SEQUENCE]
    return manifest.challenger_version or (shown or [manifest.session_version])[0]


class _Chosen:
    """Fills an answer up to its length, as the rules have it."""

    def __init__(
        self,
        store: OpenedStore,
        answer: Answer,
        count: int,
        showcase: Showcase,
        history: list[int],
        now: set[int],
        *,
        of_category: bool,
    ) -> None:
        """Begin.

        Args:
            showcase: what may be shown; item code n is in place n - 1.
            history: what the person acted on before the session.
            now: what the session has acts on.
            of_category: whether the list is of one category, and the night's may go beyond ten for it.
        """
        self._of_category = of_category
        self._store, self._answer, self._count = store, answer, count
        self._by_worth, self._in_order = showcase, showcase.as_ranked
        self._now, self._seen = now, {*history, *now}
        seen = np.array([*self._seen], int) - 1
        self._pairs = np.zeros(len(seen), int), seen

    def take(
        self, speaker: str, offered: Iterable[Recommended], again: Collection[int] = (), *, by_worth: bool = False
    ) -> None:
        """Take what fits of a link's offer, best first.

        Args:
            again: items that may come though the person acted on them: those that the night found to be bought again.
            by_worth: whether diversity and margin order the offer, and not the link itself.
        """
        before, left = len(self._answer.items), iter(offered)
        while len(self._answer.items) < self._count and (some := list(itertools.islice(left, _LOOKED_AT))):
            some = [one for one in some if one.item not in self._seen or one.item in again]
            self._choose(speaker, {one.item: one for one in some}, self._by_worth if by_worth else self._in_order)
        if len(self._answer.items) == before < self._count:
            self._answer.passed.setdefault(speaker, "nothing_left")

    def _choose(self, speaker: str, offered: Mapping[int, Recommended], showcase: Showcase) -> None:
        """Put into the answer what the rules choose of some items, behind what is in it already."""
        listed = {one.item: one for one in self._answer.items}
        ranked = np.array([[*offered]], int).reshape(1, -1) - 1
        scores = np.array([[one.score or 0.0 for one in offered.values()]])
        first = np.array([[*listed]], int).reshape(1, -1) - 1
        if listed and showcase.pinned_categories:
            showcase = replace(showcase, pinned_categories=())  # their places are taken
        chosen = showcase.choose(ranked, scores, self._count, first=first, seen=self._pairs)
        pinned = Recommended(0, speaker, None, self._store.manifest.words["pinned"])
        self._answer.items = [
            listed.get(item + 1) or (offered[item + 1] if at >= 0 else replace(pinned, item=item + 1))
            for item, at in zip(chosen.items[0].tolist(), chosen.at[0].tolist(), strict=True)
            if item >= 0
        ]

    def take_night_list(self, key: bytes) -> None:
        """Take what fits of the night's list, which has been chosen by the same rules."""
        places = self._store.night_list(key)
        if not places:
            self._answer.passed[SEQUENCE] = "no_list"
            return
        listed = places if self._of_category else places[:TOP]
        left = [one for one in listed if self._in_order.may[one.item - 1] and one.item not in self._now]
        offered = [
            Recommended(one.item, _speaker(one.version), one.score, self._store.reason(one.reason), one.version)
            for one in left
        ]
        if not self._answer.items and len(left) == len(listed) <= TOP:  # nothing has changed since it was chosen
            self._answer.items = offered[: self._count]
        else:
            self.take(_speaker(places[0].version), offered, again={one.item for one in left})


def _speaker(version: str) -> str:
    return _RANKED_BY.get(version.partition("/")[0], SEQUENCE)


def _of_session(
    store: OpenedStore,
    version: str,
    showcase: Showcase,
    key: bytes | None,
    history: np.ndarray,
    times: np.ndarray | None,
    acts: Sequence[Act],
) -> Iterable[Recommended]:
    """The best items by a sequence model that may be shown, with what each is most like."""
    model = store.session_models[version]
    taste = store.taste(key) if key is not None and model.reads_taste else None
    latest = dict.fromkeys(history.tolist())
    moments = dict(zip(latest, times.tolist(), strict=True)) if times is not None else {}
    for act in acts:
        latest.pop(act.item, None)
        latest[act.item] = act.action
        moments[act.item] = act.at
    known = np.array([item for item in latest if model.knows(item)], "int64")
    if not len(known):
        return
    at = np.array([moments.get(item, np.nan) for item in known.tolist()]) if model.reads_times else None
    scores = model.score(known, at, taste)
    scores[known - 1] = -np.inf
    scores[~showcase.may[: len(scores)]] = -np.inf
    scores[~np.isfinite(scores)] = -np.inf
    looked_at = min(_LOOKED_AT, len(scores))
    best = np.argpartition(scores, len(scores) - looked_at)[-looked_at:]
    best = best[np.lexsort((best, -scores[best]))]
    best = best[np.isfinite(scores[best])] + 1
    like = model.nearest(best, known)
    for item, nearest in zip(best.tolist(), like.tolist(), strict=True):
        words = store.manifest.words["session" if latest[nearest] is None else latest[nearest]]
        reason = words.format(store.item(nearest)["title"])
        yield Recommended(item, SESSION, float(scores[item - 1]), reason, version)


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
