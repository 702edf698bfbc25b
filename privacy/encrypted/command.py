"""A partner scores people whom it cannot see: CKKS-encrypted profile vectors, and a linear response head of its own.

The owner (this company) makes keys, encrypts, and reads the answers. The partner has the public key, the encrypted
vectors and its own weights: it learns how many people there are, and the names of features and segments, and nothing
of anybody. The owner learns the scores; from enough of them it could work out the weights. Whoever is sent decrypted
scores could learn of the key, so the partner is sent none. People: who agreed to profiling and to personalisation.
Segments of fewer than NIGHTSHIFT_SMALLEST_GROUP people are not sent.

  owner     keys          the pair of keys: <home>/encrypted/owner/secret.key and .../to_partner/public.key
  owner     encrypt       profile vectors and segments of a day: .../to_partner/vectors-<ds>.ckks
  owner     example-head  a head to try it with, fitted to who clicked: .../to_partner/example-head.json
  partner   score         a score a person: .../from_partner/scores-<ds>.ckks
  partner   sums          the sum of scores of each segment: .../from_partner/sums-<ds>.ckks
  owner     decrypt       both into words: lake/partner_scores and .../owner/sums-<ds>.json

    python -m privacy.encrypted.command keys
    python -m privacy.encrypted.command encrypt --ds 2026-11-20
    python -m privacy.encrypted.command score --ds 2026-11-20 --head head.json
    python -m privacy.encrypted.command decrypt --ds 2026-11-20
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.arguments import day
from contracts.errors import ModelError, exit_with_sentence
from contracts.lake import Lake
from contracts.report import say, write_json
from contracts.settings import Settings
from contracts.tables.served import PARTNER_SCORES
from lake_tables.arrow import arrow_schema, read_mart
from lake_tables.consent import latest_consents
from privacy.encrypted import owner, partner
from privacy.encrypted.ciphertexts import Box
from privacy.encrypted.owner import Folder
from privacy.encrypted.profile_vectors import COLUMNS, Vectors, profile_vectors

COMMANDS = ("keys", "encrypt", "example-head", "score", "sums", "decrypt")
ANSWERS = {"score": "scores", "sums": "sums"}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m privacy.encrypted.command",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=COMMANDS, metavar="|".join(COMMANDS))
    parser.add_argument("--ds", type=day, help="day of the marts, as YYYY-MM-DD; all but keys need it")
    parser.add_argument(
        "--head", type=Path, help="the partner's weights; with decrypt: compare with the same scores without encryption"
    )
    chosen = parser.parse_args()
    if chosen.command != "keys" and chosen.ds is None:
        parser.error(f"{chosen.command} needs --ds")
    exit_with_sentence(lambda: run(chosen.command, chosen.ds, chosen.head))


def run(command: str, ds: str | None, head_file: Path | None = None) -> None:
    """Do one of `COMMANDS`; says what it did, and in how many seconds.

    Raises:
        LakeError: the marts of that day were not built.
        ModelError: TenSEAL is not installed, a file that another command makes is missing, or the head is none.
        BusyError: another run is at work.
    """
    settings = Settings.from_env()
    folder, lake, started = Folder(settings.home.encrypted), Lake(settings.home.lake), time.monotonic()
    with lake.lock("encrypted"):
        folder.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if command == "keys":
            owner.make_keys(folder)
            said = f"{folder.secret_key}, for the owner alone, and {folder.public_key} for the partner"
        elif command == "encrypt":
            vectors = read_vectors(lake, ds)
            small = owner.encrypt(folder, ds, vectors, smallest_group=settings.smallest_group)
            said = f"{len(vectors.person_ids):,} people, {len(vectors.features)} features, "
            said += f"{len(vectors.segments) - small} segments, {small} too small to be sent"
        elif command == "example-head":
            said = str(_example_head(folder, lake, ds))
        elif command == "decrypt":
            said = _decrypt(settings, folder, ds, head_file)
        else:
            vectors = Box(folder.vectors(ds), made_by=f"python -m privacy.encrypted.command encrypt --ds {ds}")
            if head_file is None or not folder.public_key.is_file():
                raise ModelError(
                    expected="the partner's weights as --head and the owner's public key",
                    received="no --head" if head_file is None else f"no file {folder.public_key}",
                    remedy="write weights, as `example-head` does" if head_file is None else "run `keys` first",
                )
            head = partner.read_head(head_file, vectors.about["features"])
            compute = partner.score if command == "score" else partner.sums
            compute(folder.public_key.read_bytes(), vectors, head, folder.answer(ANSWERS[command], ds))
            said = f"{vectors.about['people']:,} people, none of them seen"
    say(f"encrypted {command}: {said}; {time.monotonic() - started:.2f} seconds")


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


def _example_head(folder: Folder, lake: Lake, ds: str) -> Path:
    """Write a head fitted to who, of those who agreed to training, ever clicked."""
    vectors = read_vectors(lake, ds)
    known = read_mart(lake, "training_responses", ds, ["person_id", "clicked"]).to_pandas().dropna(subset="clicked")
    clicked = known.astype({"clicked": float}).groupby("person_id")["clicked"].max().reindex(vectors.person_ids)
    told = clicked.notna().to_numpy()
    some = Vectors(vectors.person_ids[told], vectors.features, vectors.values[told], {})
    head = fitted_head(some, clicked[told].to_numpy())
    file = folder.root / "to_partner" / "example-head.json"
    write_json(file, {"bias": head.bias, "weights": dict(head.weights)})
    return file


def _decrypt(settings: Settings, folder: Folder, ds: str, head_file: Path | None) -> str:
    """Publish the scores, write the sums; of those two what the partner has sent."""
    lake, said = Lake(settings.home.lake), []
    if folder.answer("scores", ds).is_file() or not folder.answer("sums", ds).is_file():
        scores = owner.decrypt_scores(folder, ds)
        _publish(lake, ds, scores)
        said.append(f"{len(scores):,} scores in lake/{PARTNER_SCORES.name}")
        if head_file is not None:
            vectors = read_vectors(lake, ds)
            if vectors.person_ids.tolist() != scores["person_id"].tolist():
                raise ModelError(
                    expected=f"the people of {ds} as they were when they were encrypted",
                    received="others",
                    remedy=f"run `python -m privacy.encrypted.command encrypt --ds {ds}` and what follows it again",
                )
            plain = owner.plain_scores(vectors, partner.read_head(head_file, list(vectors.features)))
            error = owner.relative_error(scores["score"].to_numpy(), plain)
            said.append(f"relative error {error:.1e} against the same scores without encryption")
    if folder.answer("sums", ds).is_file():
        sums = owner.decrypt_sums(folder, ds)
        file = folder.root / "owner" / f"sums-{ds}.json"
        write_json(file, sums)
        said.append(f"sums of {len(sums['segments'])} segments in {file}")
    return ", ".join(said)


def _publish(lake: Lake, ds: str, scores: pd.DataFrame) -> None:
    file = lake.staging("encrypted") / "part-00000.parquet"
    pq.write_table(pa.Table.from_pandas(scores, schema=arrow_schema(PARTNER_SCORES), preserve_index=False), file)
    lake.publish(PARTNER_SCORES.name, ds, {file.name: file})


if __name__ == "__main__":
    main()
