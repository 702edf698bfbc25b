# Airflow's api-server, scheduler, DAG processor and triggerer: they start work and read DAG files, and need no more.
FROM debian:bookworm-slim

RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends python3 python3-venv tini \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/venv

COPY requirements/airflow.txt /tmp/requirements.txt
RUN /opt/venv/bin/pip install --quiet --no-cache-dir --require-hashes --no-deps -r /tmp/requirements.txt

ARG NIGHTSHIFT_UID=10001
RUN useradd --uid $NIGHTSHIFT_UID --create-home nightshift \
 && install -d -o nightshift /srv/nightshift /srv/raw /opt/airflow /opt/airflow/logs

COPY contracts /opt/nightshift/contracts
COPY dags /opt/nightshift/dags
COPY ops /opt/nightshift/ops

ARG NIGHTSHIFT_RELEASE
LABEL nightshift.release=$NIGHTSHIFT_RELEASE
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/nightshift PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow AIRFLOW__CORE__DAGS_FOLDER=/opt/nightshift/dags DO_NOT_TRACK=true
WORKDIR /opt/nightshift
USER nightshift
ENTRYPOINT ["tini", "--"]
CMD ["airflow", "api-server"]
HEALTHCHECK --interval=15s --timeout=10s --start-period=180s --retries=8 \
  CMD ["python3", "-m", "ops.server.healthy", "http://localhost:8080/airflow/api/v2/monitor/health"]
