import numpy as np

from training.metrics.auc import placements


def test_placements_are_the_auc_with_ties_against_us():
    scores, labels = np.array([0.9, 0.4, 0.4, 0.1]), np.array([True, True, False, False])
    assert placements(scores, labels).tolist() == [1.0, 0.5]
    assert placements(scores, labels, tie=0.5).tolist() == [1.0, 0.75]
