# A Celery worker: everything that a task may start - Spark's driver, dbt, training, scoring.
FROM debian:bookworm-slim

RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends openjdk-17-jre-headless procps python3 python3-venv tini \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/venv

COPY requirements/worker.txt /tmp/requirements.txt
RUN /opt/venv/bin/pip install --quiet --no-cache-dir --require-hashes --no-deps -r /tmp/requirements.txt

# CUDA's libraries, for the worker that docker-compose.gpu.yml builds: GPU=yes
ARG GPU=no
COPY requirements/gpu.txt /tmp/gpu.txt
RUN [ $GPU = no ] \
 || /opt/venv/bin/pip install --quiet --no-cache-dir --require-hashes --no-deps -r /tmp/gpu.txt

ARG NIGHTSHIFT_UID=10001
RUN useradd --uid $NIGHTSHIFT_UID --create-home nightshift \
 && install -d -o nightshift /srv/nightshift /srv/raw /opt/airflow /opt/airflow/logs /home/nightshift/.mlflow

COPY activation /opt/nightshift/activation
COPY contracts /opt/nightshift/contracts
COPY dags /opt/nightshift/dags
COPY dbt_project /opt/nightshift/dbt_project
COPY docker/spark /opt/nightshift/docker/spark
COPY lake_tables /opt/nightshift/lake_tables
COPY monitoring /opt/nightshift/monitoring
COPY ops /opt/nightshift/ops
COPY privacy /opt/nightshift/privacy
COPY sample_data /opt/nightshift/sample_data
COPY serving /opt/nightshift/serving
COPY spark_jobs /opt/nightshift/spark_jobs
COPY training /opt/nightshift/training

ARG NIGHTSHIFT_RELEASE
LABEL nightshift.release=$NIGHTSHIFT_RELEASE
ENV NIGHTSHIFT_RELEASE=$NIGHTSHIFT_RELEASE
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/nightshift PYTHONUNBUFFERED=1 SPARK_CONF_DIR=/opt/nightshift/docker/spark \
    AIRFLOW_HOME=/opt/airflow AIRFLOW__CORE__DAGS_FOLDER=/opt/nightshift/dags DO_NOT_TRACK=true TF_CPP_MIN_LOG_LEVEL=2
WORKDIR /opt/nightshift
USER nightshift
ENTRYPOINT ["tini", "--"]
CMD ["airflow", "celery", "worker"]
HEALTHCHECK --interval=60s --timeout=40s --start-period=240s --retries=4 CMD ["python3", "-m", "ops.server.healthy", "celery"]
