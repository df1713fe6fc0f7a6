# Gonio: `make run` and `make test` do everything that a newcomer needs.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help install install-test run test test-all lint benchmark viz clean

help:
	@echo "make run        set up and run the default inference on the demo video"
	@echo "make test       set up and run the tests"
	@echo "make test-all   the slow ones too (rendering, conversion to the end)"
	@echo "make lint       ruff and mypy"
	@echo "make benchmark  speed and memory, as ratios of one run"
	@echo "make viz        the pipelines in a browser"

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable ".[test,render,cluster]"
	touch $@

install: $(VENV)/.installed
install-test: $(VENV)/.installed-test

run: install
	$(BIN)/kedro run

test: install-test
	$(BIN)/python -m pytest

test-all: install-test
	$(BIN)/python -m pytest -m "slow or not slow"

lint: install-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: install-test
	$(BIN)/python -m pytest benchmarks -m "slow or not slow" --benchmark-enable

viz: install
	$(BIN)/kedro viz run

clean:
	rm -rf $(VENV) build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache
