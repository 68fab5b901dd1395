# Needs python3 (3.11 or newer), make and a package index; everything else lands in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
FUZZ_VENV := .venv-fuzz
FUZZ_PIP := $(FUZZ_VENV)/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: help install demo test faults nightly soak check fuzz bench lock clean

help:            ## this list
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

install: $(VENV)/.installed  ## the command `reconciler`, in .venv

demo: $(VENV)/.installed     ## a fleet that differs from its files in every way, converged before your eyes
	@$(BIN)/reconciler demo

test: $(VENV)/.dev           ## all tests, of the longest ones a sample
	$(BIN)/pytest -n auto --dist worksteal -q -m "not exhaustive"

faults: $(VENV)/.dev         ## what that leaves out: every fault at every call, 204 more sudden deaths, every variant of an attack (minutes)
	STALE_TRIALS=$(or $(STALE_TRIALS),100000) $(BIN)/pytest -n auto --dist worksteal -q -m exhaustive

nightly: $(VENV)/.dev        ## 100,000 runs on stale views; STALE_TRIALS=N for another number (half an hour)
	STALE_TRIALS=$(or $(STALE_TRIALS),100000) $(BIN)/pytest -n auto --dist worksteal -q -m exhaustive tests/faults/test_stale_views.py

soak: $(VENV)/.dev           ## a hundred virtual days of 2,000 tenants: edits, meddling, faults, deaths (half an hour)
	$(BIN)/python -m tests.endurance

check: $(VENV)/.dev          ## ruff, ruff format, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fuzz: $(FUZZ_VENV)/.installed  ## schemathesis tries every operation of the simulator, atheris whatever is read
	$(FUZZ_VENV)/bin/python -m tests.contract.fuzz
	$(FUZZ_VENV)/bin/python -m tests.fuzz

bench: $(VENV)/.dev          ## how long a fleet of 30,000 takes, as a ratio to a peer or to the least possible
	$(BIN)/python bench/fleet.py

lock:                        ## renew the locks (needs uv); the only step that picks versions
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml requirements/build.in -o requirements/runtime.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml requirements/build.in --group dev -c requirements/runtime.lock -o requirements/dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml requirements/build.in --group fuzz -c requirements/dev.lock -o requirements/fuzz.lock

clean:
	rm -rf $(VENV) $(FUZZ_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz .import_linter_cache build *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements/runtime.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) --require-hashes -r requirements/runtime.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.installed
	$(PIP) --require-hashes -r requirements/dev.lock
	@touch $@

$(FUZZ_VENV)/.installed: requirements/fuzz.lock pyproject.toml
	$(PYTHON) -m venv $(FUZZ_VENV)
	$(FUZZ_PIP) --require-hashes -r requirements/fuzz.lock
	$(FUZZ_PIP) --no-deps --no-build-isolation --editable .
	@touch $@
