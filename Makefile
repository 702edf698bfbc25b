# Nightshift's verbs. Each sets up what it needs; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup nightly nights serve ui up status down bench test test-long test-compose lint lock clean

DS ?=
RAW ?= town
DATA ?= ../shared/data
BENCH ?=
SERVE_PORT = $(or $(PORT),8060)
AIRFLOW_PORT ?= 8080
MLFLOW_PORT ?= 5000
TENSORBOARD_PORT ?= 6006
PAGE_PORT ?= 8090
export RAW
# an option for each variable that is set: $(call option,spark-workers) is --spark-workers $(SPARK_WORKERS)
variable = $(shell echo $(1) | tr a-z- A-Z_)
option = $(if $($(call variable,$(1))),--$(1) $($(call variable,$(1))))

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 18

setup:  ## .venv from the hashed lock, and Java where there is none
	@ops/setup.sh

nightly:  ## raw data to audiences, for a day: [DS=YYYY-MM-DD] [RAW=town|real|folder]
	@begin=$$SECONDS
	ops/setup.sh
	. ops/env.sh
	python -m ops.nightly --raw "$$RAW" --ds "$(DS)" --setup-seconds $$((SECONDS - begin))

nights:  ## the town lives on, night after night: planted lift beside measured lift [NIGHTS=7] [DS=YYYY-MM-DD] [TRAIN_EVERY=4]
	@ops/setup.sh
	export NIGHTSHIFT_HOME=$${NIGHTSHIFT_HOME:-$$PWD/var/lakes/nights}
	export NIGHTSHIFT_CAMPAIGNS=$${NIGHTSHIFT_CAMPAIGNS:-$$PWD/activation/campaigns_loop}
	export NIGHTSHIFT_POLICY=$${NIGHTSHIFT_POLICY:-$$PWD/activation/policy_loop.yml}
	RAW=town
	. ops/env.sh
	python -m ops.nights $(foreach name,ds nights train-every,$(call option,$(name)))

serve:  ## the API for a shop, on the store of the last night of [RAW=...]: recommendations, acts, withdrawals [PORT=8060]
	@ops/setup.sh
	. ops/env.sh
	exec python -m serving.online --port $(SERVE_PORT)

ui:  ## Airflow, MLflow, TensorBoard and the page of the night on the lake of [RAW=...], on [AIRFLOW_PORT=8080] [MLFLOW_PORT=5000] ...
	@ops/setup.sh
	. ops/env.sh
	python -m ops.ui --airflow-port $(AIRFLOW_PORT) --mlflow-port $(MLFLOW_PORT) --tensorboard-port $(TENSORBOARD_PORT) \
	  --page-port $(PAGE_PORT)

up:  ## the stack for a server: [STACK=full|core] [HOST=localhost] [PORT=8443] [SPARK_WORKERS=1] [GPU=no] [TOWN=no] [BUILD=yes]
	@python3 -m ops.server.stack up $(foreach name,stack host port spark-workers gpu town build,$(call option,$(name)))

status:  ## how the services of the stack are
	@python3 -m ops.server.stack status

down:  ## stop the stack; its volumes stay
	@python3 -m ops.server.stack down

bench:  ## benchmarks on public data, hours: [DATA=folder] [BENCH=next_item]
	@ops/setup.sh
	. ops/env.sh
	python -m bench.all --data "$(DATA)" $(if $(BENCH),--only $(BENCH))

test:  ## all tests [TESTS="tests/spark_jobs -k name"]
	@ops/setup.sh
	. ops/env.sh
	python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(TESTS)

test-long:  ## tests that take long: marts on Spark row by row, a real shop, searches, killed maps, set-ups that are cut off [TESTS=...]
	@ops/setup.sh
	. ops/env.sh
	python -m pytest --long -m long $(TESTS)

test-compose:  ## the stack for a server, built, tried and broken on purpose; more than an hour, needs docker
	@ops/setup.sh
	. ops/env.sh
	python -m pytest tests/compose --compose $(TESTS)

lint:  ## ruff, dbt parse, yaml
	@ops/setup.sh
	. ops/env.sh
	ruff check .
	ruff format --check .
	yamllint --strict -c ops/yamllint.yml $$(git ls-files '*.yml' '*.yaml')
	dbt parse --quiet --warn-error --project-dir dbt_project --profiles-dir dbt_project \
	  --target-path "$$NIGHTSHIFT_HOME/dbt/target" --log-path "$$NIGHTSHIFT_HOME/dbt/logs" --vars '{ds: "2026-11-19"}'

lock:  ## the locked versions anew, from pyproject.toml (needs uv; `make setup` brings it)
	@. ops/env.sh
	all=$$(printf -- '--extra %s ' airflow spark dbt train serve mlflow encrypted dev)
	for extra in all setup airflow spark dbt train serve mlflow encrypted worker gpu dev; do
	  if [ $$extra = all ]; then which=$$all; else which="--extra $$extra --constraints requirements/all.txt"; fi
	  uv pip compile pyproject.toml $$which --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements/$$extra.txt
	done

clean:  ## forget every run: removes var/
	rm -rf var
