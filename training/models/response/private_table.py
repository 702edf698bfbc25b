"""Yes-or-no answers from a table of mixed columns, learned under differential privacy of people.

What a plain training reads off its rows before and after the steps is here public, noised or left out:

- numbers are scaled by knots that no row decided on (`features.public_scale`);
- categories are those that are public, or else those whose noised count of people passes a threshold;
- a mean order comes from noised sums;
- every epoch is trained, nothing is chosen by the validation rows, and chances are not calibrated by them: they may be
  rows of the same people;
- rows weigh the same whatever their age, and no synthetic rows are added, since their generator is not private.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import tensorflow as tf
from scipy.sparse import coo_matrix
from scipy.stats import norm

from contracts.errors import ModelError
from training.learner import Context
from training.loop import train_epochs
from training.metrics.auc import placements
from training.models.response.features import FeatureSpace, category_column, public_scale
from training.models.response.network import NOT_KNOWN, ResponseConfig, build
from training.models.response.table import FittedTable, Table, logits_of
from training.parts import Part
from training.privacy.accounting import Spending, spending

MOST_ROWS = 64
"""Most rows of a person in a step, at random; the gradient of a person has the same bound whatever this is."""

MOST_VALUES = 16
"""Most different categories of a column that a person counts for."""

MOST_EUROS = 200.0
"""An order counts for at most this much in the noised mean."""

MOST_ORDERS = 3.0
"""Length of what a person's orders add to the noised sums, in orders."""


@dataclass(frozen=True)
class Noised:
    """The statistics that a private training reads off its rows, in one table of noised sums."""

    vocabularies: Mapping[str, list[str]]
    order_value: float
    order_values: Mapping[str, float]


def table_spending(table: Table, config: ResponseConfig) -> Spending:
    """What a private training on this table costs.

    Raises:
        ModelError: the configuration asks for something that is not private.
    """
    _require_private(config)
    people = len(np.unique(table.owners[table.training]))
    threshold = any(name not in table.public for name in table.categories)
    return spending(
        config.privacy, people=people, batch_people=config.batch_size, epochs=config.epochs, threshold=threshold
    )


def fit_table_privately(
    table: Table,
    config: ResponseConfig,
    context: Context,
    *,
    watched: str,
    euros: np.ndarray | None = None,
    order_by: str = "",
) -> tuple[FittedTable, Noised]:
    """Train on the people of the training parts; the net and what else was learned.

    Args:
        euros: what was bought in each row, NaN where it is not known (rows,).
        order_by: the category column by which mean orders are told apart.
    """
    spent = table_spending(table, config)
    training, owners = table.training, np.unique(table.owners[table.training], return_inverse=True)[1]
    noised = _noised_statistics(table, owners, spent, np.random.default_rng(), euros, order_by)
    scales = {name: public_scale(table.intervals.get(name)) for name in table.numbers}
    space = FeatureSpace(
        knots={name: knots for name, (knots, _) in scales.items()},
        heights={name: heights for name, (_, heights) in scales.items()},
        vocabularies=noised.vocabularies,
    )
    encoded = space.encode(table.rows)
    labels = np.where(table.parts == Part.TRAIN, table.labels, NOT_KNOWN).astype("float32")[training]
    model = build(
        config,
        numbers=encoded[0].shape[1],
        codes=space.codes,
        unknown_codes=space.unknown_codes,
        positive_shares=np.full(len(table.answers), 0.5),
        spent=spent,
    )
    answers = len(table.answers)
    slices = space.slices(config.embedding_dimensions)
    fitted = FittedTable(model.embedder, model.head, space, slices, np.ones(answers), np.zeros(answers))
    validation, yes = [one[table.places(0, Part.VALIDATION)] for one in encoded], table.yes(0, Part.VALIDATION)

    def validate() -> Mapping[str, float]:
        return {watched: float(placements(logits_of(model.embedder, model.head, *validation)[:, 0], yes).mean())}

    numbers, codes = (one[training] for one in encoded)
    fitted.epochs = train_epochs(
        model,
        people_batches(numbers, codes, labels, owners, space.unknown_codes, config, spent),
        validate=validate,
        watched=watched,
        epochs=config.epochs,
        patience=0,
        context=context,
        keep="last",
    )
    return fitted, noised


