"""Spark for what has to hold on both engines."""

from tests.spark_fixtures import spark  # noqa: F401  fixture
