import gzip
import json

import numpy as np
import pytest

from bench import interest_gan as bench
from contracts.errors import ModelError
from contracts.settings import REPOSITORY
from training.parts import Part

CENSUS = REPOSITORY.parent / "shared" / "data" / "tabular"

SMALL = """
noise: 8
generator_units: 16
critic_units: 16
pack: 5
batch_size: 50
steps: 5
epochs: 1
"""


def census(count, seed):
    """Lines of an Adult file: who has studied earns more."""
    draw = np.random.default_rng(seed)
    lines = []
    for _ in range(count):
        studied = draw.random() < 0.5
        earns = ">50K" if studied == (draw.random() < 0.9) else "<=50K"
        degree, years = ("Bachelors", 13) if studied else ("11th", 7)
        age, hours = draw.integers(17, 90), draw.integers(20, 60)
        lines.append(
            f"{age}, Private, {draw.integers(10**4, 10**5)}, {degree}, {years}, Divorced, ?, Wife, White, Male, 0, 0, "
            f"{hours}, Cuba, {earns}"
        )
    return lines


def write_gz(file, lines):
    with gzip.open(file, "wt") as stream:
        stream.write("\n".join(lines) + "\n")
    return file


def test_one_line_with_baselines_in_the_same_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("bench.result.RESULTS", tmp_path / "results")
    train = write_gz(tmp_path / "train.csv.gz", census(300, 1))
    test = write_gz(tmp_path / "test.csv.gz", [f"{line}." for line in census(200, 2)])  # the test file has full stops
    (tmp_path / "small.yml").write_text(SMALL)
    bench.bench(train, test, tmp_path / "small.yml", [1], ctgan_epochs=0, work=tmp_path / "none")
    line = json.loads(capsys.readouterr().out)
    assert line["bench"] == "interest_gan"
    assert line["sizes"] == {"rows": 500, "training_rows": 285, "validation_rows": 15, "test_rows": 200, "columns": 15}
    assert line["baselines"]["real"]["auc"] > 0.8
    assert 0.3 < line["baselines"]["independent_columns"]["auc"] < 0.7
    assert {"f1", "auc", "fit_seconds"} <= set(line["metrics"])
    assert "ctgan" not in line["baselines"]


def test_validation_never_sees_the_test_file(tmp_path):
    train = bench.read_census(write_gz(tmp_path / "train.csv.gz", census(100, 1)))
    data = bench.census_rows(train, None)
    assert (data.parts == Part.TEST).sum() == 20
    assert len(data.frame) == 100


def test_another_file_is_refused(tmp_path):
    file = write_gz(tmp_path / "other.csv.gz", ["1,2,3"])
    with pytest.raises(ModelError, match="expected 15 columns"):
        bench.read_census(file)


@pytest.mark.skipif(not CENSUS.is_dir(), reason=f"needs the Adult files in {CENSUS}")
def test_the_public_files_are_read():
    train, test = (bench.read_census(CENSUS / f"adult_{name}.csv.gz") for name in ("train", "test"))
    assert (len(train), len(test)) == (32_561, 16_281)
    assert (int(train["above_50k"].sum()), int(test["above_50k"].sum())) == (7_841, 3_846)  # as the set's own notes say
