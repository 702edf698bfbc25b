"""Make the page of a night: one static HTML file that says how it went, for whoever comes in the morning.

Reads what the night's steps have reported and published: `reports/`, `ledger.jsonl`, and tables of the lake. What is
not there, because a step failed or nothing was measured yet, is a sentence on the page and no error. Nothing on it
names a person: groups of fewer people than NIGHTSHIFT_SMALLEST_GROUP (20) are counted together, and a list that is
shown holds items that as many people get. Photos of items lie in the page; it needs no other file, no address and no
script.

    python -m monitoring.page --ds 2026-11-19

writes <home>/pages/nightly-2026-11-19.html, and the newest page as <home>/pages/index.html. The last line says where.
"""

from __future__ import annotations

from contracts.arguments import day_parser
from contracts.atomic_files import write_whole
from contracts.entry_point import exit_with_sentence
from contracts.report import Report, say
from contracts.settings import Settings
from monitoring.page.html import page_of
from monitoring.page.night import Night


def main() -> None:
    parser = day_parser("monitoring.page", __doc__)
    parser.add_argument("--failed", default="", metavar="SENTENCE", help="why the night ended before its end")
    options = parser.parse_args()
    exit_with_sentence(lambda: make_page(options.ds, options.failed))


def make_page(ds: str, failed: str = "") -> None:
    """Write the page of a night; where no later night has one, it is `index.html` too."""
    settings = Settings.from_env()
    folder = settings.home.pages
    with Report(settings.home.reports, ds).timed("page"):
        page = page_of(Night(settings, ds, failed))
        file = folder / f"nightly-{ds}.html"
        write_whole(file, page)
        if file == max(folder.glob("nightly-*.html")):
            write_whole(folder / "index.html", page)
    say(f"page {ds}: {len(page.encode()) / 1000:,.0f} kB")
    print(file)


if __name__ == "__main__":
    exit_with_sentence(main)
