"""What the API does with a question: the store that answers, sessions, withdrawals and deliveries of one process.

Everything that one answer says is from one store: it is taken once, at the beginning of a question, and is switched
between questions. `watch` looks twice a second for a new store, for withdrawals and for changed callers.
"""

from __future__ import annotations

import asyncio
import datetime
import secrets
import time
from collections.abc import Sequence
from typing import Any

from contracts.entry_point import in_a_sentence
from contracts.errors import LakeError, NightshiftError
from contracts.identifiers import load_cleaning
from contracts.keys import fingerprint, pseudonym_keys
from contracts.report import say
from contracts.settings import Settings
from contracts.tables.vocabulary import ITEM_ACTIONS
from serving.online import layout, source
from serving.online.callers import Callers, callers_file
from serving.online.deliveries import Deliveries
from serving.online.metrics import Metrics
from serving.online.opened_store import OpenedStore
from serving.online.questions import Act, Decision, Session
from serving.online.recommending import Act as SessionAct
from serving.online.recommending import Answer, answer_items, recommend
from serving.online.refusals import Refusals
from serving.online.sessions import Sessions
from serving.online.subjects import KINDS, Subject, pseudonym_of, subject_of

LOOKS_SECONDS = 0.5
_OLDEST_ACT_DAYS, _MOST_AHEAD_MINUTES = 7, 5

_PERSONALISATION, _PROFILING = "personalisation", "profiling"


class Refused(Exception):  # noqa: N818  an answer, and no fault of ours
    """A question that gets a status of 4xx or 5xx, and a sentence."""

    def __init__(self, status: int, expected: str, received: str, remedy: str) -> None:
        self.status = status
        super().__init__(f"expected {expected}, but received {received}; {remedy}")


