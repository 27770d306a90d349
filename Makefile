# costd from a checkout: needs make and a Python >= 3.11, nothing else.
# Written for GNU make 3.81, which macOS still ships; the checkout may lie under a
# path with spaces, so every path here is relative.

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
READY := .venv/.ready

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run test check format lint layers types tests bench soak lock clean

# An environment knows its own absolute path and its Python. It is made again from
# nothing when the checkout has moved, that Python is gone, or another one is asked
# for by name; otherwise only what the lock file changed is installed.
MADE_FOR := $(shell $(BIN)/python -c '' 2>/dev/null && cat $(READY) 2>/dev/null)
ifneq "$(MADE_FOR)" "$(CURDIR)"
CLEAR := yes
endif
ifeq "$(origin PYTHON)" "file"
OTHERS := python3.14 python3.13 python3.12 python3.11
else
VERSION := -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null
HAVE := $(shell $(BIN)/python $(VERSION))
WANTED := $(shell "$(PYTHON)" $(VERSION))
ifneq "$(HAVE)" "$(WANTED)"
CLEAR := yes
endif
endif
ifdef CLEAR
.PHONY: $(READY)
endif

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## make .venv (done by itself when needed)

run: $(READY) ## run the daemon in the foreground, with a live summary
	@exec $(BIN)/costd run $(ARGS)

test: check tests ## every check and every test
	@echo "== all checks and tests passed"

check: format lint layers types ## the checks alone

format: $(READY) ## is the code formatted? (ruff format)
	@echo "== formatting: ruff format --check"
	@$(BIN)/ruff format --check .

lint: $(READY) ## is the code clean? (ruff check)
	@echo "== lint: ruff check"
	@$(BIN)/ruff check .

layers: $(READY) ## do imports go one way? (import-linter)
	@echo "== layers: lint-imports"
	@$(BIN)/lint-imports --no-logo

types: $(READY) ## do the types hold? (mypy --strict)
	@echo "== types: mypy"
	@$(BIN)/mypy

tests: $(READY) ## the tests alone; PYTEST_ARGS='-k tail' for some
	@echo "== tests: pytest, $(WORKERS) workers"
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS)

bench: $(READY) ## measure costd beside its peers (minutes)
	@$(BIN)/python tests/benchmarks/compare.py $(ARGS)

soak: $(READY) ## a daemon's bad day; ARGS="--seconds 60" for a short one
	@$(BIN)/python tests/benchmarks/soak.py $(ARGS)

lock: ## compile both lock files again (needs uv); ARGS=--upgrade
	@command -v uv >/dev/null || { echo "make lock needs uv on PATH" >&2; exit 1; }
	$(COMPILE) $(ARGS) -o requirements.lock pyproject.toml
	$(COMPILE) $(ARGS) -o requirements-dev.lock -c requirements.lock --group dev pyproject.toml

COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links

clean: ## remove .venv, caches and builds; never a ledger
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find daemon tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The first Python that is new enough, then the packages of the lock file.
$(READY): pyproject.toml requirements-dev.lock
	@set -e; found=; \
	for python in "$(PYTHON)" $(OTHERS); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "costd needs Python 3.11 or newer. Here, $(PYTHON) is" \
	    "$$("$(PYTHON)" --version 2>/dev/null || echo missing)." >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
	  exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$found cannot make environments: its venv module is missing." >&2; \
	  echo "On Debian or Ubuntu: apt-get install python3-venv" >&2; \
	  exit 1; \
	fi; \
	if [ -n "$(CLEAR)" ]; then \
	  echo "== setting up .venv with $$("$$found" --version) (half a minute, once)"; \
	  "$$found" -m venv --clear .venv; \
	else echo "== bringing .venv up to date"; fi; \
	pip="$(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet"; \
	$$pip --require-hashes -r requirements-dev.lock; \
	$$pip --no-deps --no-build-isolation -e .; \
	pwd -P > $@
