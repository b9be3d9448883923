# `make help` says what each target does. Needs make and Python 3.11 or newer, nothing else.

ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell for python in python3.11 python3 python; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
endif
PORT ?= $(or $(PYKUTEN_PORT),8000)
HOST ?= $(or $(PYKUTEN_HOST),127.0.0.1)
CONFIG ?=
ARGS ?=
UPGRADE ?=

SERVING := .venv
DEV := .venv-dev

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_REQUIRE_VIRTUALENV := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve test test-all e2e soak bench check format train need-config lock clean $(SERVING) $(DEV)

help: ## this list
	@echo 'Usage: make TARGET [NAME=value ...]'
	@echo
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  PYTHON=$(PYTHON)  PORT=$(PORT)  HOST=$(HOST)'

serve: $(SERVING) ## start the service with the version in models/store (PORT, HOST); no TensorFlow needed
	MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=4194304 MALLOC_TRIM_THRESHOLD_=16777216 \
	PYKUTEN_HOST='$(HOST)' PYKUTEN_PORT='$(PORT)' exec $(SERVING)/bin/python -m service

PYTEST := $(DEV)/bin/python -m pytest
PARALLEL := --numprocesses auto --maxprocesses 4 --dist loadfile

test: check ## what must hold at every commit: the checks, then all quick tests (with ARGS: pytest with these instead)
ifeq ($(ARGS),)
	$(PYTEST) -m 'not slow and not alone' $(PARALLEL)
else
	$(PYTEST) $(ARGS)
endif

test-all: $(DEV) ## the other tests: training, all of the page, 200 kills, then those that need the machine alone (ARGS)
	@$(PYTEST) -m 'slow and not alone' $(PARALLEL) $(ARGS); slow=$$?; \
	$(PYTEST) -m alone $(ARGS); alone=$$?; exit $$((slow || alone))

e2e: $(DEV) ## only the tests with a real server, and a real browser where Chromium is installed (ARGS go to pytest)
	$(DEV)/bin/python -m pytest tests/e2e $(ARGS)

soak: $(DEV) ## ten minutes of good, hostile and slow clients at a server whose versions are swapped (ARGS; see ARGS=--help)
	$(DEV)/bin/python -m tests.soak $(ARGS)

check: $(DEV) ## the fast checks: lint, format, types, import contracts
	$(DEV)/bin/python -m ruff check .
	$(DEV)/bin/python -m ruff format --check .
	$(DEV)/bin/python -m mypy
	$(DEV)/bin/python -c 'from importlinter.cli import lint_imports_command as run; run()'

format: $(DEV) ## put the code into the project's format
	$(DEV)/bin/python -m ruff check --fix .
	$(DEV)/bin/python -m ruff format .

train: need-config $(DEV) ## make a version of your catalogue: CONFIG=mine.toml (ARGS go with it, e.g. ARGS=--promote)
	$(DEV)/bin/python -m training run $(CONFIG) $(ARGS)

need-config:
	@: $(or $(CONFIG),$(error make train needs the config of your catalogue, for example: make train CONFIG=mine.toml ARGS=--promote))

bench: $(DEV) ## how fast the service is, beside others with the same networks (ARGS, e.g. ARGS='--seconds 3'; --help)
	$(DEV)/bin/python -m tests.benchmark $(ARGS)

# Universal: one file serves every platform and Python from 3.11 on. All three agree, for the last two are held to the first.
LOCK = $(DEV)/bin/python -m uv --quiet pip compile pyproject.toml --universal --fork-strategy fewest --python-version 3.11 \
  --generate-hashes --only-binary :all: --emit-build-options --no-emit-index-url --no-emit-find-links \
  --custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)

lock: $(DEV) ## rebuild requirements/*.txt from pyproject.toml (UPGRADE=1: newest versions)
	$(LOCK) --all-extras --output-file requirements/dev.txt
	$(LOCK) --extra service --constraint requirements/dev.txt --output-file requirements/serving.txt
	$(LOCK) --extra training --constraint requirements/dev.txt --output-file requirements/training.txt

clean: ## remove the environments and every cache; models/store stays
	rm -rf $(SERVING) $(DEV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
	find models training service tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(SERVING):
	@$(call environment,$@,requirements/serving.txt,about 90 MB to fetch)

$(DEV):
	@$(call environment,$@,requirements/dev.txt,about 850 MB to fetch; TensorFlow is large)

# $(call environment,FOLDER,LOCK FILE,NOTE): a virtual environment with exactly what the lock file names. A copy of the lock file
# is left in it when all went well; where the two differ, the environment is made anew.
# openvino-telemetry goes again: it would report every `import openvino` to its maker; OpenVINO works without it.
define environment
cmp -s $(2) $(1)/lock.txt || { \
  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
    || { echo 'Python 3.11 or newer is needed; name it with PYTHON=/path/to/python3.11' >&2; exit 2; }; \
  echo 'Installing $(2) into $(1) ($(3))'; \
  $(PYTHON) -m venv --clear $(1) \
    || { rm -rf $(1); echo '$(PYTHON) cannot make virtual environments (on Debian: apt install python3-venv)' >&2; exit 2; }; \
  $(1)/bin/python -m pip install --quiet --require-hashes --requirement $(2) && \
  $(1)/bin/python -m pip uninstall --quiet --yes openvino-telemetry && \
  cp $(2) $(1)/lock.txt; }
endef
