"""policy.yml: what it says, and what is refused with its line."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest

from activation.audiences.campaigns import Campaign
from activation.planning.policy import Limit, read_policy
from contracts.errors import SettingsError
from contracts.settings import REPOSITORY


def campaign(name: str, channel: str = "mail") -> Campaign:
    return Campaign(name, "", "marketing_contact", 3, None, channel=channel, sha256="0")


CAMPAIGNS = {"letter": campaign("letter"), "page": campaign("page", "site")}

WHOLE = """
channels:
  mail:
    one_message: true
    at_most: [{messages: 1, days: 2}, {messages: 3, days: 7}]
    sent_at: "06:00"
    quiet_hours: {from: "21:00", to: "07:30"}
    cost_euros: 0.002
time_zones: {default: Europe/Berlin, north: Europe/London, isles: Atlantic/Azores}
rest_after_purchase_days: 3
suppression: list.txt
campaigns:
  letter: {priority: 2, budget_euros: 1.0, cost_euros: 0.1}
"""


def read(folder, text, campaigns=CAMPAIGNS):
    (folder / "policy.yml").write_text(text)
    return read_policy(folder / "policy.yml", campaigns, [*campaigns, "broken"])


def test_the_policy_that_comes_with_nightshift_lets_everything_pass():
    policy = read_policy(REPOSITORY / "activation" / "policy.yml", CAMPAIGNS, CAMPAIGNS)
    for one in CAMPAIGNS.values():
        assert not policy.of_channel(one.channel).one_message
        assert not policy.of_channel(one.channel).limits
        assert policy.most_messages(one) == float("inf")
        assert policy.cost_euros(one) == 0
    assert (policy.rest_days, policy.suppressed) == (0, ())


def test_everything_that_a_policy_can_say(tmp_path):
    (tmp_path / "list.txt").write_text("# left us\nemail:Anna@example.org\n\naccount: 7 \n")
    policy = read(tmp_path, WHOLE)
    mail = policy.of_channel("mail")
    assert mail.one_message
    assert mail.limits == (Limit(1, 2), Limit(3, 7))
    assert policy.suppressed == (("email", "Anna@example.org"), ("account", "7"))
    assert "Anna" not in repr(policy)
    assert policy.most_messages(CAMPAIGNS["letter"]) == 10
    assert policy.most_messages(CAMPAIGNS["page"]) == float("inf")
    assert policy.cost_euros(CAMPAIGNS["letter"]) == 0.1
    assert policy.of_campaign("letter").priority == 2
    # 06:00 UTC on 21 November: 07:00 in Berlin, 06:00 in London, 05:00 on the Azores; in summer Berlin has 08:00
    assert {name: mail.is_quiet("2026-11-20", zone) for name, zone in policy.zones.items()} == {
        "default": True,
        "north": True,
        "isles": True,
    }
    assert not mail.is_quiet("2026-07-20", zoneinfo.ZoneInfo("Europe/Berlin"))
    assert mail.quiet == (datetime.time(21), datetime.time(7, 30))


def test_quiet_hours_within_a_day(tmp_path):
    noon = read(tmp_path, 'channels:\n  sms: {sent_at: "12:00", quiet_hours: {from: "12:00", to: "14:00"}}\n')
    assert noon.of_channel("sms").is_quiet("2026-11-20", zoneinfo.ZoneInfo("UTC"))
    assert not noon.of_channel("sms").is_quiet("2026-11-20", zoneinfo.ZoneInfo("Asia/Tokyo"))


def test_a_definition_follows_campaign_policy_and_list(tmp_path):
    (tmp_path / "list.txt").write_text("account:7\n")
    letter = CAMPAIGNS["letter"]
    first = read(tmp_path, WHOLE).definition(letter)
    assert read(tmp_path, WHOLE).definition(letter) == first
    assert read(tmp_path, WHOLE.replace("priority: 2", "priority: 1")).definition(letter) != first
    (tmp_path / "list.txt").write_text("account:8\n")
    assert read(tmp_path, WHOLE).definition(letter) != first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chanels: {}", r"'chanels'; did you mean 'channels'"),
        ("channels:\n  male: {}", r"line 2 of policy.yml.*'male'; did you mean 'mail'"),
        ("channels:\n  mail: {one_message: 1}", r"true or false in line 2"),
        ("channels:\n  mail: {at_most: {messages: 0, days: 7}}", r"from 1 to 1000 in line 2.*received 0"),
        ("channels:\n  mail: {at_most: {messages: 1, days: 91}}", r"from 1 to 90 in line 2"),
        ("channels:\n  mail: {at_most: {messages: 1}}", r"'days' under"),
        ('channels:\n  mail: {quiet_hours: {from: "21:00", to: "07:00"}}', r"`sent_at` beside `quiet_hours`"),
        (
            'channels:\n  mail: {sent_at: "06:00", quiet_hours: {from: "21:00", to: "21:00"}}',
            r"all day long is no message at all",
        ),
        ("channels:\n  mail: {sent_at: 21:30}", r"a time as .* in line 2"),
        ("channels:\n  mail: {cost_euros: -1}", r"a number from 0"),
        ("time_zones: {default: Europe/Berln}", r"a time zone in line 1.*did you mean 'Europe/Berlin'"),
        ("campaigns:\n  lettr: {priority: 1}", r"'lettr'; did you mean 'letter'"),
        ("campaigns:\n  letter: {budget_euros: 10}", r"a budget of messages that cost something in line 2"),
        ("suppression: nobody.txt", r"a file for suppression in line 1.*no such file"),
        ("", "nothing in line 1"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, text, message):
    with pytest.raises(SettingsError, match=message):
        read(tmp_path, text)


def test_a_line_of_a_suppression_list_is_named_and_not_repeated(tmp_path):
    (tmp_path / "list.txt").write_text("account:7\nanna@example.org\n")
    with pytest.raises(SettingsError, match=r"in line 2 of list\.txt") as found:
        read(tmp_path, "suppression: list.txt")
    assert "anna" not in str(found.value)


def test_a_policy_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match="NIGHTSHIFT_POLICY"):
        read_policy(tmp_path / "none.yml", CAMPAIGNS, CAMPAIGNS)
