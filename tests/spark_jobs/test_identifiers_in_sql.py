"""Identifiers as mappings clean them in SQL: values by hand, and equal to what operators' commands make of them."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from contracts.errors import MappingError
from contracts.identifiers import shipped_cleaning
from contracts.tables.vocabulary import IDENTIFIER_KINDS
from spark_jobs.pseudonyms import Functions

ZOE = "email:zoe@example.org"
MAILS = {
    "zoe@example.org": ZOE,
    " ZOE@Example.org ": ZOE,
    "\u00a0zoe@example.org\u00a0": ZOE,
    "\tzoe@example.org\n": ZOE,
    "zo\u200be@example.org": ZOE,
    "zoe@\u00adexample.org\ufeff": ZOE,
    "zoe \u2003@ example.org": ZOE,
    "mailto:zoe@example.org?subject=hi": ZOE,
    "Zoe <zoe@example.org>": ZOE,
    '"Doe, Zoe" <mailto:zoe@example.org>;': ZOE,
    "zoe@example.org (Zoe)": ZOE,
    "'zoe@example.org'.": ZOE,
    "\uff5a\uff4f\uff45\uff20example\uff0eorg": ZOE,
    "zo\u00e9@example.org": "email:zo\u00e9@example.org",
    "zoe\u0301@example.org": "email:zo\u00e9@example.org",
    "ZOE\u0301@example.org": "email:zo\u00e9@example.org",
    "zoe@exk\u00b8.org": "email:zoe@ex\u0137.org",
    "o'brien@example.org": "email:o'brien@example.org",
    "z.oe+shop@example.org": "email:z.oe+shop@example.org",
    "undefined": None,
    "no": None,
    "Test@example.org": None,
    "@": None,
    "x" * 300_000: None,
    "<" * 3_000 + "@" * 3_000: None,
}
ACCOUNTS = {
    "anna01": "account:anna01",
    "\u200banna01\u00a0": "account:anna01",
    "Anna\u00a0Berg": "account:anna berg",
    "\u0391\u03a3": "account:\u03b1\u03c3",
    "\u03b1\u03c2": "account:\u03b1\u03c3",
    "\u540d\u524d": "account:\u540d\u524d",
    "17850": "account:17850",
    "100": "account:100",
    "111": "account:111",
    "nullo": "account:nullo",
    "undefined": None,
    " Undefined\u00a0": None,
    "NULL": None,
    "(null)": None,
    "None": None,
    "NaN": None,
    "nil": None,
    "anonymous": None,
    "unknown": None,
    "guest": None,
    "test": None,
    "n/a": None,
    "-": None,
    "\u2014": None,
    "{}": None,
    "[object Object]": None,
    "${user}": None,
    "0": None,
    "0000": None,
    "1111": None,
    "9999999999": None,
    "00000000-0000-0000-0000-000000000000": None,
    "": None,
    "\u200b": None,
    None: None,
}
HANDLES = {
    "@Ann@social.example": "handle:ann@social.example",
    "acct:ann@social.example": "handle:ann@social.example",
    "ann": "handle:ann",
}


def test_one_person_has_one_pseudonym_and_nobody_has_none(spark):
    tables = {"email": MAILS, "account": ACCOUNTS, "handle": HANDLES}
    expected = [(kind, value, name) for kind, table in tables.items() for value, name in table.items()]
    rows = spark.createDataFrame([(kind, value) for kind, value, _ in expected], "kind string, value string")
    functions = Functions(())
    # by a literal kind, by a column, and within a lambda
    calls = [*(f"if(kind = '{kind}', pseudonym('{kind}', value), null)" for kind in tables)]
    calls = [f"coalesce({', '.join(calls)})", "pseudonym(kind, value)"]
    calls.append("transform(array(value), each -> pseudonym(kind, each))[0]")
    found = rows.select("kind", "value", *(F.expr(functions.expanded(call)) for call in calls)).collect()
    assert {(row[0], row[1]): tuple(row[2:]) for row in found} == {
        (kind, value): (name, name, name) for kind, value, name in expected
    }
    cleaning = shipped_cleaning()
    for kind, value, name in expected:
        if name:
            assert f"{kind}:{cleaning.cleaned(kind, value)}" == name
        elif value:
            assert cleaning.names_nobody(kind, value)


def test_the_next_identifier_counts_where_one_is_none(spark):
    sql = Functions(()).expanded("coalesce(pseudonym('account', 'undefined'), pseudonym('cookie', 'c1'))")
    assert spark.range(1).selectExpr(sql).first()[0] == "cookie:c1"


def test_a_kind_that_is_none_is_one_sentence():
    with pytest.raises(MappingError, match=", ".join(IDENTIFIER_KINDS)):
        Functions(()).expanded("pseudonym('mail', x)")
