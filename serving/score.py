"""Score everyone who agreed to personalisation with the champions of the night, and publish the scores.

scores       ten items each, and behind them the best of each category of which a campaign carries nothing else; why,
             for those that a campaign can carry. What cannot be had on the morning after, and what serving/rules.yml
             (unless NIGHTSHIFT_RULES says otherwise) keeps out, is left out before that, and counted
responses    for each campaign the chance to click, to buy and to leave, the euros expected from sending, and why
uplifts      for each campaign that had an experiment what sending changes in chances and euros, and why
predictions  taste vector, interests in posted photos and sounds, chance to leave, best campaign: for the profile

Where a version is in shadow (`training.promote --mode shadow`), `shadow_scores` are what it would have recommended.

Scores and tastes of people for whom nothing has changed are those of the night before: a night ranks as many people as
came, not as there are. Responses are predicted for all, as they follow from how long ago things were.

Reads the marts of the day. Items that a person has acted on are left out; people without history get what is popular,
and so do those who would be left without any item, and everyone while no model has earned to be champion. Where a model
has no champion, its columns are empty.
A person for whom there is no usable ranking is counted as failed and gets no row.

    python -m serving.score --ds 2026-11-20
    python -m serving.score --ds 2026-11-20 --changed-since 2026-11-19
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.arguments import day, day_parser
from contracts.entry_point import exit_with_sentence
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.schema import Table
from contracts.settings import Settings
from contracts.tables.served import PREDICTIONS, RESPONSES, SCORES, UPLIFTS
from contracts.verdicts import last_champions
from lake_tables.arrow import arrow_schema
from lake_tables.shown.catalogue import Catalogue, morning_after
from lake_tables.shown.rules import Rules, read_rules
from serving.scoring.buying_again import NOTHING_DUE, items_due
from serving.scoring.champions import Champion, Champions, vectors_for
from serving.scoring.histories import in_batches
from serving.scoring.kept_scores import KeptScores, inputs_of
from serving.scoring.marts import Marts
from serving.scoring.media import MEDIA, Looked, Medium, media_interests
from serving.scoring.predictions import NO_RESPONSES, best_campaigns, predict_people, taste_vectors
from serving.scoring.recommendations import POPULARITY, recommend
from serving.scoring.responses import predict_responses
from serving.scoring.shadows import publish_shadow_scores
from serving.scoring.shelf import Shelf, campaign_demand
from serving.scoring.uplifts import predict_uplifts
from training.registry.client import CHAMPION, Registry

_KNOWN = ("taste_vector", *(medium.interests for medium in MEDIA))

_PEOPLE_A_BATCH = 32_768
"""Their tastes and scores are a hundred megabytes."""


def main() -> None:
    arguments = day_parser("serving.score", __doc__)
    arguments.add_argument(
        "--changed-since",
        type=day,
        metavar="YYYY-MM-DD",
        help="score only people whose identity changed after that day; all others keep what was published for it",
    )
    arguments.add_argument("--everyone", action="store_true", help="score everybody anew, whatever still holds")
    chosen = arguments.parse_args()
    exit_with_sentence(lambda: score(chosen.ds, chosen.changed_since, everyone=chosen.everyone))


def score(ds: str, changed_since: str | None = None, *, everyone: bool = False) -> None:
    """Publish `scores`, `responses`, `uplifts` and `predictions` of one day.

    Args:
        changed_since: a day that was scored; only people whose identity changed after it are scored again.
        everyone: score everybody; otherwise people keep what was published for the latest earlier day where it follows
            from the same as tonight (`serving/scoring/kept_scores.py`).

    Raises:
        LakeError: the marts of that day were not built, a person in them did not agree to personalisation, or the day
            `changed_since` was not scored.
        ModelError: a champion's files are not those that were registered.
        RegistryError: the registry does not answer.
        BusyError: another run is scoring.
    """
    settings = Settings.from_env()
    lake = Lake(settings.home.lake)
    with lake.step("score"), Report(settings.home.reports, ds).timed("score") as fragment:
        champions = Champions(Registry.of(settings), night=(lake, ds))
        marts = Marts.read(lake, ds, champions)
        people = marts.people
        rules = read_rules(settings.rules, (file.stem for file in settings.campaigns.glob("*.yml")))
        shelf_of = shelves(settings, rules)
        shelf = shelf_of(marts.catalogue, ds, champions.get("next_item"))
        due = _due(lake, ds, people, marts.catalogue, rules)
        inputs = inputs_of(people, marts, champions, shelf, rules, due)
        if changed_since is not None:
            kept = KeptScores.by_identity(lake, ds, changed_since, people, shelf)
        elif everyone:
            kept = KeptScores.none(lake, people)
        else:
            kept = KeptScores.by_inputs(
                lake, ds, people, inputs, shelf, lambda since: shelf_of(Catalogue.read(lake, since), since)
            )
        anew = int((~kept.keeps).sum())

        staging = lake.staging("score")
        file = staging / "responses.parquet"
        earlier = kept if changed_since is not None else None
        best, predicted = write_responses(file, marts.recipients, champions.get("response"), people, earlier)
        staged = {RESPONSES.name: file, UPLIFTS.name: staging / f"{UPLIFTS.name}.parquet"}
        changes = write_uplifts(staged[UPLIFTS.name], marts.recipients, champions.get("uplift"), people)

        scored, fell_back, ranked_by, known = 0, 0, set(), Counter(dict.fromkeys(_KNOWN, 0))
        looked = {medium.name: Looked() for medium in MEDIA}
        with contextlib.ExitStack() as open_files:
            writers = {}
            for table in (SCORES, PREDICTIONS):
                staged[table.name] = staging / f"{table.name}.parquet"
                writer = pq.ParquetWriter(staged[table.name], arrow_schema(table))
                writers[table.name] = open_files.enter_context(writer)
            for start in range(0, len(people), _PEOPLE_A_BATCH):
                batch = slice(start, start + _PEOPLE_A_BATCH)
                some, keeps = people[batch], kept.keeps[batch]
                before = kept.rows(PREDICTIONS, some, keeps)
                scores, found, back = _scores(some, kept, keeps, before, marts, champions, shelf, due)
                fell_back += back
                by_model = scores.filter(pc.not_equal(scores["model_version"], POPULARITY))["person_id"]
                own = np.where(pd.Index(some).isin(by_model.to_numpy()), inputs[batch], None)
                scored += pc.count_distinct(scores["person_id"]).as_py()
                ranked_by |= set(pc.unique(scores["model_version"]).to_pylist())
                writers[SCORES.name].write_table(scores)
                predicts = np.full(len(some), True) if changed_since is None else ~keeps
                seen = []
                for medium, posted in _posted(marts):
                    interests, files = media_interests(
                        settings.raw, posted, some[predicts], medium, champions.get(medium.model)
                    )
                    seen.append(interests)
                    looked[medium.name] = looked[medium.name].plus(files)
                chosen = found.filter(pa.array(predicts))
                found = predict_people(
                    some[predicts], chosen["taste_vector"], chosen["passed_over"], own[predicts], seen, best
                )
                if changed_since is not None:
                    found = _sorted(PREDICTIONS, found, before)
                writers[PREDICTIONS.name].write_table(found)
                known.update({name: len(found) - found[name].null_count for name in _KNOWN})
        for table in (SCORES, RESPONSES, UPLIFTS, PREDICTIONS):
            lake.publish(table.name, ds, {staged[table.name].name: staged[table.name]})
        fragment["shadow"] = publish_shadow_scores(settings, lake, ds, people, marts, champions, rules, due)
        if alerts := _lost_champions(settings, champions):
            fragment["models"] = {model: {"alert": alert} for model, alert in alerts.items()}
        fragment |= {"scored_people": scored, "failed_people": len(people) - scored, "scored_anew": anew}
        fragment["unavailable"] = {
            "items": shelf.barred,
            "recommendations": shelf.passed_over,
            "people": shelf.people_passed_over,
            "fell_back": fell_back,
        }
        fragment["media"] = {name: files.counts() for name, files in looked.items() if files.files}
        fragment["rules"] = {
            "excluded": int((~shelf.best.could).sum()),
            "buy_again": len(due),
            "unknown": rules.unknown_names(marts.catalogue),
        }
    for sentence in fragment["rules"]["unknown"]:
        say(f"score: WARNING: {sentence}")
    if shelf.barred:
        say(
            f"score: {shelf.barred:,} items cannot be had, or not at that price; {shelf.passed_over:,} recommendations "
            f"of {shelf.people_passed_over:,} people went to others"
        )
    if fell_back:
        say(f"score: {fell_back:,} people would have been left without any item, and got that of the next ranker")
    if kept.since:
        say(f"score: {anew:,} people scored again, {len(people) - anew:,} as on {kept.since}")
    by = ", ".join(sorted(ranked_by)) or "no model"
    say(f"score: {scored:,} people ranked by {by}, {len(people) - scored:,} failed")
    say(
        f"score: {predicted:,} responses and {changes:,} uplifts predicted; taste vectors of "
        f"{known['taste_vector']:,} people, interests in photos of {known['picture_interests']:,}, in sounds of "
        f"{known['sound_interests']:,}"
    )
    for name, files in looked.items():
        if files.remarks:
            reasons = ", ".join(f"{remark} {count:,}" for remark, count in sorted(files.remarks.items()))
            say(f"score: of {files.files:,} posted {name} {files.unused:,} could not be used ({reasons})")


def shelves(settings: Settings, rules: Rules) -> Callable[..., Shelf]:
    """What makes the shelf of a catalogue, a night, and the champion whose items' vectors a diversity may use."""
    demand = campaign_demand(settings.campaigns, rules.campaigns)

    def shelf_of(catalogue: Catalogue, ds: str, champion: Champion | None = None) -> Shelf:
        return Shelf.of(catalogue, morning_after(ds), demand, rules, vectors_for(rules, champion, catalogue))

    return shelf_of


