# One door for people and for CI. A machine needs Python 3.11 or newer and a package index, nothing else:
# every target installs what it needs below .venv and .tools, once, and again when its pins change.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

UV_VERSION := 0.13.9
PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
# Each takes --write and --check.
GENERATORS := tools/october.py tools/expected.py tools/kyverno_tests.py tools/manpage.py tools/rule_examples.py
# What the pages about the bundled estate are made from, and where they stand.
PAGES := --snapshot examples/thunderline/2025-10-08.jsonl --output examples/thunderline/docs
SNAPSHOT ?=
ESTATE := examples/thunderline/estate.yaml
CASES := tests/cases
ARGS ?=
# Without SNAPSHOT a live cluster is audited: the one of `make cluster`, if there is one and KUBECONFIG names no other.
SOURCE = $(or $(SNAPSHOT),$(if $(KUBECONFIG),,$(patsubst %,--kubeconfig %,$(wildcard .cluster/kubeconfig))))

UV_HOME := .tools/uv/$(UV_VERSION)
BASE := $(UV_HOME)/bin/python
UV := $(UV_HOME)/bin/uv
BIN := .venv/bin
OPA := .tools/bin/opa
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
export UV_PYTHON := $(CURDIR)/$(BASE)
export UV_PYTHON_DOWNLOADS := never

.PHONY: help setup audit audit-run cluster cluster-october cluster-down e2e race lint test unit tools rego-tools chart-tools bench bench-admission bench-charts bench-page bundle browser generate check clean

help: ## Print this help
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make audit SNAPSHOT=FILE ARGS='--format json', make test ARGS='-k quantity'"

setup: .venv/.dev ## Install the package and all that its tests need into .venv

audit: ## Audit the live cluster, or SNAPSHOT, by every rule: 0 is clean, 1 is findings, 2 is neither

cluster: .venv/.dev tools ## Start a small real cluster in .cluster, for whoever has none
	@PYTHONPATH=tests $(BIN)/python -m bed up

cluster-october: .venv/.dev tools ## Start it, if need be, and install the estate of October 8, 2025
	@PYTHONPATH=tests $(BIN)/python -m bed october

cluster-down: .venv/.dev ## End it and remove every trace of it
	@PYTHONPATH=tests $(BIN)/python -m bed down

lint: .venv/.dev rego-tools check ## Check form, types and layers of Python and Rego, and all that check does
	$(UV) lock --check --offline --quiet
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(OPA) fmt --list --fail rego tests/bed
	$(OPA) check --strict rego estate:$(ESTATE)

race: .venv/.dev tools ## Create "the only MLflow" sixteen times at once at each way of admission (ARGS goes to the race)
	@PYTHONPATH=tests $(BIN)/python -m bed.race $(ARGS)

test: .venv/.dev tools browser ## Run every test: Rego with full coverage, then Python (ARGS goes to pytest)
	$(OPA) test --fail-on-empty --timeout 60s rego estate:$(ESTATE) cases:$(CASES)
	$(OPA) test --coverage --timeout 60s rego estate:$(ESTATE) cases:$(CASES) | $(BIN)/python tools/rego_coverage.py
	$(BIN)/pytest --numprocesses=auto --dist=worksteal --cov --cov-report=term $(ARGS)

unit: .venv/.dev ## Run the tests that need no external program (ARGS goes to pytest)
	$(BIN)/pytest tests/unit $(ARGS)

e2e: .venv/.dev tools ## Run the tests against real clusters (ARGS goes to pytest)
	$(BIN)/pytest tests/e2e $(ARGS)

tools: rego-tools ## Build every engine that tools/*/go.mod pin into .tools/bin (the first time takes half an hour)
	@$(BASE) tools/build.py

# Where no cluster is needed, each of these does, and is there in minutes.
rego-tools: $(UV)
	@$(BASE) tools/build.py opa conftest

chart-tools: $(UV)
	@$(BASE) tools/build.py helm

bench: .venv/.dev rego-tools chart-tools ## Measure speed and memory, and charts as bench-charts (ARGS goes to the benchmark)
	$(BIN)/python tools/bench.py $(ARGS)

