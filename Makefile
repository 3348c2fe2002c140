# A fresh machine needs Python >= 3.11 and make; everything else is installed into .venv from pinned, hashed locks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SERVICES := .venv-services
SOURCES := $(shell find src -name '*.py' 2>/dev/null)

.PHONY: demo test test-services lint bench docs lock clean

demo: $(VENV)/.runtime  ## set up and run the census example end to end
	@$(BIN)/python -m stockade demo

test: lint  ## set up, check the code, run all tests
	@$(BIN)/python -m pytest

test-services: $(SERVICES)/.ready  ## set up, and test with other people's clients, verifiers and browser
	@$(SERVICES)/bin/python -m pytest -m services tests/services

lint: $(VENV)/.dev  ## format, lint, types, import contracts
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > $(VENV)/contracts.log || (cat $(VENV)/contracts.log; false)

bench: $(VENV)/.dev  ## measure the figures of docs/benchmarks.md
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: $(VENV)/.dev  ## regenerate the reference pages
	@$(BIN)/python docs/generate.py

lock:  ## pin the dependencies again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml -o requirements/runtime.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		requirements/build.in -o requirements/build.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml requirements/build.in requirements/dev.in -c requirements/runtime.txt -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		pyproject.toml requirements/build.in requirements/dev.in requirements/services.in \
		-c requirements/dev.txt -o requirements/services.txt

clean:
	rm -rf $(VENV) $(SERVICES) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("stockade needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	@echo "installing the pinned dependencies"
	@$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "installing the pinned contributors' tools"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(SERVICES)/.ready: requirements/services.txt pyproject.toml
	@tests/services/debian_packages
	@echo "making $(SERVICES)"
	@$(PYTHON) -m venv $(SERVICES)
	@echo "installing the pinned clients and verifiers"
	@$(SERVICES)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/services.txt
	@$(SERVICES)/bin/python -m pip --disable-pip-version-check --quiet install --no-build-isolation --no-deps --editable .
	@touch $@
