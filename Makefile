# Two commands to start with: `make demo` and `make test`. The rest is for who changes the code.
#
#   PYTHON=python3.13   the interpreter to use, 3.10 to 3.13 (else the first one found)
#   VENV=.venv          where the environment is made
#   JOBS=2              test processes
#   ARGS=...            further arguments of pytest or of the benchmark
#   PARITY=parity       compares the large networks, too; what was compared is entered in docs/parity.md

VENV ?= .venv
JOBS ?= 2
ARGS ?=
PARITY ?= parity and not slow
PYTHON ?=
export PYTHON

BIN := $(VENV)/bin
# Each test process gets its share of the cores; a test that hangs ends as a failure.
PYTEST_OPTIONS := -n $(JOBS) --timeout 300 $(ARGS)

.DEFAULT_GOAL := help
.PHONY: help demo test slow check format parity bench docs wheel clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## see a bundled network name what is in a picture
	@.ci/venv $(VENV)
	@$(BIN)/toolkit demo

test: ## run the default tests
	@.ci/venv $(VENV) test
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PYTEST_OPTIONS)

slow: ## run the tests of every variant
	@.ci/venv $(VENV) test
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow $(PYTEST_OPTIONS)

check: ## lint, format check, types, the repository's own rules
	@.ci/venv $(VENV) dev
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/meta $(ARGS)

format: ## rewrite the code in the house format
	@.ci/venv $(VENV) dev
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

parity: ## compare with GluonCV and GluonNLP, in an environment of their own
	@.ci/venv $(VENV)-parity parity
	@$(VENV)-parity/bin/python -m pip install -q --disable-pip-version-check --no-deps \
		gluoncv==0.10.5.post0 gluonnlp==0.10.0
	@rm -rf .parity
	@OMP_NUM_THREADS=1 PARITY_RESULTS=.parity $(VENV)-parity/bin/python -m pytest -m "$(PARITY)" \
		--dist loadgroup $(PYTEST_OPTIONS)
	@$(VENV)-parity/bin/python tests/parity/page.py .parity docs/parity.md

bench: ## measure what the runtime preparation gains
	@.ci/venv $(VENV) bench
	@$(BIN)/python benchmarks/runtime.py $(ARGS)

docs: ## build the web site into site/
	@.ci/venv $(VENV) docs
	@$(BIN)/mkdocs build --strict

wheel: ## build the wheel and the source archive into dist/
	@.ci/venv $(VENV) dev
	@rm -rf build dist
	@$(BIN)/python -m build -q

clean: ## remove what these commands made
	rm -rf $(VENV) $(VENV)-parity .venv-numpy2 build dist site src/*.egg-info \
		.mypy_cache .pytest_cache .ruff_cache
