# Everything a person or CI does here. A fresh machine needs Python 3.11 or newer, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Test processes. More than two cores' worth: most tests wait for other processes.
WORKERS ?= 3
IMAGE := gen/crossdock/v1/descriptors.binpb
# A release whose proto tree the contract must not break.
RELEASE := $(shell git describe --tags --abbrev=0 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help
help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) proto ## make the environment in .venv from requirements.lock

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: proto
proto: $(READY) ## generate gen/ from proto/ when it changed
	@$(BIN)/python hatch_build.py

.PHONY: format
format: setup ## rewrite the code and the protos in the project's format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/buf format -w proto

.PHONY: lint
lint: setup ## look for mistakes
	$(BIN)/ruff check .

.PHONY: types
types: setup ## check the types
	$(BIN)/mypy

.PHONY: contract
contract: setup ## lint the protos and compare them with the newest release
	$(BIN)/buf format -d --exit-code proto
	$(BIN)/buf lint $(IMAGE) --path crossdock
ifeq ($(RELEASE),)
	@echo "buf breaking: skipped, no release is tagged yet"
else
	@rm -rf .buf && mkdir -p .buf
	git archive $(RELEASE) proto | tar -x -C .buf
	$(BIN)/python hatch_build.py --proto .buf/proto --image .buf/base.binpb
	$(BIN)/buf breaking $(IMAGE) --against .buf/base.binpb --path crossdock
endif

.PHONY: formatted
formatted: setup
	$(BIN)/ruff format --check .

JAVASCRIPT := tests/gateway/javascript
# The JavaScript libraries that tests use where node is.
$(JAVASCRIPT)/node_modules: $(JAVASCRIPT)/package.json
	@! command -v npm >/dev/null || { npm install --prefix $(JAVASCRIPT) --no-package-lock --no-audit --no-fund --silent && touch $@; } \
		|| echo "npm cannot install the JavaScript libraries: the tests that need them are skipped"

.PHONY: test
test: setup $(JAVASCRIPT)/node_modules ## run the tests, except the long proofs
	$(BIN)/pytest --quiet --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: chaos
chaos: setup ## kill the hub under load, break its calls to carriers, lose webhooks (see docs/proof.md)
	CROSSDOCK_PROOF_KILLS=50 CROSSDOCK_PROOF_THANKS=2000 CROSSDOCK_PROOF_SEEDS=500 $(BIN)/pytest --quiet --capture=no \
		tests/proofs tests/services/dispatching/test_machine.py

.PHONY: check
check: formatted lint types contract test ## everything CI checks

.PHONY: demo
demo: setup ## see the whole story in the terminal
	$(BIN)/crossdock demo

.PHONY: up
up: setup ## start the hub on this machine
	$(BIN)/crossdock up

.PHONY: bench
bench: setup ## measure everything in one run (ONLY="webhook-128 batch" for some rows)
	@command -v wrk >/dev/null || { echo "wrk is missing: apt-get install wrk (Debian, Ubuntu) brings it"; exit 2; }
	@command -v h2load >/dev/null || { echo "h2load is missing: apt-get install nghttp2-client (Debian, Ubuntu) brings it"; exit 2; }
	PYTHONPATH=.:gen $(BIN)/python -m bench $(addprefix --only ,$(ONLY)) $(BENCH)

.PHONY: docs
docs: setup ## write the generated parts of docs/ anew
	UPDATE_DOCS=1 $(BIN)/pytest -q tests/test_docs.py tests/dialects/test_golden_messages.py

.PHONY: lock
lock: ## pin the newest versions in requirements.lock (needs uv)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	cp pyproject.toml hatch_build.py LICENSE "$$folder" && touch "$$folder/README.md" && \
	PATH="$(CURDIR)/$(BIN):$$PATH" uv export --quiet --project "$$folder" --format requirements-txt \
		--no-header --no-emit-project --all-groups --output-file "$(CURDIR)/requirements.lock"

.PHONY: clean
clean: ## remove what can be made again, except .venv
	rm -rf gen .buf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
