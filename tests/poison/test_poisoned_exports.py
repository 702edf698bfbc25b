"""Hostile names and titles on their way out: spreadsheets, pictures and pages show them, and run nothing."""

from __future__ import annotations

import csv

import pandas as pd
import pytest

from activation.audiences.selection import one_row_a_person
from activation.audiences.spreadsheet import append_csv, harmless
from training.card.charts import figure_bars, figure_intervals

FORMULAS = (
    *("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"),
    *("\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)", "\u22121"),
    *(" =1+1", "\u200b=1+1", "\ufeff=1", "\u202e=1", "\u00a0@x", '=HYPERLINK("http://x.example","a")'),
)


@pytest.mark.parametrize("formula", FORMULAS, ids=ascii)
def test_a_formula_is_a_text_whatever_is_put_before_it(formula):
    assert harmless(formula) == f"'{formula}"


@pytest.mark.parametrize("title", ["Pan = Pot", "a-b", "1 + 1", "\u200bPan", "e=mc²", "<b>Pan</b>"], ids=ascii)
def test_a_title_that_begins_with_something_else_stays(title):
    assert harmless(title) == title


def test_no_cell_of_an_audience_begins_a_formula(tmp_path):
    """Titles come from the catalogue, and why-texts repeat them."""
    offered = pd.DataFrame({"person_id": [f"p{n}" for n in range(len(FORMULAS))], "place": 1, "title": FORMULAS})
    offered["item_id"], offered["reason"] = FORMULAS, [f"{title} is near what you bought" for title in FORMULAS]
    append_csv(one_row_a_person(offered, 1), tmp_path / "audience.csv", with_header=True)
    with (tmp_path / "audience.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    assert len(rows) == len(FORMULAS) + 1
    cells = [cell for row in rows[1:] for cell in row[1:]]
    assert len(cells) == 3 * len(FORMULAS)
    assert all(cell.startswith("'") for cell in cells)


@pytest.mark.parametrize("name", [r"$\frac{", "$", r"a$b$\unknown{c}", "<script>alert(1)</script>", "a\nb", "=1"])
def test_a_campaign_named_like_a_formula_does_not_stop_a_picture(name, tmp_path):
    """Who comes with ?utm_campaign=$\frac{ would else end the training of the night."""
    figure_bars({name: 1.0, "autumn": 2.0}, "share").savefig(tmp_path / "bars.png")
    groups = pd.DataFrame({"kind": "campaign", "group": [name], "units": 1, "value": 0.5, "low": 0.4, "high": 0.6})
    figure_intervals(groups, "AUC").savefig(tmp_path / "intervals.png")
    assert (tmp_path / "bars.png").stat().st_size > 1000
