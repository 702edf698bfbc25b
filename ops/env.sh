# Sourced by the Makefile: the environment in which every command of Nightshift runs.
# RAW=town (default), RAW=real, or a folder of raw deliveries; each has a lake of its own.
# Paths may be relative to where this is sourced; they leave here absolute, as tasks run in other folders.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PATH=$root/.venv/bin:$PATH PYTHONPATH=$root DO_NOT_TRACK=true
# Where Python may not keep what it compiled beside the sources, it would compile TensorFlow's and Airflow's anew in each
# command, which takes as long again as to import them: it is kept in .venv.
[ -z "${PYTHONDONTWRITEBYTECODE:-}" ] || export PYTHONPYCACHEPREFIX=$root/.venv/bytecode
unset PYTHONDONTWRITEBYTECODE
# The profiles' models as dbt parsed them depend on this checkout and not on the home.
export NIGHTSHIFT_DBT_PARSED=$root/.venv/dbt
[ ! -x "$root/.venv/java/bin/java" ] || export JAVA_HOME=$root/.venv/java
case ${RAW:=town} in
  town) home=$root/var ;;
  real) home=$root/var/lakes/real; export NIGHTSHIFT_CAMPAIGNS=${NIGHTSHIFT_CAMPAIGNS:-$root/activation/campaigns_real} ;;
  *) home=$root/var/lakes/$(basename "$RAW"); export NIGHTSHIFT_RAW=${NIGHTSHIFT_RAW:-$(realpath -m "$RAW")} ;;
esac
export NIGHTSHIFT_HOME=${NIGHTSHIFT_HOME:-$home}
for name in HOME RAW CAMPAIGNS PSEUDONYM_KEY_FILE IDENTITY_RULES RETENTION; do
  name=NIGHTSHIFT_$name
  [ -z "${!name:-}" ] || export "$name=$(realpath -m -- "${!name}")"
done
case ${NIGHTSHIFT_REGISTRY_URI:-} in
  sqlite:////*) ;;
  sqlite:///*) export NIGHTSHIFT_REGISTRY_URI=sqlite:///$(realpath -m -- "${NIGHTSHIFT_REGISTRY_URI#sqlite:///}") ;;
esac

# Airflow on one machine: SQLite, no examples, Spark by the connection spark_default
export AIRFLOW_HOME=$NIGHTSHIFT_HOME/airflow
export AIRFLOW__CORE__DAGS_FOLDER=$root/dags
export AIRFLOW__CORE__LOAD_EXAMPLES=False
export AIRFLOW__CORE__EXECUTOR=LocalExecutor
export AIRFLOW__CORE__PARALLELISM=4
export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=$AIRFLOW_HOME/passwords.json
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:///$AIRFLOW_HOME/airflow.db
export AIRFLOW__LOGGING__BASE_LOG_FOLDER=$AIRFLOW_HOME/logs
export AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False
spark_default="{\"conn_type\": \"spark\", \"host\": \"${NIGHTSHIFT_SPARK_MASTER:-local[*]}\"}"
export AIRFLOW_CONN_SPARK_DEFAULT=${AIRFLOW_CONN_SPARK_DEFAULT:-$spark_default}
export TF_CPP_MIN_LOG_LEVEL=2 MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false
export SPARK_CONF_DIR=${SPARK_CONF_DIR:-$root/ops/spark}

# OpenLineage: NIGHTSHIFT_LINEAGE=off (default), file, or an http address; Airflow reads it here, Spark and dbt read it
export AIRFLOW__OPENLINEAGE__DISABLED=False AIRFLOW__OPENLINEAGE__NAMESPACE=nightshift
case ${NIGHTSHIFT_LINEAGE:-off} in
  off) AIRFLOW__OPENLINEAGE__DISABLED=True ;;
  file)
    mkdir -p "$NIGHTSHIFT_HOME/lineage"
    lineage_file=$NIGHTSHIFT_HOME/lineage/airflow.jsonl
    export AIRFLOW__OPENLINEAGE__TRANSPORT="{\"type\": \"file\", \"append\": true, \"log_file_path\": \"$lineage_file\"}" ;;
  *) export AIRFLOW__OPENLINEAGE__TRANSPORT="{\"type\": \"http\", \"url\": \"$NIGHTSHIFT_LINEAGE\"}" ;;
esac
