"""Publish what texts mean as vectors, before the models of the night train.

item_vectors      what the title of each item means; null without a title, or for one that says nothing to the model
identifier_words  sums that each night goes on from: only the texts that are new since are read
person_words      of what people who agree to profiling write in posts, searches and answers: one vector, and interests

Interests follow from what the shop says of its categories, and from what people who agree to training write under the
hashtags of the seed. The model of texts is static and asks no network; NIGHTSHIFT_TEXT_MODEL names another, as
module:function. Both tables of people enter the profiles of the next night.

    python -m serving.words --ds 2026-11-20
    python -m serving.words --ds 2026-11-20 --all-texts
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict

import duckdb
import numpy as np

from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.lake import Lake
from contracts.report import Report, say
from contracts.settings import Settings, duckdb_config
from contracts.tables.marts import ITEM
from contracts.tables.served import IDENTIFIER_WORDS, ITEM_VECTORS, PERSON_WORDS
from lake_tables.arrow import read_mart
from lake_tables.topics import category_of_topic
from serving.words.categories import Categories, described, learned, topics_by_category
from serving.words.items import write_item_vectors
from serving.words.model import TextModel, text_model
from serving.words.people import night_before, write_people
from serving.words.texts import register_people, register_written, texts_under_hashtags


def main() -> None:
    arguments = day_parser("serving.words", __doc__)
    arguments.add_argument(
        "--all-texts", action="store_true", help="read all texts that the lake holds again, and go on from no night"
    )
    chosen = arguments.parse_args()
    exit_with_sentence(lambda: publish_words(chosen.ds, all_texts=chosen.all_texts))


def publish_words(ds: str, *, all_texts: bool = False) -> None:
    """Publish `item_vectors`, `identifier_words` and `person_words` of one day.

    Raises:
        LakeError: the persons or the marts of that day were not built.
        SettingsError: NIGHTSHIFT_TEXT_MODEL names no model.
        BusyError: another run of this is at work.
    """
    settings = Settings.from_env()
    lake = Lake(settings.home.lake)
    with lake.step("words"), Report(settings.home.reports, ds).timed("words") as fragment:
        model = text_model(settings.text_model)
        staging = lake.staging("words")
        files = {
            table.name: staging / f"{table.name}.parquet" for table in (ITEM_VECTORS, IDENTIFIER_WORDS, PERSON_WORDS)
        }
        items = write_item_vectors(lake, ds, model, files[ITEM_VECTORS.name])
        with duckdb.connect(config=duckdb_config()) as connection:
            register_people(connection, lake, ds)
            categories = learned_categories(connection, lake, ds, model, settings.smallest_group)
            since = "" if all_texts else night_before(lake, ds, model)
            register_written(connection, lake, since, ds)
            people = write_people(connection, lake, ds, model, categories, since, files)
        for name, file in files.items():
            lake.publish(name, ds, {file.name: file})
        fragment["words"] = {
            "model": model.name,
            "items": {**asdict(items), "with_vector": items.with_vector},
            "categories": {"known": len(categories.names), "learned_from": categories.learned_from},
            **asdict(people),
        }
    if items.items and not items.with_vector:
        say("words: WARNING: no item has a title that the model can read; what needs vectors of items does without")
    learned_from = f"{categories.learned_from:,} texts under hashtags" if categories.learned_from else "descriptions"
    say(f"words: vectors of {items.with_vector:,} of {items.items:,} items by {model.name}")
    say(
        f"words: {people.new_texts:,} texts since {people.since or 'the first'}, {people.unread:,} of them unreadable; "
        f"{people.people:,} people have a vector, {len(categories.names):,} categories by {learned_from}"
    )


def learned_categories(
    connection: duckdb.DuckDBPyConnection, lake: Lake, ds: str, model: TextModel, smallest_group: int
) -> Categories:
    """Of which categories texts can speak, by the catalogue of a day and what people wrote under hashtags.

    Args:
        connection: with `people`, as `register_people` makes it.
        smallest_group: people who stand behind what is learned of a category, at least.
    """
    titles = defaultdict(list)
    rows = read_mart(lake, ITEM.name, ds, ["title", "category"])
    for title, category in zip(rows["title"].to_pylist(), rows["category"].to_pylist(), strict=True):
        if category != "unknown":
            titles[category].append(title)
    names, meanings = described(titles, topics_by_category(category_of_topic()), model)
    rows = texts_under_hashtags(connection, lake, ds, names, smallest_group)
    texts = rows["text"].to_pylist()
    place_of = {name: place for place, name in enumerate(names)}
    labels = np.array([place_of[category] for category in rows["category"].to_pylist()], "int64")
    return learned(names, meanings, texts, model.embed(texts), labels)


if __name__ == "__main__":
    main()
