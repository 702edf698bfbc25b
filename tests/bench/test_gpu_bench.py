import sys

import numpy as np

from bench import gpu
from training.arguments import choose_backend
from training.models.next_item.network import NextItemConfig


def test_a_machine_without_a_gpu_is_told_so_in_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gpu", "--backend", "tensorflow"])
    monkeypatch.setattr("keras.distribution.list_devices", lambda *_: [])
    gpu.main()
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err == "bench.gpu: skipped, as tensorflow finds no GPU on this machine\n"


def test_half_of_the_acts_that_are_made_up_follow_from_the_one_before():
    sequences = gpu.made_up(people=400, acts=20, items=50)
    lengths = np.diff(sequences.offsets)
    assert len(sequences.person_ids) == 400
    assert lengths.min() >= 5
    assert 18 < lengths.mean() < 22
    before, after = sequences.acts[:-1], sequences.acts[1:]
    most_frequent_successor = [np.bincount(after[before == item]).max() for item in range(50) if (before == item).any()]
    assert 0.45 < sum(most_frequent_successor) / len(before) < 0.65


def test_the_input_alone_is_every_act_once():
    choose_backend()
    found = gpu.input_alone(gpu.made_up(people=40, acts=10, items=30), NextItemConfig(batch_size=16))
    assert found["batch_size"] == 16
    assert found["events_a_second"] > found["batches_a_second"] > 0
