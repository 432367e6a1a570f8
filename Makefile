# A developer's day, in order. Bare `make` explains itself; whatever is longer than two lines lives in Python.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help
.SUFFIXES:

BIN := .venv/bin
PYTHON := $(BIN)/python
PYTEST := $(PYTHON) -m pytest
PROTOS := $(wildcard protos/tidemark/v1/*.proto)
OUT := .
# Where the stubs of KEDA's contract live; protoc sees its file there, so that they are imported by that name.
KEDA := services/insights/scaler/keda
IMAGE := $(if $(TAG),--tag $(TAG)) $(if $(BASE),--base $(BASE)) $(if $(ENGINE),--engine $(ENGINE))
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11

##@ Run
.PHONY: help setup run up down status web
help: ## this list
	@awk -F ':.*## ' '/^##@/ {print "\n" substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-18s%s\n", $$1, $$2}' Makefile
setup: ## .venv with exactly what requirements.lock says
	@deploy/bootstrap.sh
run: setup ## the whole of Tidemark here; Ctrl-C stops all of it
	@exec $(PYTHON) -m deploy.local run
up: setup ## the same in the background
	@$(PYTHON) -m deploy.local up
down: setup ## stop it
	@$(PYTHON) -m deploy.local down
status: setup ## what runs, on which port, and how it is
	@$(PYTHON) -m deploy.local status
web: setup ## the dashboard's page, where it is older than its sources
	@$(PYTHON) -m deploy.local.page

##@ Test
.PHONY: test unit web-check integration e2e chaos
test: lint web-check web ## everything: lint, unit, the page, integration, e2e, acceptance, a short chaos run
	$(PYTEST) -n 2 --dist loadfile tests/unit tests/integration
	$(PYTEST) $(wildcard tests/e2e) tests/test_*.py tests/chaos
unit: setup ## pure modules and the rules of the repository; seconds
	$(PYTEST) tests/unit
web-check: setup ## the page: format, lint, types, unit tests
	@$(PYTHON) -m deploy.local.page check
integration: setup ## every edge against the real PostgreSQL and Redis
	$(PYTEST) tests/integration
e2e: setup ## separate processes through the SDK, and the acceptance files
	$(PYTEST) $(wildcard tests/e2e) tests/test_*.py
chaos: setup ## kill -9 of everything, 100 rounds under load, and faults that last a minute
	TIDEMARK_CHAOS_ROUNDS=$${TIDEMARK_CHAOS_ROUNDS:-100} TIDEMARK_FAULT_SECONDS=$${TIDEMARK_FAULT_SECONDS:-60} $(PYTEST) -s tests/chaos

.PHONY: drill
drill: setup ## a backup of what `make up` runs, restored into an empty place and proved
	@$(PYTHON) -m deploy.backup.drill

##@ Write
.PHONY: lint fmt protos docs lock release
lint: setup ## format, ruff, mypy, buf lint, breaking changes of the contract
	$(BIN)/ruff format --check && $(BIN)/ruff check && $(BIN)/mypy
	$(BIN)/buf lint && $(BIN)/buf build --path protos/tidemark -o - | $(BIN)/buf breaking - --exclude-imports --against protos/baseline.binpb
fmt: setup ## format, and mend what ruff can mend
	$(BIN)/ruff format && $(BIN)/ruff check --fix
protos: setup ## tidemark/v1 from protos/, and the stubs of KEDA's scaler
	$(PYTHON) -m grpc_tools.protoc -I protos -I protos/third_party --python_out=$(OUT) --pyi_out=$(OUT) $(PROTOS)
	$(PYTHON) -m grpc_tools.protoc -I protos -I protos/third_party --grpc_python_out=$(OUT) $(shell grep -l ^service $(PROTOS))
	$(PYTHON) -m grpc_tools.protoc -I $(KEDA)=protos/third_party/keda --python_out=$(OUT) --pyi_out=$(OUT) --grpc_python_out=$(OUT) $(KEDA)/externalscaler.proto
docs: setup ## docs/api.md, settings.md, metrics.md and cli.md from the code
	$(PYTHON) -m docs.generate
lock: setup ## requirements.lock from pyproject.toml; and of it what the image holds, and what the page is built with
	$(PYTHON) -m pip install --quiet uv
	$(COMPILE) --all-extras -o requirements.lock
	$(COMPILE) --extra server --extra edge --constraint requirements.lock -o requirements.server.lock
	$(COMPILE) --extra page --constraint requirements.lock -o requirements.page.lock
release: setup ## the contract of today becomes the baseline of breaking changes
	$(BIN)/buf build --path protos/tidemark --exclude-source-info -o protos/baseline.binpb

##@ Measure
.PHONY: bench bench-ingest bench-freshness bench-query bench-dashboard bench-insights bench-prediction bench-reports bench-scaling bench-soak bench-rolling
bench: setup ## every benchmark; QUICK=1 takes a minute for each
	$(PYTHON) -m benchmarks
bench-ingest: setup ## events a minute through the whole path, beside a raw COPY
	$(PYTHON) -m benchmarks ingest
bench-freshness: setup ## time from track() to WatchQuery
	$(PYTHON) -m benchmarks freshness
bench-query: setup ## what questions cost on ten million events, beside plain SQL and DuckDB
	$(PYTHON) -m benchmarks query
bench-dashboard: setup ## time from track() to the changed pixel, and to two hundred streams
	$(PYTHON) -m benchmarks dashboard
bench-insights: setup ## anomalies by the scoring of NAB, false discoveries, causes, data incidents
	$(PYTHON) -m benchmarks insights
bench-prediction: setup ## forecasts and behaviour models on public data, beside statsforecast
	$(PYTHON) -m benchmarks prediction
bench-reports: setup ## every template in every form over ten million events, a table of 100 000 rows, a million rows
	$(PYTHON) -m benchmarks reports
bench-scaling: setup ## writers of a replayed load, by forecast and backlog and by backlog alone
	$(PYTHON) -m benchmarks scaling
bench-soak: setup ## whether memory stays flat over ten minutes, a writer frozen for one of them
	$(PYTHON) -m benchmarks soak
bench-rolling: setup ## what is noticed while every pod of every target is replaced, under a million events a minute
	$(PYTHON) -m benchmarks rolling

##@ Ship
.PHONY: image image-test sbom clean
image: web ## one image for every target; TAG, BASE and ENGINE (buildah, podman, docker) choose others
	$(PYTHON) -m deploy.image build $(IMAGE)
image-test: web ## as root on Debian: the image on a base made here, and the pods of the trial by podman
	$(PYTEST) -s tests/image
sbom: setup ## what is in the image, as CycloneDX
	@$(PYTHON) -m deploy.image sbom $(IMAGE)
clean: ## caches and builds; .venv and the data in .tidemark stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build benchmarks/results
	find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +
