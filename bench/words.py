"""Interests found in what people write, hashtags removed: the town's planted interests, and single texts by language.

The town's people post under hashtags; here these are taken away, and the three heaviest interests in the words of a
person are held against the three planted ones (recall@3, over everybody who posted something readable). Categories are
learned from one half of the people, and asked of the other half, then the other way round. Ways that are compared:

words          descriptions of the categories, and what the other half wrote under hashtags: what a night does
descriptions   name, topics of the seed and titles of the items of each category alone: nobody is learned from
new sentences  as words, but only sentences are asked that nobody of the other half wrote (each is known or new by lot)
keywords       how many words of a text stand in a category's description
tfidf          the nearest category by TF-IDF of those descriptions
tfidf learned  logistic regression on TF-IDF of what the other half wrote under hashtags
popularity     the three interests that most of the other half have
oracle         the category of each post is known, as its hashtags say it: no way of reading finds more

With --home, the newest night of a lake of the town is read instead: interests of acts alone, without any hashtag and
search word, and of acts and words together.

    python -m bench.words [--seeds 1 2 3] [--people 2000]
    python -m bench.words --home var
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from bench import result
from bench.other_languages import SENTENCES as OTHER_LANGUAGES
from contracts.entry_point import exit_with_sentence
from contracts.home import Home
from contracts.keys import pseudonym_keys
from contracts.lake import Lake
from contracts.pseudonyms import pseudonym
from contracts.settings import Settings
from sample_data import posts
from sample_data.feeds.social import social
from sample_data.items import Shop, open_shop
from sample_data.parameters import Parameters
from sample_data.people import Person, settle
from sample_data.truth import interest_recall, main_profiles
from serving.words.categories import described, learned
from serving.words.model import TextModel, text_model

_MARKUP = (r"<a [^>]*>.*?</a>", r"<[^>]*>|&[#A-Za-z0-9]{1,8};")
"""As `spark_jobs/mappings/mastodon.yml` takes them out."""


@dataclass(frozen=True)
class Posted:
    """The posts of a town, one element each."""

    people: np.ndarray
    texts: list[str]
    categories: np.ndarray
    """What each is about, as its hashtags say."""
    languages: np.ndarray
    tastes: Mapping[int, Sequence[str]]
    """Person -> the three planted interests."""
    shop: Shop


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.words", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="towns (%(default)s)")
    parser.add_argument("--people", type=int, default=2000, help="of a town (%(default)s)")
    parser.add_argument("--home", type=Path, help="read the newest night of this home instead")
    options = parser.parse_args()
    if options.home:
        exit_with_sentence(lambda: result.write(acts_and_words(options.home)))
    else:
        exit_with_sentence(lambda: compare_towns(options.seeds, options.people))


def compare_towns(seeds: Sequence[int], people: int) -> None:
    """Measure some towns, and print their means and standard deviations."""
    model = text_model(Settings.from_env().text_model)
    started = time.monotonic()
    found = [measured(post(Parameters(people=people, seed=seed)), model) for seed in seeds]
    line: dict[str, Any] = {"bench": "words", "protocol": "recall@3, hashtags removed; learned from the other half"}
    line |= {"model": model.name, "seeds": list(seeds), "people": people}
    for part in found[0]:
        line[part] = {
            name: [round(float(np.mean(values)), 4), round(float(np.std(values)), 4)]
            for name in found[0][part]
            for values in [[one[part][name] for one in found]]
        }
    result.write({**line, "seconds": round(time.monotonic() - started, 1)})


def post(parameters: Parameters) -> Posted:
    """What the people of a town post, without hashtags."""
    shop = open_shop(parameters.generator("shop"), parameters.lines)
    everybody = settle(parameters, shop)
    feed = social(parameters, shop, everybody)
    owner_of = {handle.acct: person for person in everybody for handle in person.handles}
    category_of = {topic: category for category, topics in shop.topics.items() for topic in topics}
    seen: dict[str, tuple[int, str, str, str]] = {}
    for name, content in feed.files.items():
        if name.endswith(".jsonl.gz") and not name.endswith("statuses-2.jsonl.gz"):
            for line in gzip.decompress(content).splitlines():
                if status := _read(line, owner_of, category_of):
                    seen.setdefault(*status)
    people, texts, categories, languages = zip(*seen.values(), strict=True)
    tastes = {person.number: person.interests for person in everybody}
    return Posted(np.array(people), list(texts), np.array(categories), np.array(languages), tastes, shop)


def _read(
    line: bytes, owner_of: Mapping[str, Person], category_of: Mapping[str, str]
) -> tuple[str, tuple[int, str, str, str]] | None:
    """Id, and person, text, category and language of a status; None where it is dirt."""
    try:
        status = json.loads(line)
    except ValueError:
        return None
    person = owner_of.get(status["account"]["acct"])
    tags = {category_of[tag["name"]] for tag in status["tags"]}
    if person is None or len(tags) != 1:
        return None
    text = status["content"]
    for pattern in _MARKUP:
        text = re.sub(pattern, " ", text)
    return status["id"], (person.number, text.strip(), tags.pop(), status["language"])


def measured(town: Posted, model: TextModel) -> dict[str, dict[str, float]]:
    """recall@3 of each way, and the share of posts whose likeliest category is the right one, by language."""
    titles = {
        category: [item.title for line in town.shop.lines[category] for item in line] for category in town.shop.lines
    }
    names, meanings = described(titles, town.shop.topics, model)
    vectors = _embedded(model, town.texts)
    labels = np.searchsorted(names, town.categories)
    reads = vectors.any(axis=1)
    fold = np.array([zlib.crc32(f"half {person}".encode()) % 2 for person in town.people])
    is_new, is_known = _by_sentence(town.texts)
    ways: dict[str, np.ndarray] = {}
    untaught = learned(names, meanings, [], vectors[:0], labels[:0])
    ways["descriptions"] = untaught.chances(town.texts, vectors)
    for way in ("words", "new sentences", "tfidf learned", "tfidf learned, new sentences", "popularity"):
        ways[way] = np.zeros((len(vectors), len(names)))
    for half in (0, 1):
        asked, teaches = fold == half, (fold != half) & reads
        for way, of in (("words", teaches), ("new sentences", teaches & is_known)):
            taught = learned(names, meanings, _some(town.texts, of), vectors[of], labels[of])
            ways[way][asked] = taught.chances(_some(town.texts, asked), vectors[asked])
        for way, of in (("tfidf learned", teaches), ("tfidf learned, new sentences", teaches & is_known)):
            ways[way][asked] = _tfidf_learned(town.texts, labels, of, asked, len(names))
        wanted = [interest for person in set(town.people[fold != half]) for interest in town.tastes[person]]
        ways["popularity"][asked] = [wanted.count(name) for name in names]
    descriptions = [" ".join([name, *town.shop.topics[name], *titles[name]]).lower() for name in names]
    ways["keywords"] = _keywords(town.texts, descriptions)
    ways["tfidf"] = _tfidf(town.texts, descriptions)
    ways["oracle"] = np.eye(len(names))[labels]
    recalls = {way: _recall(town, found, names) for way, found in ways.items() if "new sentences" not in way}
    of_new = {"words": "new sentences", "tfidf learned": "tfidf learned, new sentences"}
    recalls |= {
        f"new sentences: {way}": _recall(town, np.where(is_new[:, None], ways[of_new.get(way, way)], 0), names)
        for way in ("words", "descriptions", "tfidf learned", "oracle")
    }
    languages = {}
    for way in ("words", "new sentences", "descriptions", "tfidf learned"):
        for language in posts.LANGUAGES:
            of = (town.languages == language) & reads & (is_new if way == "new sentences" else True)
            languages[f"{way}: {language}"] = float((ways[way][of].argmax(axis=1) == labels[of]).mean())
    for language, sentences in OTHER_LANGUAGES.items():
        texts = [text for of in sentences.values() for text in of]
        right = np.repeat(np.searchsorted(names, list(sentences)), [len(of) for of in sentences.values()])
        chances = untaught.chances(texts, model.embed(texts))
        languages[f"descriptions: {language}"] = float(((chances.argmax(axis=1) == right) & chances.any(axis=1)).mean())
    return {"recall@3": recalls, "right_posts": languages, "read_posts": {"share": float(reads.mean())}}


def _embedded(model: TextModel, texts: Sequence[str]) -> np.ndarray:
    known, places = np.unique(texts, return_inverse=True)
    return np.concatenate([model.embed(part.tolist()) for part in np.array_split(known, 1 + len(known) // 4096)])[
        places
    ]


def _some(texts: Sequence[str], chosen: np.ndarray) -> list[str]:
    return [texts[place] for place in np.flatnonzero(chosen)]


def _by_sentence(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Which posts have new sentences alone, and which known ones alone (posts,), (posts,)."""
    sentences = [one for of in posts.SENTENCES.values() for those in of.values() for one in those]
    pattern = re.compile("|".join(re.escape(one) for one in sorted(sentences, key=len, reverse=True)))
    new = {one: zlib.crc32(one.encode()) % 2 == 1 for one in sentences}
    found = [{new[one] for one in pattern.findall(text)} for text in texts]
    return np.array([one == {True} for one in found]), np.array([one == {False} for one in found])


