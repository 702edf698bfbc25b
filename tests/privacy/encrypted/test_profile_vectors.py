"""Profiles become vectors on one scale, however odd the profiles are."""

import numpy as np
import pandas as pd

from privacy.encrypted.profile_vectors import profile_vectors
from tests.privacy.encrypted.profiles import profile


def test_a_vector_is_near_the_mean_however_odd_the_profile():
    rows = [profile(number) for number in range(30)]
    rows[7]["monetary"] = 1e300
    rows[8]["monetary"] = -250.0  # returned more than was bought
    vectors = profile_vectors(pd.DataFrame(rows))
    assert vectors.features == (
        *("recency_days", "frequency", "monetary", "basket", "posts", "weekend_share"),
        *("taste_1", "taste_2"),
    )
    assert np.abs(vectors.values).max() == 5.0
    assert not vectors.values[:, vectors.features.index("basket")].any()
    assert vectors.segments["rare"].sum() == 5
    monetary = vectors.values[:, vectors.features.index("monetary")]
    assert np.isfinite(monetary).all()
    assert monetary.argmin() == 8


def test_before_there_is_any_taste_habits_are_all():
    rows = [profile(number) | {"taste_vector": None, "segments": None} for number in range(30)]
    vectors = profile_vectors(pd.DataFrame(rows))
    assert vectors.features[-1] == "weekend_share"
    assert vectors.values.shape == (30, 6)
    assert vectors.segments == {}
