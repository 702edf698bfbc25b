"""Calls found in SQL texts."""

from __future__ import annotations

import pytest

from spark_jobs.pseudonyms import Functions


def found(sql: str) -> list[tuple[str, tuple[str, ...], str]]:
    return [(call.name, call.arguments, call.sql) for call in Functions(()).calls(sql, "number", "pseudonym")]


def test_calls_are_listed_in_order_with_those_in_their_arguments():
    sql = "coalesce(pseudonym('account', trim(number(a, ','))), Number (b[1],  '.'), f((1), x))"
    assert found(sql) == [
        ("pseudonym", ("'account'", "trim(number(a, ','))"), "pseudonym('account', trim(number(a, ',')))"),
        ("number", ("a", "','"), "number(a, ',')"),
        ("number", ("b[1]", "'.'"), "Number (b[1],  '.')"),
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "transform(a, x -> number(x, ','))",
        "transform(a, (x, i) -> f(g(number(x, ',')), i))",
        "aggregate(a, 0, (x, y) -> x + y, x -> number(x, ','))",
        "'number(a, b)'",
        r"'it\'s number(a, b)'",
        '"it\'s number(a, b)"',
        "`number(a, b)`",
        "my_number(a)",
        "number",
        "number + (a)",
    ],
)
def test_lambdas_quotes_and_other_names_hold_none(sql):
    assert found(sql) == []


def test_what_stands_beside_a_lambda_is_none_of_it():
    sql = "if(exists(a, x -> x > (1)), number(a[0], ','), array(size(filter(b, x -> f(x), c)), number(d, '.')))"
    assert [call.sql for call in Functions(()).calls(sql, "number")] == ["number(a[0], ',')", "number(d, '.')"]


def test_a_call_without_arguments_and_one_with_an_empty_one():
    assert [call.arguments for call in Functions(()).calls("now() || now( ) || now(,)", "now")] == [(), (), ("", "")]