bench-charts: .venv/.dev chart-tools ## Measure charts: judging against helm template alone, and renders a second
	$(BIN)/python tools/bench_charts.py $(ARGS)

bench-page: .venv/.dev browser ## Measure the page of a report with 10,000 findings in a browser
	$(BIN)/python tools/bench_page.py $(ARGS)

bench-admission: .venv/.dev tools ## Measure how long a create takes at each way of admission, against none
	@PYTHONPATH=tests $(BIN)/python -m bed.latency $(ARGS)

bundle: .venv/.dev rego-tools ## Build an OPA bundle of the rules and ESTATE (ARGS='--signing-key key.pem' signs it)
	@$(BIN)/python tools/bundle.py --estate $(ESTATE) $(ARGS)

# The pages of reports are tested in it. No wheel has one that runs everywhere.
browser:
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -qq --yes --no-install-recommends chromium >/dev/null; \
	  else echo "chromium not found: install it, such as by apt-get install chromium" >&2; exit 2; fi; }

generate: .venv/.dev ## Write every generated file anew
	@for generator in $(GENERATORS); do echo "$$generator --write"; $(BIN)/python $$generator --write; done
	$(BIN)/thunderguard render
	$(BIN)/thunderguard docs $(PAGES)

check: .venv/.dev ## Check that generated files are current, Rego fits every engine and Estates are valid
	@for generator in $(GENERATORS); do echo "$$generator --check"; $(BIN)/python $$generator --check; done
	$(BIN)/thunderguard render --check
	$(BIN)/thunderguard docs $(PAGES) --check
	$(BIN)/thunderguard guard rego
	$(BIN)/thunderguard estate check examples/*/estate.yaml

clean: ## Remove everything that make installed, built or cached
	@[ ! -e .cluster ] || $(MAKE) --no-print-directory cluster-down
	rm -rf .venv .tools .bench .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache .coverage .coverage.*

# Findings are exit code 1 at every door of the project, but make ends with 2 whatever way a recipe fails. It ends with
# 1 only when it is asked a question (--question) and something is left to do. So `make audit` asks: lines with a plus
# run all the same, and one line without is left over when there are findings. (`make` gives 2 for the tool's 2 and 3;
# .venv/bin/thunderguard has the exact codes. Next to other goals, audit is an ordinary one.)
ifeq ($(MAKECMDGOALS),audit)
MAKEFLAGS += --question
verdict := $(CURDIR)/.venv/.audit-$(shell echo $$PPID)
audit: audit-run
	$(if $(filter 1,$(shell cat $(verdict); rm -f $(verdict))),@false)
audit-run:
	+@MAKEFLAGS= $(MAKE) --silent --no-print-directory .venv/.run
	+@code=0; $(BIN)/thunderguard audit $(SOURCE) $(ARGS) || code=$$?; \
	  [ $$code -eq 0 ] || [ $$code -eq 1 ] || exit $$code; echo $$code > $(verdict)
else
audit: .venv/.run
	$(BIN)/thunderguard audit $(SOURCE) $(ARGS)
endif

# What an audit needs is installed fast; once the packages of the tests are there, too, they stay.
.venv/.run: uv.lock pyproject.toml | $(UV)
	@if [ -e .venv/.dev ]; then $(UV) sync --quiet --frozen; touch .venv/.dev; \
	  else $(UV) sync --quiet --frozen --no-dev; fi
	@touch $@

.venv/.dev: uv.lock pyproject.toml | $(UV)
	@$(UV) sync --quiet --frozen
	@touch .venv/.run $@

$(UV):
	@for python in $(PYTHONS); do \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || continue; \
	  rm -rf .tools/uv; \
	  $$python -m venv $(UV_HOME) \
	    || { echo "error: $$python cannot make a virtual environment (Debian: apt install python3-venv)" >&2; exit 2; }; \
	  $(BASE) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) \
	    || { echo "error: uv $(UV_VERSION) could not be installed from the package index" >&2; exit 2; }; \
	  exit 0; \
	done; echo "error: Python 3.11 or newer is needed, and none of $(PYTHONS) is one" >&2; exit 2
