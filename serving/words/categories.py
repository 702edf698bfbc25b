"""Of which category a text speaks: what the shop calls its categories, and what people write under their hashtags.

A category begins as what is said of it: its name, the topics of the seed, and the words of its items' titles, a word
weighing more the fewer categories have it. Texts under a hashtag of the seed then teach it in two ways:

vectors  Gaussian classes that share one covariance (linear discriminant analysis), the mean of each with its
         description as prior (MAP estimate under a normal prior worth `PRIOR_TEXTS` texts): texts that nobody wrote yet
words    naive Bayes over words (Maron, 1961), the share of each category among a word's texts with `PRIOR_OF_A_WORD`
         texts of the mean as prior: languages and scripts that the model of texts does not know
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse

from serving.words.model import MOST_LETTERS, TextModel

PRIOR_TEXTS = 300
"""So many texts under a hashtag weigh as much as the description. Fewer follow the sentences at hand too closely:
`python -m bench.words` has sentences that were never learned from."""

SPREAD = 0.25
"""How far texts about two categories lie apart, as a share of how far their descriptions do."""

SHRINKAGE = 0.5
"""Share of the covariance that is the same in all directions (Ledoit and Wolf, 2004, estimate it)."""

SHARPNESS = 25.0
"""Of the cosine with a description, where nothing was learned: one of 0.1 more makes a category 12 times likelier."""

FEWEST_TEXTS = 500
"""With fewer under hashtags nothing is learned: 256 numbers have no covariance then."""

PRIOR_OF_A_WORD = 10
"""So many texts with a word weigh as much as no word; a name or a slip that few texts have says next to nothing."""

SHARE_OF_WORDS = 0.5
"""Of their log-odds: words of one text are not as independent as naive Bayes takes them."""

FEWEST_TEXTS_OF_A_WORD = 3

_WORDS = re.compile(r"[^\W\d_]+")
_WITHOUT_SPACES = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]+")
"""Thai, Lao, Khmer, Japanese and Chinese: three signs in a row stand for a word."""


@dataclass(frozen=True)
class Categories:
    """A classifier of texts; without any category it says nothing of any text."""

    names: tuple[str, ...]
    directions: np.ndarray
    """(dimensions, categories)"""
    offsets: np.ndarray
    """(categories,)"""
    places: Mapping[str, int] = field(default_factory=dict)
    """Word -> its row in `odds`."""
    odds: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    """Logarithms of how much likelier a word makes each category (words, categories)."""
    learned_from: int = 0
    """Texts under hashtags; 0 where descriptions alone speak."""

    def chances(self, texts: Sequence[str], vectors: np.ndarray) -> np.ndarray:
        """How likely each text speaks of each category (texts, categories).

        Rows add up to 1; one of zeros is a text that says nothing, without a vector and without a known word.

        Args:
            vectors: what the model of texts makes of them (texts, dimensions).
        """
        scores = np.zeros((len(texts), len(self.names)))
        known = vectors.any(axis=1)
        scores[known] = vectors[known] @ self.directions + self.offsets
        if self.places:
            found = word_counts(texts, self.places)
            scores += SHARE_OF_WORDS * (found @ self.odds)
            known |= np.diff(found.indptr) > 0
        scores = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
        return np.where(known[:, None], scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-12), 0.0)


def described(
    titles: Mapping[str, Sequence[str]], topics: Mapping[str, Sequence[str]], model: TextModel
) -> tuple[tuple[str, ...], np.ndarray]:
    """Categories by name, and what is said of each as a vector of length 1 (categories, dimensions).

    Args:
        titles: category -> titles of its items.
        topics: category -> words of the seed; of a category that has no item it is left out.
    """
    words: dict[str, Counter[str]] = {}
    for category in sorted(titles):
        words[category] = Counter(word for title in set(titles[category]) for word in set(_lower_words(title)))
        words[category].update(word for text in (category, *topics.get(category, ())) for word in _lower_words(text))
    having: Counter[str] = Counter(word for found in words.values() for word in found)
    known = sorted(having)
    vectors = dict(zip(known, model.embed(known), strict=True)) if known else {}
    kept, meanings = [], []
    for category, found in words.items():
        rarity = {word: np.log(len(words) / having[word]) if len(words) > 1 else 1.0 for word in found}
        total = np.zeros(model.dimensions)
        for word in found:
            if having[word] <= max(1, len(words) // 4):
                total += rarity[word] * vectors[word]
        if not total.any():
            total = model.embed([category])[0]
        if (length := np.linalg.norm(total)) > 0:
            kept.append(category)
            meanings.append(total / length)
    return tuple(kept), np.array(meanings).reshape(-1, model.dimensions)


def learned(
    names: tuple[str, ...], meanings: np.ndarray, texts: Sequence[str], vectors: np.ndarray, labels: np.ndarray
) -> Categories:
    """The classifier that follows from descriptions and from texts of which the category is known.

    Args:
        meanings: what `described` finds (categories, dimensions).
        texts: under hashtags.
        vectors: what the model of texts makes of them (texts, dimensions).
        labels: the place of each text's category in `names` (texts,).
    """
    middle = meanings.mean(axis=0) if len(names) else np.zeros(meanings.shape[1])
    reads = vectors.any(axis=1)
    if reads.sum() < FEWEST_TEXTS or len(names) < 2:
        return Categories(names, SHARPNESS * (meanings - middle).T, np.zeros(len(names)))
    places, odds = _odds_of_words(texts, labels, len(names))
    vectors, labels = vectors[reads], labels[reads]
    is_of = labels[:, None] == np.arange(len(names))  # (texts, categories)
    sums, counts = is_of.T.astype("float64") @ vectors, is_of.sum(axis=0)[:, None]
    prior = vectors.mean(axis=0) + SPREAD * (meanings - middle)
    means = (PRIOR_TEXTS * prior + sums) / (PRIOR_TEXTS + counts)  # (categories, dimensions)
    around = vectors - means[labels]
    covariance = around.T @ around / len(labels)
    even = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    directions = np.linalg.solve((1 - SHRINKAGE) * covariance + SHRINKAGE * even, means.T)
    offsets = -0.5 * (means.T * directions).sum(axis=0)
    return Categories(names, directions, offsets, places, odds, len(reads))


def _odds_of_words(texts: Sequence[str], labels: np.ndarray, categories: int) -> tuple[dict[str, int], np.ndarray]:
    """Words, and the logarithms of how much likelier each makes a category; 0 of a category without texts."""
    having = Counter(word for text in texts for word in words_of(text))
    frequent = sorted(word for word, times in having.items() if times >= FEWEST_TEXTS_OF_A_WORD)
    places = {word: place for place, word in enumerate(frequent)}
    is_of = np.eye(categories)[labels]
    shares = is_of.mean(axis=0)
    counts = word_counts(texts, places).T @ is_of  # (words, categories)
    totals = counts.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log((counts / shares + PRIOR_OF_A_WORD) / (totals + PRIOR_OF_A_WORD))
    return places, np.where(shares > 0, odds, 0.0)


def word_counts(texts: Sequence[str], places: Mapping[str, int]) -> scipy.sparse.csr_array:
    """Which of some words each text has, 1 each (texts, words)."""
    rows = [[places[word] for word in words_of(text) if word in places] for text in texts]
    ends = np.cumsum([0, *map(len, rows)])
    columns = np.fromiter((place for row in rows for place in row), "int32", ends[-1])
    return scipy.sparse.csr_array((np.ones(len(columns)), columns, ends), shape=(len(texts), len(places)))


def words_of(text: str) -> set[str]:
    """The words of the part of a text that counts, in lower case, each once."""
    beginning = text[:MOST_LETTERS].lower()
    words = set(_WORDS.findall(_WITHOUT_SPACES.sub(" ", beginning)))
    for run in _WITHOUT_SPACES.findall(beginning):
        words |= {run[start : start + 3] for start in range(max(1, len(run) - 2))}
    return words


def topics_by_category(category_of: Mapping[str, str]) -> dict[str, list[str]]:
    """Category -> its topics."""
    found: dict[str, list[str]] = defaultdict(list)
    for topic, category in category_of.items():
        found[category].append(topic)
    return dict(found)


def _lower_words(text: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(text)]
