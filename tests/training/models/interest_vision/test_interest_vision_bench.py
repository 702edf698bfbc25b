"""The benchmark reads the files of Fashion-MNIST, keeps to its minutes, and writes one result."""

from __future__ import annotations

import gzip
import json
import struct

import numpy as np
import pytest

from contracts.errors import ModelError


def write_part(folder, part: str, pictures: int) -> None:
    """Pictures whose label is the row of a bright bar."""
    labels = np.arange(pictures, dtype="uint8") % 10
    pixels = np.zeros((pictures, 28, 28), "uint8")
    for place, label in enumerate(labels):
        pixels[place, 2 * label + 4 : 2 * label + 6] = 250
    head = struct.pack(">BBBB", 0, 0, 8, 3) + struct.pack(">III", pictures, 28, 28)
    (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + pixels.tobytes()))
    head = struct.pack(">BBBB", 0, 0, 8, 1) + struct.pack(">I", pictures)
    (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(head + labels.tobytes()))


@pytest.fixture
def folder(tmp_path):
    write_part(tmp_path, "train", 240)
    write_part(tmp_path, "t10k", 30)
    return tmp_path


def test_files_are_read_and_what_is_none_of_them_is_refused(folder):
    from bench.interest_vision import read_part

    pixels, labels = read_part(folder, "train")
    assert pixels.shape == (240, 28, 28, 1)
    assert pixels[7, 18].tolist() == [[250]] * 28
    assert labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="dataset-fashion-mnist"):
        read_part(folder, "train")
    with pytest.raises(ModelError, match="dataset-fashion-mnist"):
        read_part(folder / "elsewhere", "train")


def test_one_line_with_figures_baseline_and_protocol(folder, monkeypatch, capsys, tmp_path):
    import bench.result
    from bench.interest_vision import run

    monkeypatch.setattr(bench.result, "RESULTS", tmp_path / "results")
    file = tmp_path / "small.yml"
    file.write_text("width: 4\nepochs: 2\nbatch_size: 64\nmirror: false\n")
    run(folder, file, minutes=0.001, seeds=None, say=lambda _: None)
    [line] = capsys.readouterr().out.splitlines()
    result = json.loads(line)
    assert result["metrics"]["epochs"] == 1
    assert 0 <= result["metrics"]["accuracy"] <= 1
    assert result["metrics"]["weights"] < 20_000
    assert result["protocol"].startswith("220 training, 20 validation and 30 test pictures")
    [baseline] = result["baselines"].values()
    assert baseline["accuracy"] > 0.9
