# Needs python3 (3.11 or later) and make. `make` alone says what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# libatomic1: for the Node.js that drives Chromium in tests; iproute2: hosts of tests on networks of their own
DEBIAN_PACKAGES := rabbitmq-server postgresql chromium strace libatomic1 iproute2
# more than the cores of a small machine: half of the tests wait for processes most of the time
WORKERS ?= 3
# only what `make bench-others` measures beside mcoflow; nothing here needs them
OTHERS := ansible-core==2.19.14 celery==5.7.0

.DEFAULT_GOAL := help
.PHONY: help up demo test lint unit coverage bench bench-engine bench-fleet bench-others requirements clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS='	' read -r name what; do \
		printf 'make %-13s %s\n' "$$name" "$$what"; done

up: $(VENV)/runtime.stamp ## start web UI, engine and an agent for this machine: http://127.0.0.1:9292
	$(BIN)/mcoflow up

demo: $(VENV)/runtime.stamp ## the same with 5 simulated hosts
	$(BIN)/mcoflow up --simulate 5

test: build/packages.stamp lint ## everything: linters, types, layers, all tests with real servers
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(VENV)/dev.stamp ## linters, types and layers only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

coverage: $(VENV)/dev.stamp ## what the quick tests leave untouched
	rm -rf build/coverage
	$(BIN)/coverage run -m pytest -n $(WORKERS) --dist loadfile tests/unit
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --skip-empty

unit: $(VENV)/dev.stamp ## the quick tests only, without servers
	$(BIN)/pytest tests/unit tests/test_repository.py

bench: $(VENV)/dev.stamp build/packages.stamp ## measure against the raw broker; rows go to build/bench.jsonl
	$(BIN)/python -m benchmarks.bench

bench-engine: $(VENV)/dev.stamp build/packages.stamp ## measure the engine alone; rows go to build/bench-engine.jsonl
	$(BIN)/python -m benchmarks.engine.bench

bench-fleet: $(VENV)/dev.stamp build/packages.stamp ## measure 1,000 to 10,000 simulated hosts; rows go to build/bench-fleet.jsonl
	$(BIN)/python -m benchmarks.fleet.bench

bench-others: $(VENV)/dev.stamp build/packages.stamp build/others.stamp ## measure Ansible and Celery, installed for this alone, beside mcoflow
	$(BIN)/python -m benchmarks.others.bench build/others/bin

requirements: ## pin the newest versions that pyproject.toml allows (needs uv)
	uv pip compile $(PIN) pyproject.toml --output-file requirements.txt
	uv pip compile $(PIN) pyproject.toml --extra dev --constraint requirements.txt --output-file requirements-dev.txt

clean: ## remove what was made here
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

PIN := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make requirements'

# -- what is made once ------------------------------------------------------------------------------------

# Debian's python3 comes without ensurepip, and its pip trusts the certificates of the system.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/packages python3-venv
	@test ! -e /etc/debian_version || test -s /etc/ssl/certs/ca-certificates.crt || .ci/packages ca-certificates
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: $(BIN)/python requirements.txt pyproject.toml
	@echo 'installing what mcoflow needs into $(VENV), which takes a minute or so'
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/runtime.stamp requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

build/others.stamp: Makefile
	$(PYTHON) -m venv build/others
	build/others/bin/pip install --quiet --disable-pip-version-check $(OTHERS)
	@touch $@

build/packages.stamp: .ci/packages Makefile
	@mkdir -p build
	@if .ci/packages $(DEBIAN_PACKAGES); then touch $@; \
	elif test "$$CI" = true; then exit 1; \
	else echo 'tests that need them will be skipped'; fi
