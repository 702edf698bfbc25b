"""What `make nightly` shows of Airflow's log: a step's own words."""

from __future__ import annotations

import pytest

from ops.airflow import _ERROR, _PROGRESS

OF_A_TASK = " [airflow.task.hooks.SubprocessHook] dag_id=nightly_profiles loc=subprocess.py:106 try_number=1"


@pytest.mark.parametrize("behind", ["", OF_A_TASK, " [task.stdout] loc=subprocess.py:106", "  loc=a.py:1", "\r"])
@pytest.mark.parametrize("words", ["map catalogue: 2 days", "train x: [a] b=1, lr=0.1", "see loc", "100 % [done]"])
def test_a_step_shows_its_own_words(words, behind):
    line = f"2026-11-27 17:40:51.412758+00:00 [info     ] nightshift | {words}{behind}\n"
    assert _PROGRESS.search(line)[1] == words


def test_an_error_is_its_sentence():
    line = f"2026-11-27T17:40:51Z [info] nightshift: error: expected a day, but received none{OF_A_TASK}\n"
    assert _ERROR.search(line)[1] == "expected a day, but received none"
