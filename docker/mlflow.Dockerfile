# The MLflow server with accounts: runs, the model registry and its artifacts.
FROM debian:bookworm-slim

RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends python3 python3-venv tini \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/venv

COPY requirements/mlflow.txt /tmp/requirements.txt
RUN /opt/venv/bin/pip install --quiet --no-cache-dir --require-hashes --no-deps -r /tmp/requirements.txt

ARG NIGHTSHIFT_UID=10001
RUN useradd --uid $NIGHTSHIFT_UID --create-home nightshift \
 && install -d -o nightshift /srv/mlflow /srv/nightshift

COPY contracts /opt/nightshift/contracts
COPY ops /opt/nightshift/ops
COPY docker/mlflow/serve.sh /opt/nightshift/serve.sh

ARG NIGHTSHIFT_RELEASE
LABEL nightshift.release=$NIGHTSHIFT_RELEASE
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/nightshift PYTHONUNBUFFERED=1 DO_NOT_TRACK=true \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false
WORKDIR /srv/mlflow
USER nightshift
ENTRYPOINT ["tini", "--"]
CMD ["/opt/nightshift/serve.sh"]
HEALTHCHECK --interval=15s --timeout=10s --start-period=180s --retries=8 \
  CMD ["python3", "-m", "ops.server.healthy", "http://localhost:5000/health"]
