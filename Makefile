# Everything a developer does, by name. `make help` lists it.
PYTHON ?=
VENV ?= .venv
SERVE_OPTIONS ?=
PYTEST_OPTIONS ?= -n auto --dist loadgroup
BIN = $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test check serve bench fuzz soak format lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## set up, and run an example's whole pipeline here, to green
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/bootstrap runtime
	@$(BIN)/python scripts/run_example.py

test: ## set up, and pass the tests
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/bootstrap dev
	$(BIN)/pytest $(PYTEST_OPTIONS)

check: ## format, lint, strict types, import contracts
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/bootstrap dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: ## format and mend what can be mended
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/bootstrap dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

serve: ## set up, and start the server (SERVE_OPTIONS="--reload …")
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/bootstrap server
	@exec $(BIN)/homeport serve $(SERVE_OPTIONS)

bench: ## the table of speed and memory, against act and the bash floor
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/bootstrap dev
	@PYTHON="$(PYTHON)" VENV=".venv-bench" scripts/bootstrap bench
	@.venv-bench/bin/python -m benchmarks

fuzz: ## coverage-guided fuzzing of reader, expressions and commands (atheris), five minutes
	@PYTHON="$(PYTHON)" VENV=".venv-fuzz" scripts/bootstrap fuzz
	@.venv-fuzz/bin/python -m tests.fuzz --seconds 300

soak: ## the server killed 200 times under load, with what came of it
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/bootstrap dev
	HOMEPORT_KILLS=$${HOMEPORT_KILLS:-200} $(BIN)/pytest -s tests/scenarios/test_server_kill.py

lock: ## renew the lock files from pyproject.toml
	scripts/lock

clean: ## remove what was set up
	rm -rf .venv .venv-bench .venv-fuzz .mypy_cache .ruff_cache .hypothesis build dist