def _keywords(texts: Sequence[str], descriptions: Sequence[str]) -> np.ndarray:
    words = [set(re.findall(r"\w+", text)) for text in descriptions]
    return np.array(
        [[len(said & of) for of in words] for text in texts for said in [set(re.findall(r"\w+", text.lower()))]]
    )


def _tfidf(texts: Sequence[str], descriptions: Sequence[str]) -> np.ndarray:
    vectorizer = TfidfVectorizer().fit(descriptions)
    near = (vectorizer.transform(texts) @ vectorizer.transform(descriptions).T).toarray()
    return np.where(near == near.max(axis=1, keepdims=True), near > 0, 0).astype(float)


def _tfidf_learned(
    texts: Sequence[str], labels: np.ndarray, teaches: np.ndarray, asked: np.ndarray, categories: int
) -> np.ndarray:
    vectorizer = TfidfVectorizer(sublinear_tf=True)
    known = vectorizer.fit_transform(_some(texts, teaches))
    model = LogisticRegression(max_iter=300, C=10).fit(known, labels[teaches])
    found = np.zeros((asked.sum(), categories))
    found[:, model.classes_] = model.predict_proba(vectorizer.transform(_some(texts, asked)))
    return found


def _recall(town: Posted, chances: np.ndarray, names: Sequence[str]) -> float:
    """Mean recall@3 over people with a post of which anything was found; of equal interests the first by name."""
    people, owners = np.unique(town.people, return_inverse=True)
    sums = np.zeros((len(people), len(names)))
    np.add.at(sums, owners, chances)
    shares = []
    for person, found in zip(people.tolist(), sums, strict=True):
        if found.any():
            best = {names[place] for place in np.argsort(-found, kind="stable")[:3] if found[place] > 0}
            shares.append(len(best & set(town.tastes[person])) / 3)
    return float(np.mean(shares))


