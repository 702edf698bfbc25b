"""A partner's scoring of encrypted profiles, from keys to scores."""

import json
import os
import shutil
import stat
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from contracts.lake import Lake
from contracts.settings import REPOSITORY
from privacy.encrypted.profile_vectors import Vectors
from privacy.encrypted.steps import fitted_head
from tests.privacy.encrypted.profiles import person, profile

DS = "2026-11-20"
PEOPLE = 60


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


STEPS = """
import json, sys
from contracts.errors import NightshiftError
from privacy.__main__ import main

for words in json.loads(sys.argv[1]):
    try:
        main(["encrypted", *words])
    except NightshiftError as error:
        print(f"refused: {error}")
"""


def take(home, *steps):
    """Take steps in one process of their own, as TenSEAL hangs beside TensorFlow; returns what each printed last."""
    answer = subprocess.run(
        [sys.executable, "-c", STEPS, json.dumps(steps)],
        cwd=REPOSITORY,
        env={**os.environ, "NIGHTSHIFT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.strip().splitlines()
    assert len(lines) == len(steps)
    return lines


@pytest.fixture(scope="module")
def scored(home):
    """The home after a partner's scoring, and what the steps printed."""
    head = ["--ds", DS, "--head", str(home / "head.json")]
    steps = (["keys"], ["encrypt", "--ds", DS], ["score", *head], ["sums", *head], ["decrypt", *head])
    return home, take(home, *steps)


def standardised(column):
    return (column - np.mean(column)) / np.std(column)


def test_a_step_names_the_one_that_has_to_come_first(tmp_path):
    command = [sys.executable, "-m", "privacy", "encrypted", "score", "--ds", DS, "--head", "head.json"]
    environment = {**os.environ, "NIGHTSHIFT_HOME": str(tmp_path)}
    answer = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert f"run `python -m privacy encrypted encrypt --ds {DS}` first" in answer.stderr


def test_a_partner_scores_people_whom_it_cannot_see(scored):
    home, printed = scored
    assert float(printed[-1].partition("relative error ")[2].split()[0]) < 1e-6

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


def test_the_key_and_who_is_where_stay_with_the_owner(scored):
    home, _ = scored
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


def test_answers_to_other_vectors_are_refused(scored, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(scored[0], home, symlinks=True)
    again, encrypted, decrypted = take(home, ["keys"], ["encrypt", "--ds", DS], ["decrypt", "--ds", DS])
    assert again.startswith("refused: expected no key yet")  # a key is never replaced in silence
    assert "people" in encrypted
    assert "whose slots belong to other people" in decrypted


def test_the_example_head_finds_what_makes_people_click():
    random = np.random.default_rng(0)
    values = random.standard_normal((4000, 3))
    clicked = random.random(4000) < 1 / (1 + np.exp(-(0.5 + values @ [1.0, -2.0, 0.0])))
    head = fitted_head(Vectors(np.array([]), ("a", "b", "c"), values, {}), clicked.astype(float))
    assert head.bias == pytest.approx(0.5, abs=0.15)
    assert list(head.weights.values()) == pytest.approx([1.0, -2.0, 0.0], abs=0.2)
