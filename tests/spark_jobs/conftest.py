"""One Spark session for all tests of this folder, and shared homes."""

from tests.spark_fixtures import settings, spark  # noqa: F401  fixtures