def acts_and_words(root: Path) -> dict[str, Any]:
    """recall@3 on the newest night of a lake: of acts on items alone, of words alone, and of both added up."""
    settings = Settings.from_env({"NIGHTSHIFT_HOME": str(root)})
    lake = Lake(Home(root.resolve()).lake)
    ds = lake.days("person_words")[-1]
    truth = json.loads((settings.home.truth / "town.json").read_text())
    kinds = {"accounts": "account", "cookies": "cookie", "emails": "email", "handles": "handle"}
    keys = pseudonym_keys(settings)
    planted = {
        pseudonym(keys, kind, raw): person["person"]
        for person in truth["people"]
        for plural, kind in kinds.items()
        for raw in person[plural]
    }
    tastes = {person["person"]: person["interests"] for person in truth["people"]}
    with duckdb.connect() as connection:

        def read(table: str, days: str = ds) -> str:
            return f"read_parquet('{lake.root}/{table}/ds={days}/*.parquet', union_by_name = true)"

        persons = dict(connection.sql(f"select identifier, person_id from {read('persons')}").fetchall())
        end = f"timestamptz '{ds} 00:00:00+00' + interval 1 day"
        acts = f"""
            select person_id, items.category, sum(
                case action when 'view' then 1 when 'cart' then 3 when 'purchase' then 5 when 'rate' then value / 2 end
                * power(0.5, greatest(0, date_diff('second', occurred_at, {end}) / 86400.0) / 30)
            ) as weight
            from {read("events", "*")} as events join {read("persons")} as persons using (identifier)
            join {read("dim_person_consent")} as consents using (person_id)
            join {read("dim_item")} as items using (item_id)
            where consent_profiling and action in ('view', 'cart', 'purchase', 'rate') group by all
        """
        words = f"""
            select person_id, one.category, sum(one.weight) as weight
            from (select identifier, unnest(expected_texts) as one from {read("identifier_words")}) as written
            join {read("persons")} as persons using (identifier) group by all
        """
        found = {"acts": acts, "words": words, "acts_and_words": f"({acts}) union all ({words})"}
        recalls = {}
        for name, sql in found.items():
            rows = connection.sql(f"""
                select person_id, list(category order by weight desc, category)[:3]
                from (select person_id, category, sum(weight) as weight from ({sql}) group by all) group by all
            """).fetchall()
            recalls[name] = interest_recall(tastes, main_profiles(planted, persons), dict(rows))
            recalls[f"{name}_people"] = len(rows)
    return {"bench": "words", "protocol": "recall@3 on a night of the town, no hashtags", "ds": ds, **recalls}


if __name__ == "__main__":
    main()
