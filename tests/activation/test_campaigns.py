import pytest

from activation.audiences.campaigns import load_campaigns, read_campaign
from contracts.errors import SettingsError
from contracts.settings import REPOSITORY

TOWN = {"running", "cycling", "gardening"}
GENRES = {"Drama", "Comedy"}


def read(tmp_path, text):
    (tmp_path / "some.yml").write_text(f"name: some\n{text}")
    return read_campaign(tmp_path / "some.yml", TOWN)


def test_a_full_campaign(tmp_path):
    campaign = read(
        tmp_path,
        "purpose: personalisation\nwho:\n  likes: {category: running, min_weight: 0.2}\n  bought_within_days: 30\n"
        "  region: [north, centre]\n  gender: female\n  segment: commuters\n  at_least: {frequency: 2}\n"
        "items: {count: 4, category: cycling}\nexplore: {share: 0.1}\n",
    )
    assert campaign.purpose == "personalisation"
    assert campaign.likes == {"running": 0.2}
    assert campaign.at_most == {"recency_days": 30}
    assert campaign.one_of == {"region": ("north", "centre"), "gender": ("female",)}
    assert campaign.segments == ("commuters",)
    assert campaign.at_least == {"frequency": 2}
    assert (campaign.item_count, campaign.item_category) == (4, "cycling")
    assert campaign.explore_share == 0.1


def test_contact_is_the_purpose_unless_said_otherwise(tmp_path):
    assert read(tmp_path, "").purpose == "marketing_contact"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("whom: {}", "in line 2 of some.yml .whom., but received 'whom'; did you mean 'who'"),
        (
            "who:\n  likes: {category: runing}",
            "line 3 of some.yml .who.likes.category.*'runing'; did you mean 'running'",
        ),
        ("items: {category: Gardening}", "line 2 .*items.category.*'Gardening'; did you mean 'gardening'"),
        ("who:\n  regions: north", "in line 3 .*'regions'; did you mean 'region'"),
        ("who: {at_least: {frequencies: 1}}", "in line 2 .*who.at_least.frequencies.*did you mean 'frequency'"),
        ("who: {at_least: {click_chance: 1}}", "in line 2 .*received 'click_chance'"),
        ("who: {at_least: {uplift_euros: 0.2}}", "in line 2 .*received 'uplift_euros'"),
        ("who:\n  at_most:\n    frequency: often", "a number in line 4 .*who.at_most.frequency.*'often'"),
        ("who: {bought_within_days: lately}", "a number in line 2 .*who.bought_within_days.*'lately'"),
        ("purpose: training", "in line 2 .*'training'; choose one of marketing_contact, personalisation"),
        ("items: {count: 11}", "a whole number from 1 to 10 in line 2 .*items.count.*received 11"),
        ("explore:\n  share: 0", "a share above 0 and below 1 in line 3 .*explore.share.*received 0"),
        ("explore: {share: 1}", "a share above 0 and below 1 in line 2 .*explore.share"),
        ("explore: {share: some}", "a number in line 2 .*explore.share.*'some'"),
        ("explore: {}", "'share' under explore in line 2"),
        ("explore: 0.1", "a mapping under explore in line 2"),
        ("explore: {share: 0.1, items: 3}", "in line 2 .*explore.*'items'"),
        ("who: everyone", "a mapping under who in line 2 .*'everyone'; write `name: value` lines"),
        ("who: {region: [{north: 1}]}", "one value for who.region.0 in line 2"),
        ("purpose: personalisation\nname: other", "'name' again, as in line 1 in line 3"),
        ("who: [", "YAML in some.yml"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, text, sentence):
    with pytest.raises(SettingsError, match=sentence):
        read(tmp_path, text)


def test_an_empty_folder(tmp_path):
    with pytest.raises(SettingsError, match="at least one campaign"):
        load_campaigns(tmp_path, TOWN)


def test_a_campaign_is_called_like_its_file(tmp_path):
    (tmp_path / "one.yml").write_text("name: other")
    (tmp_path / "two.yml").write_text("name: two")
    loaded = load_campaigns(tmp_path, TOWN)
    assert "name: one in" in str(loaded["one"])
    assert "'other'" in str(loaded["one"])
    assert loaded["two"].name == "two"


@pytest.mark.parametrize(("folder", "categories"), [("campaigns", TOWN), ("campaigns_real", GENRES)])
def test_the_campaigns_that_come_with_nightshift(folder, categories):
    campaigns = load_campaigns(REPOSITORY / "activation" / folder, categories)
    assert len(campaigns) >= 2
    assert all(campaign.about for campaign in campaigns.values())
