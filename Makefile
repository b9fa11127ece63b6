# Everything that a person or CI runs. A target brings what it needs; `make check test` works in a fresh clone.
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.stamp
# Spelled with hyphens: an older pip knows an extra only by its normalized name.
EXTRAS := chat-ingest,planner,octo-bridge,rex-bridge,notifier,sqs,dev
SOURCES := contracts services deploy tests
PYTEST := $(PY) -m pytest

.DEFAULT_GOAL := help
.PHONY: help venv lock tools octoprint printrun contracts unit test check format bench demo test-packaging test-compose soak-compose test-home-assistant chaos soak clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml requirements.lock deploy/tools/make-venv
	deploy/tools/make-venv $(VENV) $(EXTRAS)
	@touch $@

venv: $(STAMP) ## the project's environment, .venv

# A resolver of its own, so that the one environment that everything runs in is what the lock file says and no more.
lock: ## resolve requirements.lock and the simulators' lock anew, within the ranges of pyproject.toml
	"$$(deploy/tools/find-python)" -m venv .lock-env
	.lock-env/bin/python -m pip install --quiet --disable-pip-version-check uv
	UV_CUSTOM_COMPILE_COMMAND="make lock" .lock-env/bin/uv pip compile --quiet --upgrade --universal --all-extras \
	  --python-version 3.11 --no-emit-index-url --no-annotate pyproject.toml -o requirements.lock
	echo netifaces > .lock-env/excluded
	UV_CUSTOM_COMPILE_COMMAND="make lock; pip install --no-deps -r octoprint.lock" .lock-env/bin/uv pip compile --quiet \
	  --upgrade --universal --python-version 3.11 --no-emit-index-url --no-annotate --excludes .lock-env/excluded \
	  deploy/simulators/octoprint.in -o deploy/simulators/octoprint.lock
	rm -rf .lock-env

tools: ## Mosquitto, its clients and libfaketime; no system service is started
	@deploy/tools/apt-install mosquitto mosquitto mosquitto-clients
	@deploy/tools/apt-install mosquitto_pub mosquitto-clients
	@deploy/tools/apt-install faketime faketime

octoprint: venv ## a real OctoPrint in an environment of its own, .octoprint-env
	$(PY) -m deploy.simulators.octoprint install

contracts: venv ## write contracts/v1 anew from the models
	$(PY) -m contracts.generate

unit: venv ## tests without sockets
	$(PYTEST) -q -n 2 tests/unit tests/contracts

printrun: venv ## Printrun's G-code reader alone, a second opinion for the tests; in a folder of its own, .printrun
	@[ -d .printrun/printrun ] || $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --target .printrun "Printrun==2.2.0"

test: venv tools octoprint printrun ## everything that needs no container engine
	$(PYTEST) -q -n 3 --dist worksteal tests --ignore=tests/bench --ignore=tests/packaging \
	  -m "not docker and not chaos and not soak"

test-packaging: venv ## each service in an environment with its own extra alone; planted imports
	$(PYTEST) -q tests/packaging

check: venv ## lint, types, architecture, contracts
	$(PY) -m ruff check $(SOURCES)
	$(PY) -m ruff format --check $(SOURCES)
	$(PY) -m mypy --strict
	$(VENV)/bin/lint-imports
	$(PY) -m contracts.generate --check
	$(PY) -m contracts.compat

format: venv ## let ruff write what `make check` would refuse
	$(PY) -m ruff check --fix $(SOURCES)
	$(PY) -m ruff format $(SOURCES)

bench: venv tools octoprint ## figures against the aims
	$(PY) -m tests.bench

demo: venv tools octoprint ## the whole stack on this machine, with a virtual printer, until Ctrl-C
	@$(PY) -m deploy.demo

test-compose: venv ## the containers; needs a Docker engine
	$(PYTEST) -q tests/compose -m "not soak"

soak-compose: venv ## the memory of the containers over a thousand moves
	$(PYTEST) -q tests/compose -m soak --timeout=0

test-home-assistant: venv tools octoprint ## a real Home Assistant in a container; needs a Docker engine
	$(PY) -m tests.home_assistant.container
	$(PYTEST) -q tests/home_assistant

SEED ?= 1
FAULTS ?= 100
chaos: venv tools octoprint ## a campaign of faults (SEED=… FAULTS=… KINDS=… repeat one), then what takes too long for every day
	$(PY) -m tests.chaos SEED=$(SEED) FAULTS=$(FAULTS) $(if $(KINDS),KINDS=$(KINDS)) $(if $(BROKER),BROKER=$(BROKER)) $(if $(PRINTER),PRINTER=$(PRINTER))
	$(PYTEST) -q tests -m "chaos and not soak and not docker" --timeout=1800

soak: venv tools octoprint ## the same for hours; the containers' own is soak-compose
	$(PYTEST) -q tests -m "soak and not docker" --timeout=0

clean: ## remove everything that a target made
	rm -rf $(VENV) .lock-env .bench-env .octoprint-env .octoprint-env.lock .printrun .demo build dist *.egg-info .hypothesis .import_linter_cache \
	  .mypy_cache .pytest_cache .ruff_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
