# Everything one can do here, on a fresh Debian 12 machine too. `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint bench soak clean servers

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: venv ## show the whole story on private servers: copy, replicate, verify, cut over
	@$(BIN)/replicator demo

# Hundreds of processes are started: without compiled files each one would compile the package anew.
test: lint ## lint, then run every test on real MariaDB and MySQL servers
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 3

lint: venv ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/mypy

bench: venv ## compare with dump tools, the library's reader and native replication
	@PYTHON=$(PYTHON) ops/install/install.sh bench
	@$(BIN)/python -m tests.benchmarks

soak: venv ## the random tests with new seeds, for MINUTES=60
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),60)

venv: $(INSTALLED) ## install what is missing: servers, headers, Python packages

# Asked each time, because what it installs is not below this folder; it takes 0.2 s when nothing is missing.
servers:
	@PYTHON=$(PYTHON) ops/install/install.sh

$(INSTALLED): pyproject.toml | servers
	@echo "Installing Python packages into .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fast,dev]'
	@touch $@

clean: ## remove all that was made in this folder; the servers in ~/.cache/replicator stay
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
