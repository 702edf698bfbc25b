"""Let the simulated town live through the day after a night: what it does with the messages that the night planned.

Reads the night's plan, finds the town's people in it, and lays what the day leaves behind as the raw deliveries of the
next day: the web log, with the visits that messages bring and prevent and the places shown on the front page, and the
mail service's log. What the messages changed is planted and stands among the town's secrets. A day that is there
already is left alone; equal plans make equal days, byte for byte.

    python -m sample_data.next_day --ds 2026-11-19
"""

from __future__ import annotations

import datetime
import json
import shutil

from contracts.arguments import day_parser
from contracts.entry_point import exit_with_sentence
from contracts.errors import RawDataError
from contracts.lake import Lake
from contracts.report import say
from contracts.settings import Settings
from sample_data.feeds.weblog import last_items
from sample_data.items import open_shop
from sample_data.parameters import Parameters, truth_file
from sample_data.people import settle
from sample_data.responses.day import Town, live
from sample_data.responses.diary import Diary, diaries
from sample_data.responses.planned import planned_messages
from sample_data.visits import plan_visits


def main() -> None:
    chosen = day_parser("sample_data.next_day", __doc__).parse_args()
    exit_with_sentence(lambda: live_on(Settings.from_env(), chosen.ds))


def live_on(settings: Settings, ds: str) -> Diary:
    """Lay the deliveries of the day after `ds`, unless they are there.

    Raises:
        RawDataError: there is no town, `ds` is not its newest day, or another owner's deliveries are in the place.
        LakeError: the night of `ds` has no plan.
        BusyError: another process lets the town live on.
    """
    next_ds = (datetime.date.fromisoformat(ds) + datetime.timedelta(days=1)).isoformat()
    with Lake(settings.home.truth).lock("town"):
        parameters, past = town_parameters(settings), diaries(settings)
        if known := [diary for diary in past if diary.ds == next_ds]:
            say(f"town: {next_ds} is there already; nothing to do")
            return known[0]
        newest = past[-1].ds if past else parameters.last_day
        if newest != ds:
            raise RawDataError(
                expected=f"--ds {newest}, the newest day of the town",
                received=ds,
                remedy="let the town live through one day after the other",
            )
        shop = open_shop(parameters.generator("shop"), parameters.lines)
        town = Town(parameters, shop, settle(parameters, shop))
        by_id = {item.id: item for item in shop.items}
        if past:
            last = {int(number): by_id[item] for number, item in past[-1].last_items.items()}
        else:
            last = last_items(parameters, shop, plan_visits(parameters, town.people))
        planned = planned_messages(settings, ds, town.people)
        files, diary = live(town, next_ds, ds, planned, past, last)
        _lay(settings, files)
        diary.write(settings)
    came = sum(visit.kept_away_by is None for visit in diary.visits)
    brought = sum(visit.came_by is not None for visit in diary.visits)
    left = sum(message.left for message in diary.messages)
    say(
        f"town {next_ds}: {len(diary.messages):,} messages; {came:,} visits, {brought:,} of them brought by one, "
        f"{len(diary.visits) - came:,} prevented; {left:,} unsubscribed"
    )
    return diary


def town_parameters(settings: Settings) -> Parameters:
    """What the town below a home was made from.

    Raises:
        RawDataError: there is none.
    """
    if not truth_file(settings).exists():
        raise RawDataError(
            expected=f"a simulated town in {settings.home}",
            received="none",
            remedy="make one first: `python -m sample_data.town`",
        )
    return Parameters(**json.loads(truth_file(settings).read_text())["parameters"])


def _lay(settings: Settings, files: dict[str, bytes]) -> None:
    """Each source's day appears at once; a day that a killed run laid is the same, and is laid again."""
    for name, content in files.items():
        source, day, file = name.split("/")
        draft, place = settings.raw / source / f".{day}-draft", settings.raw / source / day
        if place.exists() and {one.name: one.read_bytes() for one in place.iterdir()} != {file: content}:
            raise RawDataError(
                expected=f"no deliveries in {place}",
                received="some of another owner's",
                remedy="take them away, or let the town live in a home of its own",
            )
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        (draft / file).write_bytes(content)
        shutil.rmtree(place, ignore_errors=True)
        draft.rename(place)


if __name__ == "__main__":
    main()
