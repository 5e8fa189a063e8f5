# Each target does its own set-up: nothing but Python 3.11+, make and a package index is assumed.
.DEFAULT_GOAL := help
.PHONY: help run test test-all check bench ui demo reset lock

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.run-ready
DEV_READY := $(VENV)/.dev-ready
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check
WORKERS ?= 2
# Tests hold known digests and made-up passwords; the detectors of real keys look at them too.
KEYS_ALONE := $(foreach kind,HexHighEntropyString Base64HighEntropyString BasicAuthDetector \
	KeywordDetector,--disable-plugin $(kind))
PEOPLE ?= 5000
# The files whose tests run the whole path come first: one of them at the end leaves a worker idle.
# Every folder is named once, since pytest drops a path that lies in another one and its place.
FIRST := tests/test_readme.py tests/orchestration tests/dbt
TESTS := -n $(WORKERS) --dist loadfile --no-loadscope-reorder -q $(FIRST) \
	$(filter-out $(FIRST) %__pycache__,$(patsubst %/,%,$(wildcard tests/*/ tests/test_*.py)))

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

run: $(RUN_READY) ## set up, simulate an insurer, run the whole path, print what happened and why
	@$(BIN)/assent run

test: $(DEV_READY) ## every test that a change must pass (under 20 minutes on two cores)
	@$(BIN)/python -m pytest -m "not slow" $(TESTS)

test-all: $(DEV_READY) ## the same and the long runs
	@$(BIN)/python -m pytest $(TESTS)

check: $(DEV_READY) ## format, types, imports, SQL, YAML, policy, secrets: what pre-commit and CI run
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/yamllint --strict dbt_project activation expectations .pre-commit-config.yaml
	@$(BIN)/sqlfluff lint dbt_project/models --disable-progress-bar
	@$(BIN)/assent check
	@git ls-files -z -- ':!*.lock' ':!tests' | xargs -0 $(BIN)/detect-secrets-hook
	@git ls-files -z -- tests | xargs -0 $(BIN)/detect-secrets-hook $(KEYS_ALONE)
	@! grep -n '://' requirements.lock requirements-dev.lock

bench: $(DEV_READY) ## measure: each figure beside its baseline, in one run
	@for file in tests/benchmarks/[a-z]*.py; do \
		name=$$(basename $$file .py); echo "== $$name"; \
		$(BIN)/python -m tests.benchmarks.$$name || exit 1; \
	done

ui: $(RUN_READY) ## open Dagster on http://localhost:3000 (stop it with Ctrl-C)
	@$(BIN)/assent ui

demo: $(RUN_READY) ## write a simulated insurer's landing zone to var/landing (PEOPLE=5000)
	@$(BIN)/assent demo --people $(PEOPLE)

reset: ## forget everything a run left behind
	rm -rf var

lock: ## pin the dependencies again, with hashes and no index
	uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra dev -c requirements.lock --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o requirements-dev.lock

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "assent needs Python 3.11 or newer: make PYTHON=python3.12 run")'
	@$(PYTHON) -m venv $(VENV)

# --no-deps: the lock holds every dependency, and resolving it again costs a minute
$(RUN_READY): requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "setting up $(VENV) (once, one to two minutes)"
	@$(PIP_INSTALL) --no-deps --require-hashes -r requirements.lock
	@$(PIP_INSTALL) --no-deps --editable .
	@touch $@

$(DEV_READY): requirements-dev.lock $(RUN_READY)
	@$(PIP_INSTALL) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@
