"""A town is the same for the same parameters, is laid whole or not at all, and has something to learn in it."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter

import pytest

from contracts.errors import RawDataError, SettingsError
from sample_data.browsing import Decision, browse
from sample_data.feeds.whole import final_consents, found_town
from sample_data.items import NEXT_SHARE, open_shop, read_topics
from sample_data.parameters import Parameters
from sample_data.people import settle
from sample_data.photos import COLOURS, MOTIFS
from sample_data.sounds import PATTERNS
from sample_data.town import make_town, read_parameters
from sample_data.visits import OWNER_LOGINS_FOR_A_GUEST, plan_visits, shared_cookies
from sample_data.words import BASE_PRICES, NOUNS
from tests.sample_data.town_on_disk import SMALL, settings_in


def test_equal_parameters_make_equal_bytes(small_town):
    again = found_town(SMALL)
    assert again.truth == small_town.truth
    on_disk = {
        str(file.relative_to(small_town.settings.raw)): file.read_bytes()
        for file in small_town.settings.raw.rglob("*")
        if file.is_file()
    }
    assert on_disk == again.files


def test_another_seed_makes_another_town(small_town):
    other = found_town(Parameters(people=8, days=2, seed=4))
    assert other.truth["people"] != small_town.truth["people"][:8]


def test_a_town_that_is_there_is_left_alone(small_town):
    assert not make_town(small_town.settings, SMALL)
    with pytest.raises(RawDataError, match="NIGHTSHIFT_HOME"):
        make_town(small_town.settings, Parameters(people=61, days=4, seed=3))


def test_a_run_killed_while_it_writes_leaves_nothing_that_counts(tmp_path):
    settings, parameters = settings_in(tmp_path), Parameters(people=8, days=2)

    def killed(things, label):
        for place, thing in enumerate(things):
            if label == "writing" and place == 5:
                raise KeyboardInterrupt
            yield thing

    with pytest.raises(KeyboardInterrupt):
        make_town(settings, parameters, killed)
    assert not (settings.home.truth / "town.json").exists()
    assert [folder.name for folder in settings.raw.iterdir()] == [".town-draft"]
    assert make_town(settings, parameters)
    assert not list(settings.raw.glob(".*"))


def test_a_run_killed_while_it_moves_is_brought_to_its_end(tmp_path):
    settings, parameters = settings_in(tmp_path), Parameters(people=8, days=2)
    make_town(settings, parameters)
    finished = settings.raw / ".town-finished"
    finished.mkdir()
    shutil.move(settings.raw / "catalogue", finished / "catalogue")
    (settings.home.truth / "town.json").rename(settings.home.truth / ".town-draft.json")
    assert not make_town(settings, parameters)
    assert (settings.home.truth / "town.json").exists()
    assert len(list(settings.raw.glob("catalogue/ds=*"))) == 2
    assert not finished.exists()


def test_feeds_of_another_owner_are_not_touched(tmp_path):
    settings = settings_in(tmp_path)
    foreign = settings.raw / "apache_combined" / "ds=2026-11-19" / "access.log"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine\n")
    with pytest.raises(RawDataError, match="another owner"):
        make_town(settings, Parameters(people=8, days=2))
    assert foreign.read_text() == "mine\n"


@pytest.mark.parametrize("arguments", [["--people", "0"], ["--last-day", "tomorrow"], ["--lines", "11"]])
def test_a_wrong_command_line_is_a_sentence(arguments):
    with pytest.raises(SettingsError, match="correct the command line"):
        read_parameters(arguments)


def test_a_town_of_a_release_that_knew_no_lines_is_the_same_town(tmp_path):
    settings, parameters = settings_in(tmp_path), Parameters(people=8, days=2)
    make_town(settings, parameters)
    file = settings.home.truth / "town.json"
    truth = json.loads(file.read_text())
    assert truth["parameters"].pop("lines") == 10
    file.write_text(json.dumps(truth))
    assert not make_town(settings, parameters)
    with pytest.raises(RawDataError, match="no town or the same town"):
        make_town(settings, Parameters(people=8, days=2, lines=3))


def test_a_small_shop_has_as_many_lines_as_it_is_given():
    shop = open_shop(Parameters().generator("shop"), 3)
    assert {category: len(lines) for category, lines in shop.lines.items()} == dict.fromkeys(read_topics(), 3)


def test_every_category_has_words_a_price_a_motif_and_a_pattern():
    assert set(read_topics()) == set(NOUNS) == set(BASE_PRICES) == set(COLOURS) == set(MOTIFS) == set(PATTERNS)
    assert {len(nouns.split(",")) for nouns in NOUNS.values()} == {10}


def test_the_latest_decision_counts():
    withdrawn, granted = Decision(1, 20, "training", False), Decision(1, 10, "training", True)
    assert final_consents([withdrawn, granted]) == {1: {"training": False}}


def test_owners_log_in_on_shared_devices_clearly_more_often_than_guests():
    parameters = Parameters(people=120, days=30)
    visits = plan_visits(parameters, settle(parameters, open_shop(parameters.generator("shop"))))
    shared = shared_cookies(visits)
    assert shared
    for cookie in shared:
        logins = [visit for visit in visits if visit.device.cookie == cookie and visit.logs_in]
        guests = sum(visit.as_guest for visit in logins)
        assert len(logins) - guests >= OWNER_LOGINS_FOR_A_GUEST * guests


def test_the_next_item_can_be_learned_far_beyond_popularity():
    """Leave the last item out: the shop's own successor against the most popular items, NDCG@10, seen items removed."""
    parameters = Parameters(people=300, days=30)
    shop = open_shop(parameters.generator("shop"))
    visits = plan_visits(parameters, settle(parameters, shop))
    rng = parameters.generator("test")
    items = {item.id: item for item in shop.items}
    sequences, last = {}, {}
    for visit in visits:
        number = visit.person.number
        hits, _, last[number] = browse(rng, parameters, shop, visit, last.get(number))
        for hit in hits:
            if hit.target.startswith("/item/"):
                sequences.setdefault(number, {})[hit.target.removeprefix("/item/").split("?")[0]] = None
    histories = [list(seen) for seen in sequences.values() if len(seen) >= 3]
    popularity = [item for item, _ in Counter(item for seen in histories for item in seen[:-1]).most_common()]
    by_popularity = by_line = 0.0
    for *seen, target in histories:
        by_popularity += gain([item for item in popularity if item not in seen][:10], target)
        following = shop.successor(items[seen[-1]])
        walk = [following.id, shop.successor(following).id]
        by_line += gain([item for item in walk if item not in seen], target)
    assert by_line > 3 * by_popularity
    assert by_line / len(histories) > 0.5 * NEXT_SHARE


def gain(ranked: list[str], target: str) -> float:
    return 1 / math.log2(ranked.index(target) + 2) if target in ranked else 0.0