def _posted(marts: Marts) -> Iterator[tuple[Medium, pd.DataFrame]]:
    """Each kind of media with the files of it that people posted; no files where no champion looks at them."""
    for medium in MEDIA:
        yield medium, marts.posted.get(medium.name, pd.DataFrame(columns=["person_id", "path"]))


def _due(lake: Lake, ds: str, people: np.ndarray, catalogue: Catalogue, rules: Rules) -> pa.Table:
    if rules.buy_again is None:
        return NOTHING_DUE
    return items_due(lake, ds, morning_after(ds), people, catalogue, rules.buy_again)


def _scores(
    people: np.ndarray,
    kept: KeptScores,
    keeps: np.ndarray,
    before: pa.Table,
    marts: Marts,
    champions: Champions,
    shelf: Shelf,
    due: pa.Table,
) -> tuple[pa.Table, pa.Table, int]:
    """The rows of `scores` of some people, by person and rank; what else was found of each; how many fell back.

    Args:
        people: ids, sorted (people,).
        keeps: who keeps what was published (people,).
        before: the rows of `predictions` that they keep.
        due: what `items_due` finds.

    Returns:
        Of what was found, by person: person_id, taste_vector, passed_over.
    """
    scores, fell_back = [kept.rows(SCORES, people, keeps)], 0
    found = [before.select(["person_id", "taste_vector", "passed_over"])]
    for batch, histories in in_batches(people[~keeps], marts.histories, marts.tastes, due):
        again = histories["item_ids"].tolist()
        histories = histories.drop(columns="item_ids")
        recommended = recommend(batch, histories, marts.items, champions, shelf, again)
        scores.append(_as_table(recommended.rows, SCORES))
        fell_back += recommended.fell_back
        tastes = taste_vectors(histories, champions.get("taste_autoencoder"))
        passed_over = pa.array(recommended.passed_over, pa.list_(pa.string()))
        arrays = [pa.array(batch, pa.string()), tastes, passed_over]
        found.append(pa.Table.from_arrays(arrays, schema=found[0].schema))
    return _sorted(SCORES, *scores), pa.concat_tables(found).sort_by("person_id").combine_chunks(), fell_back


