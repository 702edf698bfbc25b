"""The Spark session: the same code on one machine and on a cluster."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path

from pyspark import SparkConf, SparkContext
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from contracts.memory import require_least
from contracts.settings import REPOSITORY, Settings
from contracts.spark_application import SparkApplication, busy_jars, on_one_machine
from spark_jobs import own_java

SHUFFLE_PARTITIONS = "spark.sql.shuffle.partitions"
LOCAL_SHUFFLE_PARTITIONS = "4"
"""Few, for few cores and few rows; a cluster sets its own."""

BYTES_PER_PARTITION = 64 << 20
"""Raw bytes that one task sorts, about."""

FEW_BYTES = 2 << 20
"""Up to here a query is interpreted: to compile it would take longer than to run it."""

INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
COMPILED = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}

BYTES_OF_SHORT_JOB = 64 << 20
"""Up to here Java's second compiler would cost more than it gains."""

SHORT_JOB, LONG_JOB = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1", "-XX:+UseParallelGC -XX:+TieredCompilation"
"""Java's collector and compilers."""

TAG = "process-"
"""Begins the tag of the jobs of a process, before its id: the application ends them when the process has ended."""

LOG_WITHOUT_VALUES = REPOSITORY / "ops" / "spark" / "log4j2.properties"

_SPARKS_OWN_LOG = "log4j2-defaults.properties"
"""Spark's configuration of its log where it finds no other."""

_SESSION = "org.apache.spark.sql.classic.SparkSession"

_BUSY_CLASSES = ("functions", "PythonUtils", "org.apache.spark.sql.functions", _SESSION)
"""As PySpark writes them."""

_QUOTING = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
"""Loggers of PySpark that quote, with an error, the value that caused it."""


