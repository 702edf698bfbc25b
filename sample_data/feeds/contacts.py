"""The shop's own list of addresses, a row an account: what `activation.deliver` needs, and no mapping reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from sample_data.parameters import Parameters
from sample_data.people import Person


def contacts(parameters: Parameters, people: Iterable[Person]) -> dict[str, bytes]:
    """`contacts/ds=YYYY-MM-DD/contacts.csv` of the last day: everybody's accounts, with mail address and number."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("account", "email", "phone"))
    for person in people:
        for account in person.accounts:
            writer.writerow((account, person.email, f"+49 155 5{person.number:07d}"))
    return {f"contacts/ds={parameters.ds(parameters.days - 1)}/contacts.csv": text.getvalue().encode()}