def people_batches(
    numbers: np.ndarray,
    codes: np.ndarray,
    labels: np.ndarray,
    owners: np.ndarray,
    unknown_codes: np.ndarray,
    config: ResponseConfig,
    spent: Spending,
) -> tf.data.Dataset:
    """People drawn by chance, each with all rows: ((numbers, codes), (labels, places of each person's rows)).

    Chance is never that of the configuration's seed: who knew it would know who was drawn.
    """
    random = np.random.default_rng()
    order = np.argsort(owners, kind="stable")
    starts = np.searchsorted(owners[order], np.arange(spent.people + 1))
    steps, nothing = -(-spent.steps // config.epochs), np.full((1, labels.shape[1]), NOT_KNOWN, "float32")

    def epoch() -> Iterator[tuple]:
        for _ in range(steps):
            people = np.flatnonzero(random.random(spent.people) < spent.sampling_rate)
            if not len(people):  # a step of noise alone: one row of nobody, whose answers are not known
                yield (np.zeros((1, numbers.shape[1]), "float32"), unknown_codes[None, :]), (nothing, np.zeros((1, 1)))
                continue
            rows, places = _rows_of(people, order, starts, random)
            values, words = numbers[rows], codes[rows]
            hidden = random.random((len(rows), values.shape[1] // 2)) < config.hidden_share
            values[:, ::2][hidden] = 0
            values[:, 1::2][hidden] = 1
            words = np.where(random.random(words.shape) < config.hidden_share, unknown_codes, words)
            yield (values, words), (labels[rows], places)

    signature = (
        (tf.TensorSpec((None, numbers.shape[1]), "float32"), tf.TensorSpec((None, codes.shape[1]), "int32")),
        (tf.TensorSpec((None, labels.shape[1]), "float32"), tf.TensorSpec((None, None), "int32")),
    )
    dataset = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)


def _rows_of(
    people: np.ndarray, order: np.ndarray, starts: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of some people, and where each one's stand among them, their number for none (people, most rows)."""
    lengths = starts[people + 1] - starts[people]
    kept = np.minimum(lengths, MOST_ROWS)
    person = np.repeat(np.arange(len(people)), kept)
    place = np.arange(kept.sum()) - np.repeat(np.cumsum(kept) - kept, kept)
    shift = random.integers(0, np.maximum(lengths, 1))[person]  # of more rows than are kept, a random run of them
    rows = order[starts[people][person] + (place + shift) % lengths[person]]
    places = np.full((len(people), max(1, kept.max(initial=0))), len(rows), "int32")
    places[person, place] = np.arange(len(rows))
    return rows, places


def _noised_statistics(
    table: Table,
    owners: np.ndarray,
    spent: Spending,
    random: np.random.Generator,
    euros: np.ndarray | None,
    order_by: str,
) -> Noised:
    """One Gaussian release: each block of a person's statistics has a length of at most 1."""
    rows = table.rows.iloc[table.training]
    asked = [name for name in table.categories if name not in table.public]
    blocks = len(asked) + (euros is not None)
    deviation = spent.statistics_noise * np.sqrt(max(blocks, 1))
    vocabularies = {name: sorted(table.public.get(name, ())) for name in table.categories}
    for name in asked:
        values, codes = np.unique(category_column(rows, name), return_inverse=True)
        counts = _shares_of_people(owners, codes, len(values)) + random.normal(0, deviation, len(values))
        chance = spent.threshold_delta / (MOST_VALUES * len(asked))
        threshold = 1.0 + deviation * float(norm.isf(chance))
        vocabularies[name] = values[counts >= threshold].tolist()
    order_value, order_values = 0.0, {}
    if euros is not None:
        kept = vocabularies[order_by]
        codes = pd.Index(kept).get_indexer(category_column(rows, order_by))
        order_value, order_values = _noised_orders(owners, codes, euros[table.training], len(kept), deviation, random)
        order_values = dict(zip(kept, order_values, strict=True))
    return Noised(vocabularies, order_value, order_values)


def _shares_of_people(owners: np.ndarray, codes: np.ndarray, values: int) -> np.ndarray:
    """For each value how many people have it, where a person with several has a share of each (values,).

    A person's shares add up to at most 1, so that one person changes the counts by a length of at most 1.
    """
    pairs = np.unique(np.stack([owners, codes], axis=1), axis=0)
    first = np.searchsorted(pairs[:, 0], pairs[:, 0])
    pairs = pairs[np.arange(len(pairs)) - first < MOST_VALUES]
    shares = 1.0 / np.bincount(pairs[:, 0])[pairs[:, 0]]
    return np.bincount(pairs[:, 1], weights=shares, minlength=values)


def _noised_orders(
    owners: np.ndarray,
    codes: np.ndarray,
    euros: np.ndarray,
    campaigns: int,
    deviation: float,
    random: np.random.Generator,
) -> tuple[float, list[float]]:
    """Mean order over all campaigns and of each, from sums and counts in which a person is at most `MOST_ORDERS` long.

    A campaign of few noised orders has the mean of all.
    """
    bought = np.nan_to_num(euros) > 0
    bought &= codes >= 0
    worth = np.minimum(euros[bought], MOST_EUROS) / MOST_EUROS
    place = owners[bought], codes[bought]
    shape = (int(owners.max(initial=0)) + 1, 2 * campaigns)
    each = coo_matrix((worth, place), shape) + coo_matrix(
        (np.ones(len(worth)), (place[0], place[1] + campaigns)), shape
    )
    lengths = np.sqrt(np.asarray(each.multiply(each).sum(axis=1)).ravel())
    shares = np.minimum(1.0, MOST_ORDERS / np.maximum(lengths, 1e-12))
    totals = each.T @ shares + random.normal(0, deviation * MOST_ORDERS, 2 * campaigns)
    sums, counts = totals[:campaigns] * MOST_EUROS, totals[campaigns:]
    doubt = 2.0 * deviation * MOST_ORDERS
    overall = float(np.clip(sums.sum() / max(counts.sum(), doubt), 0.0, MOST_EUROS))
    means = (sums + doubt * overall) / np.maximum(counts + doubt, doubt)
    return overall, [float(one) for one in np.clip(means, 0.0, MOST_EUROS)]


def _require_private(config: ResponseConfig) -> None:
    wrong = [
        words
        for fine, words in (
            (config.loss != "weighted", "loss: weighted"),
            (config.half_life_share <= 0, f"half_life_share: {config.half_life_share:g}"),
        )
        if not fine
    ]
    if wrong:
        raise ModelError(
            expected="settings that read nothing off the rows before a private training",
            received=", ".join(wrong),
            remedy="use `loss: plain` and `half_life_share: 0`, or train without `privacy`",
        )