def start_session(settings: Settings, name: str, *, raw_bytes: int = 0) -> SparkSession:
    """A session: that of this process, or one in the application that the night's commands share, or in a new one.

    Options of `spark-submit` win over the settings.

    Args:
        raw_bytes: what will be read, unpacked, if that is known before Java starts.

    Raises:
        MemoryLimitError: this machine or container has too little memory for any night.
        SettingsError: Java does not start.
    """
    submitted = SparkConf()
    builder = SparkSession.builder.appName(f"nightshift {name}")
    if not submitted.contains("spark.master"):
        if application := SparkApplication.running(settings.home):
            _attach(application, settings)
        else:
            java = _own_java(settings, raw_bytes)
            own_java.launch(settings, java)
            builder = builder.config(map=java)
    session = (
        builder.config("spark.sql.session.timeZone", "UTC")
        # how literals are read (literals.py, and the mappings): backslashes escape, ${...} is text like any other
        .config("spark.sql.parser.escapedStringLiterals", "false")
        .config("spark.sql.variable.substitute", "false")
        .config(SHUFFLE_PARTITIONS, submitted.get(SHUFFLE_PARTITIONS, LOCAL_SHUFFLE_PARTITIONS))
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .config("spark.sql.warehouse.dir", str(settings.home.spark_warehouse))
        # a small file is divided, too: to begin a task costs less than to let a core wait
        .config("spark.sql.files.openCostInBytes", "1m")
        # identifiers are lower-cased by Java's own rules: Spark would first load a library's tables for it
        .config("spark.sql.icu.caseMappings.enabled", "false")
        # with each expression, PySpark would find out the line of Python that made it, for an error to name
        .config("spark.python.sql.dataFrameDebugging.enabled", "false")
        .config("spark.sql.dataFrameQueryContext.enabled", "false")
        # the pads of the pseudonym key are literals of the plan: they must not reach a page or a log
        .config("spark.sql.redaction.string.regex", "(?i)[0-9a-f]{128}")
        .config("spark.ui.enabled", submitted.get("spark.ui.enabled", "false"))
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    _log_without_values(session)
    _remember_classes(session)
    session.sparkContext.setLogLevel("ERROR")
    for logger in _QUOTING:
        PySparkLogger.getLogger(logger).disabled = True
    logging.getLogger().addFilter(_is_not_of_the_gateway)
    return session


def _is_not_of_the_gateway(record: logging.LogRecord) -> bool:
    """Whether a line of the log is not Py4J's, which shows its trace of an interrupted call before the error comes."""
    return "py4j" not in Path(record.pathname).parts


def _own_java(settings: Settings, raw_bytes: int) -> dict[str, str]:
    """How Spark's driver starts where this process starts it."""
    require_least()
    java = {"spark.master": settings.spark_master, "spark.driver.memory": settings.spark_driver_memory}
    if on_one_machine(settings.spark_master):  # the settings of a cluster say more of its machines
        java["spark.driver.extraJavaOptions"] = SHORT_JOB if raw_bytes <= BYTES_OF_SHORT_JOB else LONG_JOB
    if jars := busy_jars():
        java["spark.driver.extraClassPath"] = jars
    return java


def _attach(application: SparkApplication, settings: Settings) -> None:
    """Let this process have a session of its own in the Java of an application; nothing where it has one already."""
    if SparkContext._active_spark_context is not None:
        return
    os.utime(settings.home.spark_application)  # it ends where nobody has come for long
    address = {"PYSPARK_GATEWAY_PORT": str(application.port), "PYSPARK_GATEWAY_SECRET": application.secret}
    os.environ.update(address)
    try:
        SparkContext._ensure_initialized()
    finally:
        for name in address:
            del os.environ[name]
    java = SparkContext._jvm
    shared = java.org.apache.spark.SparkContext.getOrCreate()
    conf = SparkConf(_jconf=shared.getConf())
    on_interrupt = signal.getsignal(signal.SIGINT)
    context = SparkContext(conf=conf, gateway=SparkContext._gateway, jsc=java.JavaSparkContext(shared))
    signal.signal(signal.SIGINT, on_interrupt)  # PySpark's own handler would end the jobs of all
    context.addJobTag(f"{TAG}{os.getpid()}")
    SparkSession(context, getattr(java, _SESSION).builder().getOrCreate().newSession())


def _remember_classes(session: SparkSession) -> None:
    """Let PySpark ask Java once for the classes that it asks for again with each expression."""
    java = session.sparkContext._jvm
    for name in _BUSY_CLASSES:
        setattr(java, name, getattr(java, name))


def _log_without_values(session: SparkSession) -> None:
    """Where nobody has configured Spark's log, take the one that leaves out exceptions' own words: they quote rows."""
    java = session.sparkContext._jvm
    source = java.org.apache.logging.log4j.LogManager.getContext(False).getConfiguration().getConfigurationSource()
    if str(source.getLocation()).endswith(_SPARKS_OWN_LOG):
        configurator = java.org.apache.logging.log4j.core.config.Configurator
        configurator.reconfigure(java.java.net.URI(LOG_WITHOUT_VALUES.as_uri()))


def fit_to(session: SparkSession, raw_bytes: int) -> None:
    """Let Spark on one machine interpret its queries and sort in one task where rows are few; else compile and divide.

    A cluster keeps its own settings; another `spark.sql.shuffle.partitions` than the usual one is kept too.

    Args:
        raw_bytes: what will be read, unpacked.
    """
    if not on_one_machine(session.sparkContext.master):
        return
    few = raw_bytes <= FEW_BYTES
    for name, value in (INTERPRETED if few else COMPILED).items():
        session.conf.set(name, value)
    if SparkConf().get(SHUFFLE_PARTITIONS, LOCAL_SHUFFLE_PARTITIONS) == LOCAL_SHUFFLE_PARTITIONS:
        partitions = max(int(LOCAL_SHUFFLE_PARTITIONS), -(-raw_bytes // BYTES_PER_PARTITION))
        session.conf.set(SHUFFLE_PARTITIONS, "1" if few else str(partitions))


def shuffle_partitions(session: SparkSession) -> int:
    """Number of parts that rows are divided into."""
    return int(session.conf.get(SHUFFLE_PARTITIONS))