def write_responses(
    file: Path, recipients: pa.Table, champion: Champion | None, people: np.ndarray, kept: KeptScores | None
) -> tuple[pd.DataFrame, int]:
    """Write the rows of `responses` of some people, those of another day where they keep these.

    Returns:
        What `best_campaigns` finds among the responses of everybody, and the number of these.
    """
    best, predicted = [], 0
    with pq.ParquetWriter(file, arrow_schema(RESPONSES)) as writer:
        for rows in predict_responses(recipients, champion):
            wanted = rows["person_id"].isin(people if kept is None else people[~kept.keeps])
            writer.write_table(_as_table(rows[wanted], RESPONSES))
            best.append(best_campaigns(rows))
            predicted += len(rows)
        if kept is not None:
            writer.write_table(kept.rows(RESPONSES, people, kept.keeps))
    return pd.concat(best) if best else best_campaigns(NO_RESPONSES), predicted


def write_uplifts(file: Path, recipients: pa.Table, champion: Champion | None, people: np.ndarray) -> int:
    """Write the rows of `uplifts` of some people; returns their number."""
    written = 0
    with pq.ParquetWriter(file, arrow_schema(UPLIFTS)) as writer:
        for rows in predict_uplifts(recipients, champion):
            wanted = rows[rows["person_id"].isin(people)]
            writer.write_table(_as_table(wanted, UPLIFTS))
            written += len(wanted)
    return written


def _lost_champions(settings: Settings, champions: Champions) -> dict[str, str]:
    """By model an alert, where one had become champion and there is none any more; each is also said."""
    alerts = {
        model: f"version {version} had become champion, and there is no champion any more: what it said is missing, "
        "or what is popular stands in its place; move the alias `champion` to a version, or train and promote"
        for model, version in last_champions(settings.home.ledger).items()
        if champions.registry.aliased(model, CHAMPION) is None
    }
    for model, alert in alerts.items():
        say(f"score: alert: {model}: {alert}")
    return alerts


def _sorted(table: Table, *parts: pa.Table) -> pa.Table:
    return pa.concat_tables(parts).sort_by([(name, "ascending") for name in table.key])


def _as_table(rows: pd.DataFrame, table: Table) -> pa.Table:
    return pa.Table.from_pandas(rows, schema=arrow_schema(table), preserve_index=False)


if __name__ == "__main__":
    main()
