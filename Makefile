# The verbs of the house. Needs Python >= 3.11, make and git; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST_ARGS ?= -n auto

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo serve test test-fast check fix docs golden bench lock clean

help:  ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## make .venv with the pinned packages and Fieldshift itself

$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
		echo "make: '$(PYTHON)' was not found. Install Python 3.11 or later, or say 'make PYTHON=/path/to/python3 ...'." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: '$(PYTHON)' is $$($(PYTHON) -V 2>&1); Fieldshift needs Python 3.11 or later. Say 'make PYTHON=python3.11 ...'." >&2; exit 1; }
	@$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "make: this Python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
		echo "Making $(VENV) with $$($(PYTHON) -V 2>&1)"; \
		$(PYTHON) -m venv --clear $(VENV); }
	@echo "Installing the pinned packages (once; a few minutes on a slow line)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@$(BIN)/python -c 'import fieldshift; fieldshift.warm_up(print)'
	@touch $@

demo: setup  ## run the flagship case and write its report to build/demo
	$(BIN)/fieldshift run ice-2024 --no-plan -o build/demo
	@for page in build/demo/*.html; do if [ -f "$$page" ]; then echo "Report: $$page"; fi; done
	@echo "With the best plan and what is short (about a minute more): $(BIN)/fieldshift run ice-2024 -o build/plan"

serve: setup  ## serve the desk on this computer, for a browser (SERVE_ARGS=--open, for instance)
	$(BIN)/fieldshift serve $(SERVE_ARGS)

test: setup  ## run the whole test suite
	@if grep -rqs --include='*.py' '@pytest\.mark\.browser\|pytestmark.*mark\.browser' tests; then tools/browser.sh >/dev/null; fi
	@if grep -rqs --include='*.py' 'mark\.postgres' tests; then tools/postgres.sh >/dev/null; fi
	@if grep -rqs --include='*.py' '@pytest\.mark\.office\|pytestmark.*mark\.office' tests; then tools/office.sh >/dev/null; fi
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-fast: setup  ## run the tests that are not slow and need no browser, office or PostgreSQL
	$(BIN)/python -m pytest $(PYTEST_ARGS) -m "not slow and not browser and not office and not postgres"

check: setup  ## everything a change must pass: style, types, floors, docs, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if [ -f tools/reference.py ]; then echo "$(BIN)/python tools/reference.py --check"; $(BIN)/python tools/reference.py --check; fi
	@$(MAKE) --no-print-directory test

fix: setup  ## repair what ruff can repair, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## make docs/reference again from the code
	$(BIN)/python tools/reference.py

golden: setup  ## write the golden files again; read the difference before you commit it
	$(BIN)/python -m pytest tests/golden --golden-update

bench: setup  ## measure against the peers, in turn, on this machine
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	$(BIN)/python -m benchmarks

lock: setup  ## pin the packages again from pyproject.toml (LOCK_ARGS=--upgrade for the newest)
	$(call pinned,--extra dev --extra web,requirements.lock)
	$(call pinned,--extra dev --extra web --extra bench --constraint requirements.lock,requirements-bench.lock)

define pinned
$(BIN)/uv pip compile --no-config --universal --python-version 3.11 $(1) \
	--generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock" $(LOCK_ARGS) --quiet --output-file $(2) pyproject.toml
endef

clean:  ## remove what was built; .venv stays
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
