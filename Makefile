# Every target makes its own environment in .venv; PYTHON chooses the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test lint types layers check docs docs-check bench lowest format clean

help:
	@echo "make demo     watch the tool at work on a cluster of its own"
	@echo "make test     run every test"
	@echo "make check    lint, types, layers, generated documents"
	@echo "make docs     write man/, completions/ and the pictures of the dashboard anew"
	@echo "make bench    measure speed and memory, as ratios in one run"
	@echo "make lowest   run every test with the lowest versions pyproject.toml allows"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/rolloutctl demo

test: $(STAMP)
	$(BIN)/python -m pytest -n 3 --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

docs: $(STAMP)
	$(BIN)/python -m rolloutctl.cli.manual .
	$(BIN)/python docs/pictures.py

docs-check: $(STAMP)
	$(BIN)/python -m rolloutctl.cli.manual --check .

check: lint types layers docs-check

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# The lowest versions of the direct dependencies that pyproject.toml allows must do too.
lowest:
	$(PYTHON) -m venv $(VENV)-lowest
	$(VENV)-lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(VENV)-lowest/bin/python -m uv pip install --quiet --python $(VENV)-lowest/bin/python \
		--resolution lowest-direct --editable '.[dev]'
	$(VENV)-lowest/bin/python -m pytest -n 3 --dist worksteal

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) $(VENV)-lowest .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
