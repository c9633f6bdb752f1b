# Every target is enough on its own on a machine with git, make, Python >= 3.11 and a package registry:
# it sets up .venv first when that is missing or older than the requirements.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
SCENARIO ?= scenarios/colossus_200k.yaml
WORKERS ?= 2

# Kept, whatever the shell says: each of the many processes of the tests would compile the package again.
test soak examples: export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup run test lint bench performance dashboard docs examples pictures screenshots soak dist release-check clean

help:             ## say what each target does
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/'

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found. Set PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.ready-run: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e .
	@touch $@

$(VENV)/.ready-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.ready-run

setup: $(VENV)/.ready-dev                ## set up .venv with everything for development

run: $(VENV)/.ready-run                  ## simulate SCENARIO (scenarios/colossus_200k.yaml) and print its summary
	$(BIN)/clustersim run $(SCENARIO)

dashboard: $(VENV)/.ready-run            ## open the dashboard in a browser
	$(BIN)/clustersim dashboard

test: $(VENV)/.ready-dev                 ## run the tests
	$(BIN)/python -m compileall -q -j $(WORKERS) app clustersim # once, and not by each worker
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope -m 'not soak and not examples'

lint: $(VENV)/.ready-dev                 ## check style, types and the layers of the package
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

examples: $(VENV)/.ready-dev             ## run the examples and compare what they print
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope -m examples tests/test_examples.py tests/test_documented_commands.py

bench: $(VENV)/.ready-dev                ## measure speed and memory against their limits
	$(BIN)/python -m benchmarks

docs: $(VENV)/.ready-dev                 ## build the documentation into build/docs; a warning is an error
	$(BIN)/python -m sphinx -b html -W --keep-going -n -q -j $(WORKERS) -d build/doctrees docs build/docs
	@echo "open build/docs/index.html"

pictures: $(VENV)/.ready-run             ## draw the fabrics of shipped topologies into docs/
	$(BIN)/python -m clustersim.report.gallery docs

screenshots: $(VENV)/.ready-dev          ## make the pictures of the README anew, in a real browser (needs chromium)
	$(BIN)/python -m app.screenshots

soak: $(VENV)/.ready-dev                 ## run the long tests, and those on drawn examples with more of them
	$(BIN)/python -m pytest -n $(WORKERS) --maxschedchunk 1 -m soak --timeout 3600
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope -m 'hypothesis and not soak and not examples' --hypothesis-profile full

performance: $(VENV)/.ready-dev          ## measure everything, and write docs/performance.md of it
	$(BIN)/python -m benchmarks --store docs/performance.json
	$(BIN)/python -m benchmarks.page > docs/performance.md

dist: $(VENV)/.ready-dev                 ## build the wheel and the source archive into dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation

release-check: dist                      ## install the wheel into new environments on every Python here, and try it
	$(BIN)/python -m release.check --pinned

clean:            ## remove what the tools left behind, results excepted
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .numba_cache build dist
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
