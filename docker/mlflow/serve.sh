#!/bin/sh
# Starts the server; its passwords come from files, so that no listing of the container's environment shows them.
# A password that was right is taken as right for 30 seconds more: to check one costs half a second, and a training asks
# a hundred times.
set -eu
secret() { cat "/run/secrets/$1"; }
umask 077
cat >/tmp/basic_auth.ini <<INI
[mlflow]
default_permission = READ
database_uri = $(secret mlflow_database_uri)
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 30
INI
export MLFLOW_AUTH_CONFIG_PATH=/tmp/basic_auth.ini
MLFLOW_BACKEND_STORE_URI=$(secret mlflow_database_uri)
MLFLOW_AUTH_ADMIN_PASSWORD=$(secret mlflow_admin_password)
MLFLOW_FLASK_SERVER_SECRET_KEY=$(secret mlflow_session_key)
export MLFLOW_BACKEND_STORE_URI MLFLOW_AUTH_ADMIN_PASSWORD MLFLOW_FLASK_SERVER_SECRET_KEY
exec mlflow server --app-name basic-auth --host 0.0.0.0 --port 5000 --workers 2 \
  --serve-artifacts --artifacts-destination /srv/mlflow/artifacts
