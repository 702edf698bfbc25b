"""A town whose taste moves: a champion of before is replaced, and who has seen the test is refused."""

import itertools

import numpy as np

from bench.drift_gate import DRIFT_DAY, FIRST_DAY, ITEMS, STEP_AFTER, STEP_BEFORE, live, walk
from training.parts import DAY


def test_taste_moves_on_the_day_of_the_drift():
    acts = walk(np.random.default_rng(1), 200, days=20)
    assert max(moment for _, moment, _ in acts).astype("datetime64[D]") == FIRST_DAY + 19
    steps = {False: [], True: []}
    for (person, _, item), (owner, moment, follows) in itertools.pairwise(acts):
        if person == owner:
            steps[bool(moment.astype("datetime64[D]") >= DRIFT_DAY)].append((follows - item) % ITEMS)
    shares = [np.mean(np.array(steps[after]) == step) for after, step in ((False, STEP_BEFORE), (True, STEP_AFTER))]
    assert all(0.5 < share < 0.75 for share in shares), "seven in ten follow taste, if they have not been there"
    of_people = [[item for owner, _, item in acts if owner == person] for person in range(5)]
    assert all(len(set(items)) == len(items) for items in of_people)


def test_a_stale_champion_is_replaced_and_a_leaky_challenger_is_refused(tmp_path):
    found = live(tmp_path, seed=7, people=250, nights=1)
    before, first = found["nights"]
    assert (before["decision"], first["decision"]) == ("promoted", "promoted")
    assert found["replaced_on_night"] == 1
    assert (first["champion_weights"], first["champion_learned_until"]) == ("refit", str(DRIFT_DAY))
    assert before["champion_learned_until"] == str(DRIFT_DAY - DAY)
    assert before["served"] == before["stale"]
    assert first["served"] > first["stale"], "it knows a day of the new taste"
    assert found["leaky"]["decision"] == "refused"
    assert f"it learned from days until {DRIFT_DAY}, and the test begins on " in found["leaky"]["reasons"][0]
