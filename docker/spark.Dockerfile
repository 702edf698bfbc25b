# Spark's master, workers and Thrift server, from the same locked package as the driver in the worker's image.
FROM debian:bookworm-slim

RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends openjdk-17-jre-headless procps python3 python3-venv tini \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/venv

COPY requirements/spark.txt /tmp/requirements.txt
RUN /opt/venv/bin/pip install --quiet --no-cache-dir --require-hashes --no-deps -r /tmp/requirements.txt \
 && ln -s /opt/venv/lib/python3*/site-packages/pyspark /opt/spark

ARG NIGHTSHIFT_UID=10001
RUN useradd --uid $NIGHTSHIFT_UID --create-home nightshift \
 && install -d -o nightshift /srv/nightshift /var/spark

COPY contracts /opt/nightshift/contracts
COPY docker/spark /opt/nightshift/docker/spark
COPY ops /opt/nightshift/ops
COPY spark_jobs /opt/nightshift/spark_jobs

ARG NIGHTSHIFT_RELEASE
LABEL nightshift.release=$NIGHTSHIFT_RELEASE
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/nightshift PYTHONUNBUFFERED=1 SPARK_CONF_DIR=/opt/nightshift/docker/spark \
    SPARK_HOME=/opt/spark SPARK_NO_DAEMONIZE=1
WORKDIR /var/spark
USER nightshift
ENTRYPOINT ["tini", "--"]
CMD ["/opt/spark/bin/spark-class", "org.apache.spark.deploy.master.Master", "--port", "7077", "--webui-port", "8080"]
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=6 \
  CMD ["python3", "-m", "ops.server.healthy", "http://localhost:8080"]
