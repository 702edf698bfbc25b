"""Of which category a text speaks: what the shop calls its categories, and what people write under their hashtags.

A category begins as what is said of it: its name, the topics of the seed, and the words of its items' titles, a word
weighing more the fewer categories have it. Texts under a hashtag of the seed then move it to where people write about
it: Gaussian classes that share one covariance (linear discriminant analysis), the mean of each with its description as
prior (MAP estimate under a normal prior worth `PRIOR_TEXTS` texts).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from serving.words.model import TextModel

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

_WORDS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Categories:
    """A linear classifier of vectors; without any category it says nothing of any text."""

    names: tuple[str, ...]
    directions: np.ndarray
    """(dimensions, categories)"""
    offsets: np.ndarray
    """(categories,)"""
    learned_from: int = 0
    """Texts under hashtags; 0 where descriptions alone speak."""

    def chances(self, vectors: np.ndarray) -> np.ndarray:
        """How likely each text speaks of each category (texts, categories); rows add up to 1.

        Args:
            vectors: of length 1, none of zeros (texts, dimensions).
        """
        scores = vectors @ self.directions + self.offsets
        scores = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-np.inf))
        return scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-12)


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


def learned(names: tuple[str, ...], meanings: np.ndarray, vectors: np.ndarray, labels: np.ndarray) -> Categories:
    """The classifier that follows from descriptions and from texts of which the category is known.

    Args:
        meanings: what `described` finds (categories, dimensions).
        vectors: of texts (texts, dimensions).
        labels: the place of each text's category in `names` (texts,).
    """
    middle = meanings.mean(axis=0) if len(names) else np.zeros(meanings.shape[1])
    if len(labels) < FEWEST_TEXTS or len(names) < 2:
        return Categories(names, SHARPNESS * (meanings - middle).T, np.zeros(len(names)))
    is_of = labels[:, None] == np.arange(len(names))  # (texts, categories)
    sums, counts = is_of.T.astype("float64") @ vectors, is_of.sum(axis=0)[:, None]
    prior = vectors.mean(axis=0) + SPREAD * (meanings - middle)
    means = (PRIOR_TEXTS * prior + sums) / (PRIOR_TEXTS + counts)  # (categories, dimensions)
    around = vectors - means[labels]
    covariance = around.T @ around / len(labels)
    even = np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    directions = np.linalg.solve((1 - SHRINKAGE) * covariance + SHRINKAGE * even, means.T)
    return Categories(names, directions, -0.5 * (means.T * directions).sum(axis=0), len(labels))


def topics_by_category(category_of: Mapping[str, str]) -> dict[str, list[str]]:
    """Category -> its topics."""
    found: dict[str, list[str]] = defaultdict(list)
    for topic, category in category_of.items():
        found[category].append(topic)
    return dict(found)


def _lower_words(text: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(text)]
