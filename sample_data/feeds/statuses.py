"""Single Mastodon statuses and accounts, field by field as the API's entities have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sample_data.items import pick
from sample_data.parameters import moment
from sample_data.people import Handle
from sample_data.posts import ASIDES, language_of, written
from sample_data.words import POSTSCRIPTS

HOME = "https://town.example"

POSTSCRIPT_SHARE = 0.04
"""How many posts say an e-mail address, a telephone number or a link of the author's."""

_JOINED_SECOND = 1_650_000_000
_APPLICATIONS = (("Web", None), ("Tusky", "https://tusky.app"), ("Ivory", "https://tapbots.com/ivory"))


def snowflake(second: int, sequence: int) -> str:
    """An id as Mastodon makes them: milliseconds in the upper 48 bits, a sequence number in the lower 16."""
    return str(((second * 1000) << 16) | (sequence & 0xFFFF))


def instant(second: int) -> str:
    return f"{moment(second):%Y-%m-%dT%H:%M:%S}.000Z"


def account_of(handle: Handle, second: int) -> dict[str, Any]:
    """The author; a linked shop account stands in a verified field."""
    fields = []
    if handle.linked_account is not None:
        address = f"shop.example/u/{handle.linked_account}"
        link = f'<a href="https://{address}" rel="me">{address}</a>'
        fields.append({"name": "Shop", "value": link, "verified_at": instant(_JOINED_SECOND + 86_400)})
    return _account(handle.id, handle.acct, handle.display_name, False, handle.followers, second, fields)


def bot_account(name: str) -> dict[str, Any]:
    """A machine that says so."""
    return _account(str(108_000_000_000_000_000 + len(name)), name, name.title(), True, 12_000, _JOINED_SECOND, [])


def status_of(
    rng: np.random.Generator,
    wording: np.random.Generator,
    id_: str,
    second: int,
    account: dict[str, Any],
    *,
    category: str,
    topics: tuple[str, ...],
    email: str,
    answers: dict[str, Any] | None,
    has_picture: bool,
) -> dict[str, Any]:
    """A post about a category, with some of its `topics` as hashtags; it mentions whose status it answers.

    Args:
        wording: a source of chance of its own: what is written changes nothing but the words.
    """
    chosen = [topics[place] for place in rng.permutation(len(topics))[: 1 + pick(rng, (0.5, 0.35, 0.15))]]
    language = language_of(account["id"])
    text = written(wording, category, language, int(rng.integers(len(ASIDES[language]))))
    if rng.random() < POSTSCRIPT_SHARE:
        text += POSTSCRIPTS[int(rng.integers(len(POSTSCRIPTS)))].format(
            email=email, number=int(rng.integers(100, 1000)), username=account["username"]
        )
    mentions = [_mention(answers["account"])] if answers else []
    greeting = "".join(f'<a href="{each["url"]}" class="u-url mention">@{each["username"]}</a> ' for each in mentions)
    hashtags = " ".join(
        f'<a href="{HOME}/tags/{tag}" class="mention hashtag" rel="tag">#<span>{tag}</span></a>' for tag in chosen
    )
    picture_id = str(int(id_) + 1)
    picture = {
        "id": picture_id,
        "type": "image",
        "url": f"media/{picture_id}.png",
        "description": f"A {chosen[0]} moment",
    }
    return {
        **_frame(id_, second, account),
        "in_reply_to_id": answers["id"] if answers else None,
        "visibility": "public" if rng.random() < 0.9 else "unlisted",
        "language": language,
        "replies_count": int(rng.poisson(0.6)),
        "reblogs_count": int(rng.poisson(0.8)),
        "favourites_count": int(rng.poisson(3.0)),
        "content": f"<p>{greeting}{text}</p><p>{hashtags}</p>",
        "application": _application(_APPLICATIONS[int(rng.integers(len(_APPLICATIONS)))]),
        "media_attachments": [picture] if has_picture else [],
        "mentions": mentions,
        "tags": [{"name": tag, "url": f"{HOME}/tags/{tag}"} for tag in chosen],
    }


def sound_of(status_id: str) -> dict[str, Any]:
    """A sound that is posted with a status."""
    id_ = str(int(status_id) + 1)
    return {"id": id_, "type": "audio", "url": f"media/{id_}.wav", "description": None}


def boost_of(original: dict[str, Any], id_: str, second: int, account: dict[str, Any]) -> dict[str, Any]:
    """A boost: the original's text and tags under the booster's name."""
    author = original["account"]
    return {
        **_frame(id_, second, account),
        "language": original["language"],
        "content": original["content"],
        "reblog": {"id": original["id"], "account": {"id": author["id"], "acct": author["acct"]}},
        "mentions": original["mentions"],
        "tags": original["tags"],
    }


def _frame(id_: str, second: int, account: dict[str, Any]) -> dict[str, Any]:
    """Every field of a status, in the API's order."""
    return {
        "id": id_,
        "created_at": instant(second),
        "in_reply_to_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": f"{HOME}/users/{account['username']}/statuses/{id_}",
        "url": f"{HOME}/@{account['acct']}/{id_}",
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "content": "",
        "reblog": None,
        "application": _application(_APPLICATIONS[0]),
        "account": account,
        "media_attachments": [],
        "mentions": [],
        "tags": [],
        "emojis": [],
        "card": None,
        "poll": None,
    }


def _account(
    id_: str, acct: str, display_name: str, bot: bool, followers: int, second: int, fields: list[dict[str, Any]]
) -> dict[str, Any]:
    username = acct.split("@")[0]
    return {
        "id": id_,
        "username": username,
        "acct": acct,
        "display_name": display_name,
        "bot": bot,
        "created_at": instant(_JOINED_SECOND),
        "note": f"<p>{display_name}, in town</p>",
        "url": f"{HOME}/@{acct}",
        "followers_count": followers,
        "following_count": followers // 2 + 20,
        "statuses_count": 50 + (second - _JOINED_SECOND) // 400_000,
        "fields": fields,
    }


def _mention(account: dict[str, Any]) -> dict[str, Any]:
    return {key: account[key] for key in ("id", "username", "acct", "url")}


def _application(named: tuple[str, str | None]) -> dict[str, Any]:
    return {"name": named[0], "website": named[1]}
