"""The benchmark never learns from a speaker whom it asks, and writes one result with its baselines."""

from __future__ import annotations

import io
import json
import tarfile

import numpy as np
import pytest

from contracts.errors import ModelError
from sample_data.sounds import PATTERNS, sound


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Ten digits by three speakers, twice each: a digit is the pattern of a category."""
    file, random = tmp_path_factory.mktemp("digits") / "digits.tar.gz", np.random.default_rng(1)
    with tarfile.open(file, "w:gz") as stream:
        for speaker in ("ann", "bob", "cem"):
            for digit, category in enumerate(list(PATTERNS)[:10]):
                for number in range(2):
                    content = sound(random, category)
                    member = tarfile.TarInfo(f"recordings/{digit}_{speaker}_{number}.wav")
                    member.size = len(content)
                    stream.addfile(member, io.BytesIO(content))
    return file


def test_nobody_who_is_asked_was_learned_from(archive):
    from bench.interest_audio import read_recordings, split

    recordings = read_recordings(archive)
    assert recordings.sounds.shape == (60, 8000)
    parts = split(recordings, left_out={"bob"}, asked="bob")
    assert [len(labels) for _, labels in parts] == [37, 3, 20]
    owners = zip(recordings.sounds, recordings.speakers, strict=True)
    by_content = {sound.tobytes(): speaker for sound, speaker in owners}
    speakers = [{by_content[sound.tobytes()] for sound in sounds} for sounds, _ in parts]
    assert speakers[0] | speakers[1] == {"ann", "cem"}
    assert speakers[2] == {"bob"}


def test_one_line_with_figures_baselines_and_protocol(archive, monkeypatch, capsys, tmp_path):
    import bench.result
    from bench.interest_audio import run

    monkeypatch.setattr(bench.result, "RESULTS", tmp_path / "results")
    file = tmp_path / "small.yml"
    file.write_text("width: 4\nepochs: 1\nbatch_size: 16\n")
    run(archive, file, seeds=None, say=lambda _: None)
    [line] = capsys.readouterr().out.splitlines()
    result = json.loads(line)
    assert result["protocol"] == "3 speakers, each held out once"
    assert [fold["speaker"] for fold in result["folds"]] == ["ann", "bob", "cem"]
    assert len(result["baselines"]) == 2
    assert result["metrics"]["accuracy"] == pytest.approx(np.mean([fold["accuracy"] for fold in result["folds"]]))


def test_a_speaker_who_is_not_there_is_named(archive):
    from bench.interest_audio import run

    with pytest.raises(ModelError, match="ann, bob, cem, but received dora"):
        run(archive, None, seeds=None, held_out=["dora"])


def test_what_is_no_archive_of_recordings_is_refused(tmp_path):
    from bench.interest_audio import read_recordings

    (tmp_path / "text.tar.gz").write_text("no archive")
    for name in ("text.tar.gz", "gone.tar.gz"):
        with pytest.raises(ModelError, match="free-spoken-digit-dataset"):
            read_recordings(tmp_path / name)
