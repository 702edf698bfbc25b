"""A partner's scoring of encrypted profiles; each command a process of its own, as TenSEAL hangs beside TensorFlow."""

import json
import os
import stat
import subprocess
import sys
import types

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from contracts.errors import ModelError
from contracts.lake import Lake
from contracts.settings import REPOSITORY
from privacy.encrypted.ciphertexts import tenseal
from privacy.encrypted.command import fitted_head
from privacy.encrypted.partner import read_head
from privacy.encrypted.profile_vectors import Vectors, profile_vectors

DS = "2026-11-20"
PEOPLE = 60


def person(number):
    return f"p{number:016x}"


def profile(number):
    return {
        "person_id": person(number),
        "recency_days": None if number % 5 == 0 else number,
        "frequency": number % 7,
        "monetary": 10.0 * number,
        "basket": None,
        "posts": number % 3,
        "weekend_share": (number % 10) / 10,
        "taste_vector": None if number % 4 == 0 else [float(number % 6), 1.0 / (1 + number)],
        "segments": ["even"] if number % 2 == 0 else ["odd", "rare"] if number < 10 else ["odd"],
    }


def publish(home, table, rows):
    lake = Lake(home / "lake")
    file = lake.staging(table) / "part-0.parquet"
    pd.DataFrame(rows).to_parquet(file, index=False)
    lake.publish(table, DS, {file.name: file})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A day on which every tenth person did not agree to personalisation."""
    home = tmp_path_factory.mktemp("encrypted")
    publish(home, "dim_person_profile", [profile(number) for number in range(PEOPLE)])
    consents = [
        {
            "person_id": person(number),
            "consent_profiling": True,
            "consent_training": True,
            "consent_personalisation": number % 10 != 9,
            "consent_marketing_contact": True,
        }
        for number in range(PEOPLE)
    ]
    publish(home, "dim_person_consent", consents)
    head = {"bias": -0.5, "weights": {"frequency": 0.75, "taste_1": -1.25, "weekend_share": 0.1}}
    (home / "head.json").write_text(json.dumps(head))
    return home


def command(home, *words):
    answer = subprocess.run(
        [sys.executable, "-m", "privacy.encrypted.command", *words],
        cwd=REPOSITORY,
        env={**os.environ, "NIGHTSHIFT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return answer.returncode, (answer.stdout + answer.stderr).strip().splitlines()[-1]


def standardised(column):
    return (column - np.mean(column)) / np.std(column)


def test_a_partner_scores_whom_it_cannot_see(home):
    head = ["--ds", DS, "--head", str(home / "head.json")]
    assert command(home, "score", *head)[0] == 2
    for words in (["keys"], ["encrypt", "--ds", DS], ["score", *head], ["sums", *head]):
        status, said = command(home, *words)
        assert status == 0, said
    status, said = command(home, "decrypt", *head)
    assert status == 0, said
    assert float(said.partition("relative error ")[2].split()[0]) < 1e-6

    agreed = [number for number in range(PEOPLE) if number % 10 != 9]
    frequency = standardised(np.log1p([number % 7 for number in agreed]))
    weekend = standardised([(number % 10) / 10 for number in agreed])
    known = np.array([number % 4 != 0 for number in agreed])
    taste = np.zeros(len(agreed))
    taste[known] = standardised([number % 6 for number in agreed if number % 4 != 0])
    expected = -0.5 + 0.75 * frequency - 1.25 * taste + 0.1 * weekend
    scores = pq.read_table(Lake(home / "lake").partition("partner_scores", DS)).to_pandas()
    assert scores["person_id"].tolist() == [person(number) for number in agreed]
    assert np.abs(scores["score"] - expected).max() < 1e-4 * np.abs(expected).max()
    assert np.abs(scores["chance"] - 1 / (1 + np.exp(-expected))).max() < 1e-4

    sums = json.loads((home / "encrypted" / "owner" / f"sums-{DS}.json").read_text())
    even = np.array([number % 2 == 0 for number in agreed])
    assert sums["segments"]["even"]["people"] == 30
    assert sums["segments"]["even"]["sum"] == pytest.approx(expected[even].sum(), rel=1e-4)
    assert sums["segments"]["odd"]["sum"] == pytest.approx(expected[~even].sum(), rel=1e-4)
    assert sums["suppressed"] == {"small_group": 1}
    assert "rare" not in sums["segments"]


def test_the_key_and_who_is_where_stay_with_the_owner(home):
    for file in (home / "encrypted" / "owner").iterdir():
        if file.name.startswith(("secret", "people")):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "encrypted").stat().st_mode) == 0o700
    sent = b"".join(file.read_bytes() for file in (home / "encrypted" / "to_partner").iterdir())
    assert person(1).encode() not in sent
    code = (
        "import tenseal, sys, zipfile; context = tenseal.context_from(open(sys.argv[1], 'rb').read())\n"
        "vector = tenseal.ckks_vector_from(context, zipfile.ZipFile(sys.argv[2]).read('feature/0/0'))\n"
        "print(context.has_secret_key()); vector.decrypt()"
    )
    folder = home / "encrypted" / "to_partner"
    answer = subprocess.run(
        [sys.executable, "-c", code, folder / "public.key", folder / f"vectors-{DS}.ckks"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.stdout == "False\n"
    assert "the current context of the tensor doesn't hold a secret_key" in answer.stderr


def test_answers_to_other_vectors_are_refused(home):
    assert command(home, "keys")[0] == 2  # a key is never replaced in silence
    assert command(home, "encrypt", "--ds", DS)[0] == 0
    status, said = command(home, "decrypt", "--ds", DS)
    assert status == 2
    assert "whose slots belong to other people" in said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"bias": 0, "weights": {"shoe_size": 1}}', "weights of features among frequency, posts"),
        ('{"bias": 0, "weights": {"posts": 2000}}', "one whose scores may reach 10000"),
        ('{"bias": 1, "weights": {"posts": 0}}', "everyone would have the same score"),
        ('{"bias": 1, "weights": {"posts": NaN}}', "one whose scores may reach nan"),
        ("[]", "received something else"),
    ],
)
def test_what_is_no_head_is_refused(tmp_path, written, said):
    file = tmp_path / "head.json"
    file.write_text(written)
    with pytest.raises(ModelError, match=said):
        read_head(file, ["frequency", "posts"])
    with pytest.raises(ModelError, match="no such file"):
        read_head(tmp_path / "none.json", ["frequency"])


def test_a_process_with_tensorflow_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", types.ModuleType("tensorflow"))
    with pytest.raises(ModelError, match="TenSEAL would hang beside it"):
        tenseal()


def test_without_tenseal_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setitem(sys.modules, "tenseal", None)
    with pytest.raises(ModelError, match=r"pip install --require-hashes -r requirements/encrypted\.txt"):
        tenseal()


def test_a_vector_is_near_the_mean_whatever_the_profile():
    rows = [profile(number) for number in range(30)]
    rows[7]["monetary"] = 1e300
    vectors = profile_vectors(pd.DataFrame(rows))
    assert vectors.features == (
        *("recency_days", "frequency", "monetary", "basket", "posts", "weekend_share"),
        *("taste_1", "taste_2"),
    )
    assert np.abs(vectors.values).max() == 5.0
    assert not vectors.values[:, vectors.features.index("basket")].any()
    assert vectors.segments["rare"].sum() == 5


def test_before_there_is_any_taste_habits_are_all():
    rows = [profile(number) | {"taste_vector": None, "segments": None} for number in range(30)]
    vectors = profile_vectors(pd.DataFrame(rows))
    assert vectors.features[-1] == "weekend_share"
    assert vectors.values.shape == (30, 6)
    assert vectors.segments == {}


def test_the_example_head_finds_what_makes_people_click():
    random = np.random.default_rng(0)
    values = random.standard_normal((4000, 3))
    clicked = random.random(4000) < 1 / (1 + np.exp(-(0.5 + values @ [1.0, -2.0, 0.0])))
    head = fitted_head(Vectors(np.array([]), ("a", "b", "c"), values, {}), clicked.astype(float))
    assert head.bias == pytest.approx(0.5, abs=0.15)
    assert list(head.weights.values()) == pytest.approx([1.0, -2.0, 0.0], abs=0.2)
