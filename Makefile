# Needs python3 (3.11 or newer), make and a package index; everything else lands in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
FUZZ_VENV := .venv-fuzz
unexport PYTHONDONTWRITEBYTECODE # without what was compiled, each worker and each command compiles the program again
# Tests that run programs mostly wait for them: more workers than cores keep the cores busy.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
PEERS_VENV := .venv-peers
FUZZ_PIP := $(FUZZ_VENV)/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: help install install-policies demo demo-undo test nightly soak check fuzz bench peers verified mutants lock clean

help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

install: $(VENV)/.installed  ## the command `reconciler`, in .venv

install-policies: $(VENV)/.policies  ## the same, with the library that evaluates policies of your own

wheel: $(VENV)/.installed    ## dist/*.whl, to be installed elsewhere
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

demo: $(VENV)/.installed     ## plan and apply for a fleet that differs from its files in every way
	@$(BIN)/reconciler demo

demo-undo: $(VENV)/.dev      ## a tenant's rows in a real PostgreSQL: written, lost, restored from a snapshot
	@$(BIN)/reconciler demo --undo

test: $(VENV)/.dev           ## the tests but the slowest, of those with many cases a sample that differs from commit to commit; SEED=N draws one again
	$(BIN)/pytest -n auto --dist worksteal -q -m "not exhaustive"

nightly: $(VENV)/.dev        ## all tests with all their cases, and 100,000 runs on stale views (hours)
	PROFILE=nightly $(BIN)/pytest -n auto --dist worksteal -q

soak: $(VENV)/.dev           ## a hundred virtual days of 2,000 tenants: edits, changes in the console, faults, kills (half an hour)
	$(BIN)/python -m tests.endurance

check: $(VENV)/.dev          ## ruff, ruff format, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fuzz: $(FUZZ_VENV)/.installed  ## schemathesis on every operation of the simulator, atheris on everything that is read from outside
	$(FUZZ_VENV)/bin/python -m tests.contract.fuzz
	$(FUZZ_VENV)/bin/python -m tests.fuzz

bench: $(VENV)/.dev          ## what fleets of 1,000 to 30,000 cost, into docs/performance.md (an hour or two); CHECK=1: only the calls of 500
	$(BIN)/python -m bench $(if $(CHECK),--check,--write)

peers: $(PEERS_VENV)/.installed  ## octoDNS, for `make bench` to compare with

mutants: $(VENV)/.dev        ## plant 20 defects, drawn at random, of which each has to make a test fail; SEED=N: those again; ALL=1: all
	$(BIN)/python -m tests.mutants $(if $(SEED),--seed $(SEED)) $(if $(ALL),--all)

verified: $(VENV)/.dev       ## what the program assumes about Neon, on the real account that the variables NEON_VERIFIED_* name
	VERIFIED=account $(BIN)/pytest -p no:xdist -m verified tests/verified

lock:                        ## renew the locks (needs uv); the only step that picks versions
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml requirements/build.in -o requirements/runtime.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml requirements/build.in --extra policies -c requirements/runtime.lock -o requirements/policies.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml requirements/build.in --group dev -c requirements/runtime.lock -o requirements/dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml requirements/build.in --group fuzz -c requirements/dev.lock -o requirements/fuzz.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --group peers -o requirements/peers.lock

$(PEERS_VENV)/.installed: requirements/peers.lock
	$(PYTHON) -m venv $(PEERS_VENV)
	$(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/peers.lock
	@touch $@

clean:
	rm -rf $(VENV) $(FUZZ_VENV) $(PEERS_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz .import_linter_cache build dist *.egg-info

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements/runtime.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) --require-hashes -r requirements/runtime.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.policies: requirements/policies.lock $(VENV)/.installed
	$(PIP) --require-hashes -r requirements/policies.lock
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.installed
	$(PIP) --require-hashes -r requirements/dev.lock
	@touch $@

$(FUZZ_VENV)/.installed: requirements/fuzz.lock pyproject.toml
	$(PYTHON) -m venv $(FUZZ_VENV)
	$(FUZZ_PIP) --require-hashes -r requirements/fuzz.lock
	$(FUZZ_PIP) --no-deps --no-build-isolation --editable .
	@touch $@
