"""The steps of encrypted scoring, as `python -m privacy encrypted` takes them one by one."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.atomic_files import write_json
from contracts.errors import ModelError
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings
from contracts.tables.served import PARTNER_SCORES
from lake_tables.arrow import arrow_schema, read_mart
from lake_tables.consent import latest_consents
from privacy.encrypted import owner, partner
from privacy.encrypted.ciphertexts import Box
from privacy.encrypted.owner import Folder
from privacy.encrypted.profile_vectors import COLUMNS, Vectors, profile_vectors

ANSWERS = {"score": "scores", "sums": "sums"}
"""Step of the partner -> what its answer is called."""


def run(settings: Settings, step: str, ds: str | None, head_file: Path | None = None) -> None:
    """Take one step; says what it did, and in how many seconds.

    Raises:
        LakeError: the marts of that day were not built.
        ModelError: TenSEAL is not installed, a file that another step makes is missing, or the head is none.
        BusyError: another run is at work.
    """
    folder, lake, started = Folder(settings.home.encrypted), Lake(settings.home.lake), time.monotonic()
    with lake.lock("encrypted"):
        folder.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if step == "keys":
            owner.make_keys(folder)
            done = f"{folder.secret_key}, for the owner alone, and {folder.public_key} for the partner"
        elif step == "encrypt":
            done = _encrypt(folder, lake, ds, settings.smallest_group)
        elif step == "example-head":
            done = str(_example_head(folder, lake, ds))
        elif step == "decrypt":
            done = _decrypt(folder, lake, ds, head_file)
        else:
            done = _compute(folder, step, ds, head_file)
    say(f"encrypted {step}: {done}; {time.monotonic() - started:.2f} seconds")


def read_vectors(lake: Lake, ds: str) -> Vectors:
    """Vectors of the people of a day who agreed to profiling and to personalisation and have not withdrawn it since.

    Raises:
        LakeError: the marts of that day were not built.
    """
    consents = latest_consents(lake, ds)
    agreed = consents.loc[consents["consent_profiling"] & consents["consent_personalisation"], "person_id"]
    profiles = read_mart(lake, "dim_person_profile", ds, list(COLUMNS)).to_pandas()
    return profile_vectors(profiles[profiles["person_id"].isin(agreed)])


def fitted_head(vectors: Vectors, clicked: np.ndarray) -> partner.Head:
    """Logistic regression of who clicked (people,) on the vectors, by Newton's method with a ridge of 1."""
    rows = np.column_stack([np.ones(len(clicked)), vectors.values])
    ridge = np.diag([0.0, *np.ones(len(vectors.features))]) + 1e-9 * np.eye(rows.shape[1])
    weights = np.zeros(rows.shape[1])
    for _ in range(25):
        chances = 1 / (1 + np.exp(-rows @ weights))
        slope = rows.T @ (clicked - chances) - ridge @ weights
        weights += np.linalg.solve((rows.T * (chances * (1 - chances))) @ rows + ridge, slope)
    return partner.Head(float(weights[0]), dict(zip(vectors.features, weights[1:].tolist(), strict=True)))


def _encrypt(folder: Folder, lake: Lake, ds: str, smallest_group: int) -> str:
    vectors = read_vectors(lake, ds)
    small = owner.encrypt(folder, ds, vectors, smallest_group=smallest_group)
    return (
        f"{len(vectors.person_ids):,} people, {len(vectors.features)} features, "
        f"{len(vectors.segments) - small} segments, {small} too small to be sent"
    )


def _example_head(folder: Folder, lake: Lake, ds: str) -> Path:
    """Write a head fitted to who, of those who agreed to training, ever clicked."""
    vectors = read_vectors(lake, ds)
    known = read_mart(lake, "training_responses", ds, ["person_id", "clicked"]).to_pandas().dropna(subset="clicked")
    clicked = known.astype({"clicked": float}).groupby("person_id")["clicked"].max().reindex(vectors.person_ids)
    labelled = clicked.notna().to_numpy()
    rows = Vectors(vectors.person_ids[labelled], vectors.features, vectors.values[labelled], {})
    head = fitted_head(rows, clicked[labelled].to_numpy())
    file = folder.root / "to_partner" / "example-head.json"
    write_json(file, {"bias": head.bias, "weights": dict(head.weights)})
    return file


def _compute(folder: Folder, step: str, ds: str, head_file: Path | None) -> str:
    """The partner's steps: a score of each person, or sums of each segment."""
    vectors = Box(folder.vectors(ds), made_by=f"python -m privacy encrypted encrypt --ds {ds}")
    if head_file is None or not folder.public_key.is_file():
        raise ModelError(
            expected="the partner's weights as --head and the owner's public key",
            received="no --head" if head_file is None else f"no file {folder.public_key}",
            remedy="write weights, as `example-head` does" if head_file is None else "run `keys` first",
        )
    head = partner.read_head(head_file, vectors.about["features"])
    compute = partner.score if step == "score" else partner.sums
    compute(folder.public_key.read_bytes(), vectors, head, folder.answer(ANSWERS[step], ds))
    return f"{vectors.about['people']:,} people, none of them seen"


def _decrypt(folder: Folder, lake: Lake, ds: str, head_file: Path | None) -> str:
    """Publish the scores, write the sums; of those two what the partner has sent."""
    done = []
    if folder.answer("scores", ds).is_file() or not folder.answer("sums", ds).is_file():
        scores = owner.decrypt_scores(folder, ds)
        _publish(lake, ds, scores)
        done.append(f"{len(scores):,} scores in lake/{PARTNER_SCORES.name}")
        if head_file is not None:
            error = _error_of_encryption(read_vectors(lake, ds), scores, head_file, ds)
            done.append(f"relative error {error:.1e} against the same scores without encryption")
    if folder.answer("sums", ds).is_file():
        sums = owner.decrypt_sums(folder, ds)
        file = folder.root / "owner" / f"sums-{ds}.json"
        write_json(file, sums)
        done.append(f"sums of {len(sums['segments'])} segments in {file}")
    return ", ".join(done)


def _error_of_encryption(vectors: Vectors, scores: pd.DataFrame, head_file: Path, ds: str) -> float:
    """How far decrypted scores are from those of plain text, as a share of their length."""
    if vectors.person_ids.tolist() != scores["person_id"].tolist():
        raise ModelError(
            expected=f"the people of {ds} as they were when they were encrypted",
            received="others",
            remedy=f"run `python -m privacy encrypted encrypt --ds {ds}` and what follows it again",
        )
    plain = owner.plain_scores(vectors, partner.read_head(head_file, list(vectors.features)))
    return owner.relative_error(scores["score"].to_numpy(), plain)


def _publish(lake: Lake, ds: str, scores: pd.DataFrame) -> None:
    file = lake.staging("encrypted") / "part-00000.parquet"
    pq.write_table(pa.Table.from_pandas(scores, schema=arrow_schema(PARTNER_SCORES), preserve_index=False), file)
    lake.publish(PARTNER_SCORES.name, ds, {file.name: file})
