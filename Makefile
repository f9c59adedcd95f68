# `make` alone lists what there is.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000

.PHONY: help setup setup-dev run test lint format bench soak chaos clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: setup-production ## virtual environment, packages, database, demo school
	@$(BIN)/flask db upgrade
	@$(BIN)/flask demo load --if-missing

run: setup ## the pages, the scheduler and the mailbox on http://127.0.0.1:8000 (PORT=… changes it)
	@echo
	@echo "  Reportapp: http://127.0.0.1:$(PORT)   (stop with Ctrl-C)"
	@echo "  The mails it sends: http://127.0.0.1:$(PORT)/mailbox/ (log in as admin)"
	@$(BIN)/flask demo logins
	@echo
	@PORT=$(PORT) $(BIN)/python app.py

test: setup-dev ## all tests
	@$(BIN)/python -m pytest -q -n $(or $(TEST_WORKERS),auto) --dist loadgroup

lint: setup-dev ## style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup-dev ## put the code into its usual form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup-dev ## speed, as ratios to a limit measured in the same run
	@for file in bench/*.py; do $(BIN)/python $$file || exit 1; done

soak: setup-dev ## the long form of the generated tests
	@SOAK_EXAMPLES=$(or $(SOAK_EXAMPLES),20000) $(BIN)/python -m pytest -q -n auto --timeout=0 tests/recurrence tests/documents tests/reports/test_random_deliveries.py tests/written/test_who_reads.py tests/api/test_api_as_documented.py

chaos: setup-dev ## kills, a failing database and a misbehaving mail server, at length (CHAOS=short as in "make test")
	@CHAOS=$(or $(CHAOS),long) $(BIN)/python -m pytest -q -n $(or $(TEST_WORKERS),auto) --dist loadgroup tests/chaos

setup-production: $(VENV)/.installed .system-packages

setup-dev: $(VENV)/.installed-dev .system-packages-dev

clean: ## remove the virtual environment (the data in instance/ stays)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Reportapp needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || sh .ci/system-packages python3-venv
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: requirements.txt $(VENV)/.made
	@echo "Installing packages …"
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# What WeasyPrint needs to make PDFs, with fonts for most scripts. Checked on every run: quick when
# it is there, and where it cannot be installed one clear line says so.
.PHONY: .system-packages .system-packages-dev
.system-packages:
	@sh .ci/system-packages pdf

.system-packages-dev:
	@sh .ci/system-packages pdf browser postgresql
