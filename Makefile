# Breakwater's make targets. `make` alone lists them. Only python3 (3.11 or later) with venv is needed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# What must hold on either database.
ON_POSTGRES := tests/engine tests/events tests/config tests/api tests/admin \
  tests/hostile/test_requests.py tests/hostile/test_sessions.py --numprocesses 2
STAMPS := .stamps
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.DEFAULT_GOAL := help
.PHONY: help setup setup-development run test test-browser lint bench clean

help:  ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMPS)/extras  ## Make the environment in .venv with the locked packages

setup-development: $(STAMPS)/development  ## The same, with what tests and checks need

# Web, worker and beat in one process, on this machine only, with the demo's targets.
run: setup  ## Start Breakwater on http://127.0.0.1:8000 (PORT= for another port)
	@DEMO="$${DEMO-on}" PUBLIC_DASHBOARD="$${PUBLIC_DASHBOARD-on}" HOST=127.0.0.1 \
	  CHECKS_FILE="$${CHECKS_FILE-checks.yaml}" exec $(BIN)/python manage.py serve

# Browser tests run by themselves: Playwright's event loop disturbs other tests in its process.
test: setup-development  ## Run the whole suite, browser tests included
	@echo "Running the tests"
	@$(BIN)/python -m pytest tests --ignore tests/e2e --numprocesses 2
	@echo "Running the engine's tests again, on PostgreSQL and Redis"
	@$(BIN)/python -m tests.on_postgres $(ON_POSTGRES)
	@$(MAKE) --no-print-directory test-browser

test-browser: setup-development
	@CHROMIUM="$$($(BROWSER))" && echo "Running the browser tests in $$CHROMIUM" && \
	  CHROMIUM="$$CHROMIUM" $(BIN)/python -m pytest tests/e2e

lint: setup-development  ## Check style, types, the floors and the templates
	@echo "Checking style";         $(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .
	@echo "Checking types";         $(BIN)/mypy
	@echo "Checking the floors";    $(BIN)/lint-imports --no-logo
	@echo "Checking the templates"; $(BIN)/djlint --quiet --lint templates

bench: setup-development  ## Measure this machine: cost of a check, lateness, memory, pages
	@$(BIN)/python -m tests.bench

clean:  ## Remove the environment; data stays
	rm -rf $(VENV) $(STAMPS)

# A browser's path: CHROMIUM, or the first one installed.
BROWSER := if [ -n "$$CHROMIUM" ]; then echo "$$CHROMIUM"; \
  else command -v chromium || command -v chromium-browser || command -v google-chrome || { \
    echo "The browser tests need Chromium: apt-get install chromium (or set CHROMIUM to its path)." >&2; \
    exit 1; }; fi

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "Breakwater needs Python 3.11 or later: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Breakwater needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version 2>&1): name another with PYTHON=." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# The extras' lock holds everything of the run time's, and with it PostgreSQL and a faster event loop.
$(STAMPS)/extras: requirements/extras.txt | $(VENV)/bin/python
	@echo "Installing the locked packages (about a minute, once)"
	@$(PIP) -r requirements/extras.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/development: requirements/development.txt $(STAMPS)/extras
	@echo "Installing the packages for development (about a minute, once)"
	@$(PIP) -r requirements/development.txt
	@touch $@