class Service:
    """One process of the API."""

    def __init__(self, settings: Settings) -> None:
        """Open the store that is there; without one, it is waited for.

        Raises:
            SettingsError: the keys are not those of the lake, or the file of callers says something else.
        """
        self.settings, self.metrics = settings, Metrics()
        self.callers = Callers(callers_file(settings.home))
        self._cleaning = load_cleaning(settings)
        self._keys = pseudonym_keys(settings)
        self.store: OpenedStore | None = None
        self.alert: str | None = None
        self._refused_name = ""
        self.refusals = Refusals(settings, self._keys, self._cleaning)
        self._deliveries = Deliveries(settings)
        self._sessions = Sessions()
        self.take_over(*self.looked())

    # the store that answers

    def looked(self) -> tuple[OpenedStore | None, Refusals | None, int]:
        """The store that should answer, opened where it is another one, and withdrawals against it; for a thread.

        Returns:
            The store, None where there is none; the withdrawals; how many were taken in before they were read.
        """
        mark = len(self.refusals.taken_in)
        link = layout.current_of(self.settings.home)
        store = self.store
        try:
            folder = link.resolve(strict=True)
        except OSError:
            self._alert("there is no store: run `python -m serving.store --ds DAY`", "")
            return None, None, mark
        if not (folder / layout.MANIFEST).is_file():
            self._alert("the store was removed, as an erasure or a rotation of keys does: build it again", folder.name)
            return None, None, mark
        if store is None or store.folder != folder:
            try:
                opened = OpenedStore.open(folder)
                self._require_own_keys(opened)
            except NightshiftError as error:
                self._alert(str(error), folder.name)
            else:
                refusals = Refusals(self.settings, self._keys, self._cleaning)
                return opened, refusals.look(opened, again=True), mark
        else:
            self.alert, self._refused_name = None, ""
        return store, None if store is None else self.refusals.look(store), mark

    def take_over(self, store: OpenedStore | None, refusals: Refusals | None, mark: int) -> None:
        """Answer from a store from now on, with withdrawals against it; not while a question is being answered."""
        before = self.store
        if refusals is not None and store is not None:
            for pseudonym, purposes in self.refusals.taken_in[mark:]:
                refusals.refuse(store, pseudonym, purposes)
            self.refusals = refusals
        self.store = store
        if store is not before:
            if store is not None:
                self.alert, self._refused_name = None, ""
                self.metrics.switches.inc()
                night = datetime.datetime.fromisoformat(store.manifest.ds).replace(tzinfo=datetime.UTC)
                self.metrics.night.set(night.timestamp())
                say(f"online: {store.folder.name} answers, {store.manifest.people:,} people")
            if before is not None:
                before.close()
        self.metrics.refusals.set(len(self.refusals))
        self.metrics.sessions.set(len(self._sessions))

    async def watch(self) -> None:
        """Look for changes until this is cancelled; what goes wrong is said, and looked for again."""
        while True:
            await asyncio.sleep(LOOKS_SECONDS)
            try:
                self.callers.read_again()
                self.take_over(*await asyncio.to_thread(self.looked))
            except Exception as error:
                self._alert(str(error if isinstance(error, NightshiftError) else in_a_sentence(error)), "")

    def close(self) -> None:
        self._deliveries.close()
        if self.store is not None:
            self.store.close()
        self.store = None

    def _require_own_keys(self, store: OpenedStore) -> None:
        if store.manifest.keys != fingerprint(self._keys):
            self._keys = pseudonym_keys(self.settings)  # they were rotated
        if store.manifest.keys != fingerprint(self._keys):
            store.close()
            raise LakeError(
                expected=f"the store {store.folder.name} to be made under the keys of this home",
                received="others",
                remedy=f"build it again with `python -m serving.store --ds {store.manifest.ds}`",
            )

    def _alert(self, sentence: str, name: str) -> None:
        if self.alert != sentence:
            say(f"online: alert: {sentence}")
        if name and name != self._refused_name:
            self.metrics.refused_stores.inc()
        self.alert, self._refused_name = sentence, name

    # questions

    def night(self) -> OpenedStore:
        """The store that answers.

        Raises:
            Refused: there is none.
        """
        if self.store is None:
            raise Refused(503, "a store of a night", "none", self.alert or "build one with `python -m serving.store`")
        return self.store

    def subject(self, store: OpenedStore, kind: str, name: str) -> Subject:
        """Whom a question names.

        Raises:
            Refused: the kind is none.
        """
        if kind not in KINDS:
            raise Refused(422, f"one of {', '.join(KINDS)} as `kind`", repr(kind[:40]), "correct the request")
        return subject_of(store, self._keys, self._cleaning, kind, name)

    def list_of(self, kind: str, name: str, count: int, category: str | None) -> dict[str, Any]:
        """The list of a person; acts that came in as events during the last half hour are its session."""
        store = self.night()
        subject = self.subject(store, kind, name)
        key = self._agreed(store, subject)
        acts, unknown = self._sessions.acts(store, key)
        return self._answered(store, subject, key, acts, unknown, count, category)

    def list_of_session(self, session: Session) -> dict[str, Any]:
        """The list of a session, of a person or a stranger."""
        store = self.night()
        subject = Subject(None, None)
        if session.person is not None:
            subject = self.subject(store, session.kind, session.person)
        key = self._agreed(store, subject)
        acts, unknown = self._sessions.acts(store, key)
        now = time.time()
        if key is not None or (self._is_stranger(subject) and session.agreed):
            for act in session.acts:
                code = store.code_of(act.item_id)
                at = act.occurred_at.timestamp() if act.occurred_at is not None else now
                unknown += not code
                if code:
                    acts.append(SessionAct(code, act.action, at))
        return self._answered(
            store, subject, key, acts, unknown, session.count, session.category, sent=len(session.acts)
        )

    def similar(self, item_id: str, count: int, kind: str | None) -> dict[str, Any]:
        """Items that are like one: by what the night found, else popular ones of the category.

        Raises:
            Refused: the night does not know the item.
        """
        store = self.night()
        code = self._known_item(store, item_id)
        item = store.item(code)
        found = [
            {**store.item(other), "score": score, "kind": how}
            for other, how, score in store.neighbours(code)
            if (kind is None or how == kind) and store.may_be_shown(other, _today())
        ]
        if not found and kind is None:
            found = [
                {**store.item(other), "score": None, "kind": "category"}
                for _, other in zip(range(count + 1), store.same_category(item["category"]), strict=False)
                if other != code and store.may_be_shown(other, _today())
            ]
        return {"night": store.manifest.ds, "item_id": item["item_id"], "items": _each_once(found)[:count]}

    def why(self, kind: str, name: str, item_id: str) -> dict[str, Any]:
        """Why an item stands in a person's list, or does not.

        Raises:
            Refused: the night does not know the item.
        """
        store = self.night()
        code = self._known_item(store, item_id)
        subject = self.subject(store, kind, name)
        key = self._agreed(store, subject)
        acts, _ = self._sessions.acts(store, key)
        profiling = not self.refusals.refused(subject, _PROFILING)
        answer = recommend(store, key, acts, profiling=profiling, day=_today())
        shown = store.item(code)
        place = next((rank for rank, one in enumerate(answer.items, 1) if one.item == code), None)
        found = answer.items[place - 1] if place else None
        if found is None and key is not None:  # beyond the ten, for the campaigns of its category
            longer = (one for one in store.night_list(key) if one.item == code)
            beyond = next(longer, None)
        else:
            beyond = None
        return {
            "night": store.manifest.ds,
            "item_id": shown["item_id"],
            "title": shown["title"],
            "recommended": found is not None or beyond is not None,
            "rank": place,
            "score": found.score if found else beyond.score if beyond else None,
            "reason": found.reason if found else store.reason(beyond.reason) if beyond else None,
            "by": found.by if found else None,
            "model_version": found.version if found else beyond.version if beyond else None,
            "acted_on": key is not None and (code in store.history(key)[0] or code in {act.item for act in acts}),
        }

    def act(self, act: Act) -> dict[str, Any]:
        """Take an act in: counted, in the person's session, and in tonight's delivery.

        Raises:
            Refused: it is about no item, or its moment cannot be.
        """
        if act.action in ITEM_ACTIONS and act.item_id is None:
            raise Refused(422, f"item_id of an act `{act.action}`", "none", "say on what it was done")
        moment = self._moment(act.occurred_at)
        store = self.store
        event_id = act.event_id or secrets.token_hex(16)
        content = {
            "event_id": event_id,
            "occurred_at": moment.isoformat(),
            act.kind: act.person,
            **{
                name: value
                for name in ("action", "item_id", "value", "currency", "quantity", "order_id", "campaign", "device")
                if (value := getattr(act, name)) is not None
            },
        }
        day = self._written(source.ACTS, content)
        self.metrics.acts.labels(act.action).inc()
        if store is not None and act.action in ITEM_ACTIONS:
            key = self._agreed(store, subject_of(store, self._keys, self._cleaning, act.kind, act.person))
            if key is not None:
                self._sessions.remember(key, act.item_id, act.action, moment.timestamp())
        return {"event_id": event_id, "day": day}

    def decision(self, decision: Decision) -> dict[str, Any]:
        """Take a decision in: written down first; a withdrawal then counts from the next question on."""
        moment = self._moment(decision.occurred_at)
        event_id = secrets.token_hex(16)
        content = {
            "event_id": event_id,
            "occurred_at": moment.isoformat(),
            decision.kind: decision.person,
            "purposes": decision.purposes,
            "granted": decision.granted,
        }
        day = self._written(source.CONSENTS, content, certain=True)
        self.metrics.decisions.labels(str(decision.granted).lower()).inc()
        if not decision.granted:
            store = self.store
            pseudonym = pseudonym_of(self._keys, self._cleaning, decision.kind, decision.person)
            if pseudonym is not None:
                self.refusals.refuse(store, pseudonym, decision.purposes)
                if store is not None and (key := store.person_of(pseudonym)) is not None:
                    self._sessions.forget(key)
        return {"event_id": event_id, "day": day}

    def ready(self) -> dict[str, Any]:
        store = self.store
        manifest = store.manifest if store is not None else None
        return {
            "ready": store is not None,
            "night": manifest.ds if manifest else None,
            "store": manifest.name if manifest else None,
            "people": manifest.people if manifest else 0,
            "items": manifest.items if manifest else 0,
            "session_model": manifest.session_version or None if manifest else None,
            "challenger_model": manifest.challenger_version or None if manifest else None,
            "refusals": len(self.refusals),
            "alert": self.alert,
        }

    def _agreed(self, store: OpenedStore, subject: Subject) -> bytes | None:
        """The key of a person who agrees to personalisation, now; None for everybody else."""
        if subject.person in (None, layout.NOBODY) or self.refusals.refused(subject, _PERSONALISATION):
            return None
        return subject.person if store.person(subject.person) is not None else None

    def _is_stranger(self, subject: Subject) -> bool:
        return subject.person is None and not self.refusals.refused(subject, _PERSONALISATION)

    def _answered(
        self,
        store: OpenedStore,
        subject: Subject,
        key: bytes | None,
        acts: Sequence[SessionAct],
        unknown: int,
        count: int,
        category: str | None,
        *,
        sent: int = 0,
    ) -> dict[str, Any]:
        profiling = key is not None and not self.refusals.refused(subject, _PROFILING)
        answer: Answer = recommend(store, key, acts, profiling=profiling, count=count, category=category, day=_today())
        passed = answer.passed
        if key is None and not self._is_stranger(subject):
            passed["sequence"] = "no_consent"
        if "session" in passed and sent and not acts:
            agreed = key is not None or unknown
            passed["session"] = "no_known_item" if agreed else "no_consent"
        person = store.person(key) if key is not None else None
        self.metrics.spoke.labels(answer.spoke).inc()
        for link, why in passed.items():
            self.metrics.passed.labels(link, why).inc()
        return {
            "night": store.manifest.ds,
            "spoke": answer.spoke,
            "passed": passed,
            "model_version": answer.version,
            "experiments": person.arms if person is not None else {},
            "unknown_items": unknown,
            "items": answer_items(store, answer),
        }

    def _known_item(self, store: OpenedStore, item_id: str) -> int:
        code = store.code_of(item_id)
        if not code:
            raise Refused(404, f"an item of the night of {store.manifest.ds}", "another one", "look at its id")
        return code

    def _moment(self, said: datetime.datetime | None) -> datetime.datetime:
        """When it happened, UTC.

        Raises:
            Refused: longer ago than a week, or in the future.
        """
        now = datetime.datetime.now(datetime.UTC)
        if said is None:
            return now
        ahead = datetime.timedelta(minutes=_MOST_AHEAD_MINUTES)
        if not now - datetime.timedelta(days=_OLDEST_ACT_DAYS) <= said <= now + ahead:
            raise Refused(
                422,
                f"occurred_at of the last {_OLDEST_ACT_DAYS} days",
                "another moment",
                "look at the clock; what is older belongs into a delivery",
            )
        return said.astimezone(datetime.UTC)

    def _written(self, kind: str, content: dict[str, Any], *, certain: bool = False) -> str:
        """Append to tonight's delivery; returns its day.

        Raises:
            Refused: it could not be written.
        """
        try:
            self._deliveries.add(kind, content, certain=certain)
        except OSError as error:
            raise Refused(
                503, "room for a line of tonight's delivery", f"errno {error.errno}", "send it again later"
            ) from error
        return self._deliveries.day()


def _each_once(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of each item and of each title."""
    titles: set[str] = set()
    return [one for one in found if not (one["title"] in titles or titles.add(one["title"]))]


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
