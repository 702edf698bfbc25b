"""The page's words for what tables and reports call by short names."""

from __future__ import annotations

import datetime

MODELS = {
    "next_item": "what a person looks at next",
    "taste_autoencoder": "tastes, also of people of whom little is known",
    "interest_vision": "interests in the photos that people post",
    "interest_audio": "interests in the sounds that people post",
    "interest_gan": "made-up rows that others may learn from",
    "response": "who answers a campaign",
    "uplift": "whom a message changes",
}

METRICS = {
    "ndcg@10": "how near the top of the ten recommended items the right ones stand; 1 is best",
    "ndcg@100": "how near the top of a hundred recommended items the right ones stand; 1 is best",
    "hit_rate@10": "share of people who acted on one of the ten items recommended to them",
    "click_auc": "how often who clicked had the higher chance; 0.5 is a coin toss, 1 is best",
    "accuracy": "share of photos, or sounds, whose subject is recognised",
    "tstr_auc": "how well a model does that learned from made-up rows alone; 0.5 is a coin toss",
    "qini": "how much better people are chosen than by lot; 0 is by lot",
}

OUTCOMES = {
    "planned": "gets the message",
    "no_consent": "did not agree",
    "outside": "not whom the campaign is for",
    "failed": "no usable score",
    "no_recommendation": "nothing to recommend",
    "held_out": "held out by lot, to measure what sending changes",
    "suppressed": "must not or cannot be reached",
    "quiet": "quiet hours, or bought lately",
    "capped": "had enough messages",
    "outbid": "another message is worth more",
    "over_budget": "the budget is spent",
    "small_group": "too few people for a campaign",
}

PROFILE = {
    "age_band": "Age",
    "gender": "Gender",
    "region": "Region",
    "main_interest": "Main interest",
    "rfm_band": "As a customer",
    "price_tier": "Price tier",
    "active_daypart": "Most active in the",
    "main_device": "Device",
}

PURPOSES = {
    "profiling": "Being profiled",
    "training": "Models learning from them",
    "personalisation": "Personal recommendations",
    "marketing_contact": "Being written to",
}

LIFT_METRICS = {
    "visit": ("visitors", "came to the shop"),
    "purchase": ("buyers", "bought something"),
    "euros": ("euros", "euros of what they bought"),
    "unsubscribe": ("unsubscribers", "wanted no more messages"),
}

STATUSES = {
    "delivered": "delivered",
    "refused": "refused by the destination",
    "waiting": "goes with the next run",
    "unknown": "handed over, never confirmed",
    "withheld": "not sent",
}

STEPS = {
    "setup": "set-up",
    "map": "map raw deliveries",
    "resolve": "find the people",
    "profile": "build profiles",
    "words": "read words",
    "clean": "remove what is old",
    "train": "train models",
    "promote": "decide on models",
    "score": "score people",
    "neighbours": "find similar items",
    "measure": "measure",
    "log_measured": "log what was measured",
    "plan": "plan messages",
    "activate": "make audiences",
    "store": "build the online store",
    "watch": "watch",
    "page": "make this page",
}


def plain(name: str) -> str:
    """A name of code as words."""
    return name.replace("_", " ")


def titled(name: str) -> str:
    """A name of code as a heading."""
    return plain(name)[:1].upper() + plain(name)[1:]


def day_in_words(ds: str, *, year: bool = True) -> str:
    """As in 19 November 2026."""
    day = datetime.date.fromisoformat(ds)
    return f"{day.day} {day:%B %Y}" if year else f"{day.day} {day:%b}"


def number(value: float | None) -> str:
    """A metric for people; as the gate writes it where it is small."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4f}" if abs(value) < 10 else f"{value:.4g}"


def share(part: float, whole: float) -> str:
    """As a percentage; one decimal where it would round to none."""
    percent = 100 * part / whole if whole else 0.0
    return f"{percent:.1f} %" if 0 < percent < 10 else f"{percent:.0f} %"


def seconds(value: float) -> str:
    """A duration for people."""
    whole = round(value)
    if whole < 120:
        return f"{value:.1f} s" if value < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
