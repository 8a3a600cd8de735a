# make demo · make test · make test-all · make lint · make bench · make clean
# Each sets up what it needs in .venv. PIP_ARGS goes to pip, PYTHON chooses the interpreter.
PYTHON ?= python3
PIP_ARGS ?=

venv := .venv
pip := $(venv)/bin/python -m pip --disable-pip-version-check install --quiet $(PIP_ARGS) -c constraints.txt
projects := hooks/pyproject.toml core/pyproject.toml $(wildcard plugins/*/*/pyproject.toml)

export HF_HUB_OFFLINE = 1
export OMP_NUM_THREADS ?= 1

.PHONY: demo test test-all together lint bench clean

demo: $(venv)/.installed
	$(venv)/bin/hilt demo

test: together
	$(venv)/bin/pytest -m "alone and not long"

test-all: together
	$(venv)/bin/pytest -m alone

together: lint
	$(venv)/bin/pytest -m "not alone" --numprocesses=auto --dist=loadfile

lint: $(venv)/.dev
	$(venv)/bin/ruff check .
	$(venv)/bin/ruff format --check .
	$(venv)/bin/mypy
	$(venv)/bin/lint-imports

bench: $(venv)/.dev
	$(venv)/bin/python -m benchmarks

$(venv)/.installed: constraints.txt requirements.txt $(projects) | check
	@echo "Setting up .venv: some minutes and about 2 GB the first time ..."
	$(PYTHON) -m venv $(venv)
	$(pip) --upgrade hatchling editables setuptools
	$(pip) --no-build-isolation -r requirements.txt
	@touch $@

$(venv)/.dev: requirements-dev.txt $(venv)/.installed
	$(pip) -r requirements-dev.txt
	@touch $@

.PHONY: check
check:
	@sh tools/check-system.sh $(PYTHON)

clean:
	rm -rf $(venv) outputs build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
