"""Sticky arms: a keyed hash of the person's first identifier and the experiment's salt, cut by shares.

HMAC-SHA256 of salt and identifier, under a key of its own that follows from the oldest key of the pseudonyms, gives two
independent places in [0, 1). By the first a person is held out or not: everybody below the holdout's share is. By the
second the others are divided among the variants, in proportion to their shares. A holdout that grows from h to g thus
moves only those between h and g, and one that shrinks only those it lets go; nobody changes the variant as long as the
variants' proportions stay.

A person's first identifier is the one of the earliest `first_ds`, of equal ones the smallest. When people merge, that
of the older one stays the first, so that the arm of the older one stays; when a person falls apart, those without the
first identifier have another. Whoever is in another arm than one of their identifiers was on the night before is
`moved`, for as long as the experiment has this salt.

Those are left out of the analysis, and so is everybody else who merged, fell apart or got another first identifier
since the experiment began, even where all were of one arm. To leave out only the moved would take nine of ten merged
people out of a holdout of a tenth, and one of ten out of the others: the arms would differ by who merges, which are
the active. Merging itself does not depend on the arm.

A place is kept with the assignment, so that it outlives a rotation of keys, which renames identifiers.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.dataset

from activation.experiments.experiment import HOLDOUT, Experiment
from contracts.settings import duckdb_config
from contracts.tables.activation import ASSIGNMENTS

Rows = pa.Table | pa.dataset.Dataset
"""Rows in memory, or on disk to be read when they are needed."""

_DERIVED_FOR = b"nightshift arms of experiments"
_DIGITS = 13
"""Hex digits of a place: 52 bits, as many as a double has."""

_PLACE = f"(('0x' || substr(digest, {{start}}, {_DIGITS}))::bigint / {16**_DIGITS}::double)"

_FIRST = """
    create temp table first_identifiers as
    select person_id, min_by(identifier, first_ds::varchar || identifier) as identifier
    from persons semi join people using (person_id)
    group by person_id
"""
_FORMER_PEOPLE = """
    create temp table former_people as
    with pairs as (
        select distinct earlier.person_id as former_person_id, persons.person_id
        from earlier_persons as earlier join persons using (identifier)
    ),
    counted as (select *, count(*) over (partition by former_person_id) as parts from pairs)
    select counted.* from counted semi join people using (person_id)
"""
_ARMS = f"""
    with earlier as (
        select person_id, identifier, holdout_place, variant_place, arm, since, moved, left_out
        from earlier_assignments where experiment = $name and salt = $salt
    ),
    hashed as (
        select *, sha256(unhex($outer) || unhex(sha256(unhex($inner) || encode($salt || chr(10) || identifier))))
            as digest
        from first_identifiers
    ),
    placed as (
        select
            hashed.person_id,
            hashed.identifier,
            coalesce(earlier.holdout_place, {_PLACE.format(start=1)}) as holdout_place,
            coalesce(earlier.variant_place, {_PLACE.format(start=1 + _DIGITS)}) as variant_place
        from hashed left join earlier using (identifier)
    ),
    drawn as (select *, {{arm}} as arm from placed),
    known as (
        select
            former.person_id,
            min(earlier.since) as since,
            bool_or(earlier.moved or earlier.arm <> drawn.arm) as moved,
            count(*) > 1
            or bool_or(
                earlier.left_out
                or former.parts > 1
                or earlier.identifier <> drawn.identifier
                or earlier.arm <> drawn.arm
            ) as left_out
        from former_people as former
        join earlier on earlier.person_id = former.former_person_id
        join drawn on drawn.person_id = former.person_id
        group by former.person_id
    )
    select
        drawn.person_id,
        $name as experiment,
        $salt as salt,
        drawn.identifier,
        drawn.holdout_place,
        drawn.variant_place,
        drawn.arm,
        coalesce(known.since, $ds::date) as since,
        coalesce(known.moved, false) as moved,
        coalesce(known.left_out, false) as left_out
    from drawn left join known using (person_id)
    order by drawn.person_id
"""


@dataclass(frozen=True)
class Night:
    """What an earlier night had assigned, and who was who on it."""

    assignments: Rows
    persons: Rows


class Assigning:
    """The arms of one night's people, one experiment after the other; a context manager."""

    def __init__(self, persons: Rows, people: pa.Table, keys: Sequence[bytes], before: Night | None = None) -> None:
        """Find everybody's first identifier, and whose people were whose on the night before.

        Args:
            persons: identifier, person_id, first_ds of tonight, everybody's.
            people: person_id of those who are to be assigned.
            keys: those of the pseudonyms, oldest first.
            before: the latest earlier night on which arms were assigned.
        """
        self._key = hmac.new(keys[0], _DERIVED_FOR, hashlib.sha256).digest()
        before = before or Night(_none(ASSIGNMENTS.column_names), _none(["identifier", "person_id"]))
        self._connection = duckdb.connect(config=duckdb_config())
        for name, rows in (
            ("persons", persons),
            ("people", people),
            ("earlier_persons", before.persons),
            ("earlier_assignments", before.assignments),
        ):
            self._connection.register(name, rows)
        self._connection.execute(_FIRST)
        self._connection.execute(_FORMER_PEOPLE)

    def __enter__(self) -> Assigning:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def people(self) -> int:
        """How many have an identifier, and so an arm."""
        ((people,),) = self._connection.execute("select count(*) from first_identifiers").fetchall()
        return people

    def arms(self, experiment: Experiment, ds: str) -> pa.Table:
        """The rows of one experiment, as the contract `assignments` has them, by person id.

        Args:
            ds: tonight; `since` of those who are assigned for the first time.
        """
        padded = self._key.ljust(64, b"\0")
        return self._connection.sql(
            _ARMS.format(arm=_arm(experiment)),
            params={
                "name": experiment.name,
                "salt": experiment.salt,
                "inner": bytes(byte ^ 0x36 for byte in padded).hex(),
                "outer": bytes(byte ^ 0x5C for byte in padded).hex(),
                "ds": ds,
            },
        ).to_arrow_table()


def _arm(experiment: Experiment) -> str:
    """SQL: the arm of the two places. Names of variants are checked words, and need no quoting."""
    treated = sum(experiment.variants.values())
    *others, last = experiment.variants
    cases, reached = [f"when holdout_place < {experiment.holdout!r} then '{HOLDOUT}'"], 0.0
    for name in others:
        reached += experiment.variants[name] / treated
        cases.append(f"when variant_place < {reached!r} then '{name}'")
    return f"case {' '.join(cases)} else '{last}' end"


def _none(columns: Sequence[str]) -> pa.Table:
    """No row; the types are those that the queries compare with."""
    types = {"since": pa.date32(), "moved": pa.bool_(), "left_out": pa.bool_()}
    types |= {"holdout_place": pa.float64(), "variant_place": pa.float64()}
    return pa.schema([(name, types.get(name, pa.string())) for name in columns]).empty_table()
