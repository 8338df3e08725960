# Everything that is done to this repository, in one word each. A machine with Python 3.11+ and make is enough:
# the first target that needs something installs it into .venv, hash-checked; later runs need no network.

PYTHON ?=
VENV ?= .venv
python := $(VENV)/bin/python
pip := $(python) -m pip --disable-pip-version-check --no-input --quiet

compiled := build/compiled
runtime := $(VENV)/.runtime
dev := $(VENV)/.dev

# Python takes the package from there, also in the processes that it starts, and all else from here.
as_compiled := CORE=compiled PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/$(compiled):$(CURDIR)
CORE ?= compiled
measured := $(if $(filter compiled,$(CORE)),$(compiled)/.made,$(dev))
as_measured := $(if $(filter compiled,$(CORE)),$(as_compiled))
engine_tests := tests/core tests/defaults tests/golden tests/house/test_compiled.py tests/laws tests/rendering

.DEFAULT_GOAL := check
.DELETE_ON_ERROR:
.PHONY: check help venv demo test test-compiled test-deep mutants lint lint-workflow format golden bench bench-quick soak fields requirements cluster-up cluster-down image e2e figures clean

check: lint test  ## Lint and test: what plain `make` does

help:  ## List these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

venv: $(dev)  ## Set up .venv with everything below
	@:

demo: $(runtime)  ## Show an injection by the real server, without a cluster
	@$(python) -m injector demo

test: $(dev)  ## Run the tests
	@$(python) -m pytest -q

test-compiled: $(compiled)/.made  ## Run the engine's tests on the engine as the image has it, compiled
	@$(as_compiled) $(python) -m pytest -q --override-ini 'pythonpath=$(compiled) .' $(engine_tests)

test-deep: $(dev)  ## Run the laws at 20,000 random examples each
	@HYPOTHESIS_PROFILE=deep $(python) -m pytest -q -m hypothesis

mutants: $(dev)  ## Break the engine on purpose and see that the tests notice
	@$(python) -m tests.mutants

lint: $(dev)  ## Check format, style, types and architecture
	@$(python) -m ruff format --check --quiet
	@$(python) -m ruff check --quiet
	@$(python) -m mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-logo

lint-workflow:  ## Check the GitHub workflow; needs Go
	@command -v go >/dev/null || { echo 'There is no Go on this host: install it from go.dev and run this again.' >&2; exit 2; }
	@go -C .ci/actionlint tool actionlint '$(CURDIR)/.github/workflows/ci.yaml'

format: $(dev)  ## Format the code and repair what can be repaired
	@$(python) -m ruff check --fix --quiet
	@$(python) -m ruff format --quiet

golden: $(dev)  ## Write the golden files anew; read the diff before you commit it
	@$(python) -m pytest -q tests/golden --refresh

bench: $(measured)  ## Measure speed and size, as ratios within one run (CORE=compiled, as in the image, or interpreted)
	@$(as_measured) $(python) -m bench

bench-quick: $(measured)  ## Try every measurement for a moment, with the peers that are built already
	@$(as_measured) $(python) -m bench --quick

soak: $(measured)  ## See whether the server's memory grows over SOAK=1000000 reviews
	@$(as_measured) $(python) -m bench.soaks $(or $(SOAK),1000000)

fields: $(dev)  ## Read Kubernetes' field table anew, from the cluster of your kubeconfig
	@$(python) scripts/refresh_fields.py

cluster-up: | $(python)  ## Make a Kubernetes cluster for the tests: in Docker (kind), or on this Linux host as root
	@$(python) -m e2e.cluster up

cluster-down: | $(python)  ## Remove that cluster and all that came with it
	@$(python) -m e2e.cluster down

image: | $(python)  ## Build the container image and print its archive's path
	@$(python) -m e2e.cluster image

e2e: $(dev)  ## Make a real cluster, test the chart on it, and remove everything (CLUSTER=kind or host)
	@$(python) -m e2e $(if $(CLUSTER),--provider $(CLUSTER))

figures: $(dev)  ## Measure on a real cluster what its users feel: latency, memory, size (CLUSTER as above; minutes)
	@$(python) -m e2e $(if $(CLUSTER),--provider $(CLUSTER)) e2e/live/figures.py

requirements:  ## Move all pins to the newest versions
	@.ci/pin

clean:  ## Remove what make made
	@rm -rf .venv .venv-uv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(python):
	@python=$$(.ci/find-python '$(PYTHON)') && echo "making $(VENV) with $$("$$python" --version)" && \
		"$$python" -m venv --clear $(VENV)

$(runtime): requirements/runtime.txt requirements/build.txt pyproject.toml | $(python)
	@echo 'installing Pillion and its requirements into $(VENV)'
	@$(pip) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(pip) install --no-deps --no-build-isolation --editable .
	@touch $@

$(dev): $(runtime) requirements/dev.txt
	@echo 'installing what tests and lint need into $(VENV)'
	@$(pip) install --require-hashes -r requirements/dev.txt
	@touch $@

$(compiled)/.made: $(shell find injector templates -name '*.py' -o -name '*.yaml') scripts/compile_core.py $(dev)
	@echo 'compiling the core into $(compiled): half a minute'
	@rm -rf $(compiled) && mkdir -p $(compiled) && cp -R injector templates $(compiled)
	@$(python) scripts/compile_core.py $(compiled) >$(compiled)/log 2>&1 || { cat $(compiled)/log >&2; exit 1; }
	@touch $@
