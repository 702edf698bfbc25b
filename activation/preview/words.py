"""A preview in words, for whoever wrote the campaign. Of groups that are too small it says no figure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from activation.audiences.campaigns import MOST_ITEMS
from activation.preview.preview import Preview, reasons

WHY_NOT = {
    "no_consent": "do not agree to personalisation, to {purpose} or, as `who` asks for it, to profiling",
    "outside": "do not meet `who`",
    "failed": "have no usable score",
    "no_recommendation": "are recommended nothing that the campaign may carry",
    "held_out": "are held out, to measure by",
    "suppressed": "are suppressed: by the list, by a hard bounce or by a complaint",
    "quiet": "have quiet hours, or rest after a purchase",
    "capped": "have had as many messages as the policy allows",
    "outbid": "get another message that is worth more, or this one costs more than it brings",
    "over_budget": "would be next, and the budget is spent",
    "small_group": "are fewer than may be written to as a group",
}


def lines_of(found: Preview, smallest_group: int) -> Iterator[str]:
    """What a preview says, line by line."""
    campaign, planned = found.campaign, found.books["planned"]
    figure = _Figures(found.share, smallest_group)
    about = f": {campaign.about}" if campaign.about else ""
    yield f"campaign {campaign.name}, as it would have been on {found.ds}{about}"
    if found.share < 1:
        yield f"{found.books['considered']:,} people were looked at, by lot; figures are estimates of everybody"
    yield ""
    yield from _size(found, figure, smallest_group)
    if planned >= smallest_group:
        yield from _worth(found)
    if found.overlaps:
        yield ""
        yield "other campaigns:"
        for name, overlap in found.overlaps.items():
            wanted, planned_by_both = figure(overlap.wanted_by_both), figure(overlap.planned_by_both)
            yield f"  {name}: both want {wanted} people, and {planned_by_both} get both"
    for name, error in found.failed.items():
        yield f"  {name}: not compared with: {error}"
    if planned >= smallest_group and found.examples:
        yield ""
        yield f"{len(found.examples)} of the people who get it:"
        for number, row in enumerate(found.examples, start=1):
            yield f"  {number}. {_example(row)}"
    yield ""
    yield "nothing was written"


def _size(found: Preview, figure: _Figures, smallest_group: int) -> Iterator[str]:
    considered, planned = found.books["considered"], found.books["planned"]
    others, few = reasons(found.books, smallest_group)
    size = figure(planned)
    if 0 < few < smallest_group:  # who subtracts would know how many they are
        size = f"about {round(planned, -len(str(smallest_group)) + 1):,}"
    share = f" ({planned / considered:.1%})" if planned else ""
    yield f"{size} of {figure(considered)} people get it by {found.campaign.channel}{share}"
    for arm, people in found.arms.items():
        if planned >= smallest_group:
            yield f"  {arm}: {figure(people)}"
    if planned < smallest_group:
        yield f"  an audience of fewer than {smallest_group} people is not let out"
    yield "the others:" if others or few else "nobody is left out"
    for outcome, people in sorted(others.items(), key=lambda one: -one[1]):
        yield f"  {figure(people):>9} {WHY_NOT[outcome].format(purpose=found.campaign.purpose)} ({outcome})"
    if few:
        yield f"  {figure(few):>9} have another reason, of which each holds for few, or the one that hides them"


def _worth(found: Preview) -> Iterator[str]:
    yield ""
    if found.campaign.sends is None:
        yield "clicks: say with `sends` under which name they come back, and they can be foreseen"
    elif found.clicks is None:
        yield f"clicks: no model knows {found.campaign.sends!r} yet"
    else:
        yield f"clicks: {found.clicks / found.share:,.0f} expected"
    if found.euros is None:
        yield "euros: no model says what a message of it brings"
    else:
        yield f"euros: {found.euros / found.share:,.2f} expected"
    if found.cost:
        yield f"cost: {found.cost / found.share:,.2f} euros"


def _example(row: dict[str, str]) -> str:
    items = []
    for place in range(1, MOST_ITEMS + 1):
        if f"item_{place}" in row:
            title = row.get(f"item_{place}_title", row[f"item_{place}"])
            why = row.get(f"item_{place}_why")
            items.append(f"{title} ({why})" if why else title)
    more = []
    if "arm" in row:
        more.append(f"arm {row['arm']}")
    if "click_chance" in row:
        more.append(f"chance to click {row['click_chance']:.1%}" + (f", {row['why']}" if row.get("why") else ""))
    return "; ".join([*items, *more])


class _Figures:
    """People as a figure: estimated where some were looked at, and none where they are few."""

    def __init__(self, share: float, smallest_group: int) -> None:
        self.share, self.smallest_group = share, smallest_group

    def __call__(self, people: int) -> str:
        if people == 0:
            return "0"
        if people < self.smallest_group:
            return f"fewer than {math.ceil(self.smallest_group / self.share)}"
        if self.share == 1:
            return f"{people:,}"
        estimated = people / self.share
        return f"about {round(estimated, 2 - int(math.log10(estimated))):,.0f}"
