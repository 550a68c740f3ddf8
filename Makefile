# Needs Python >= 3.11 with venv, and make; everything else is fetched.
# `make help` prints the comment behind each target.

PYTHON ?= python3
DEMO ?= 1
EMULATOR_PORT ?=
# How many files of tests run at once: tests wait more than they compute, so that four keep two cores busy.
WORKERS ?= 4

# The interpreter that is here, never one from the internet; the lock file as it is.
export UV_PYTHON_DOWNLOADS := never
UV := $(or $(shell command -v uv),.uv/bin/uv)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test lint format packages kustomize test-cluster cluster-demo bench

# The cluster of this machine, where it has one of its own; it gives the tests nodes to kill and to cut.
export CLUSTER ?= $(abspath $(wildcard ../shared/cluster/cluster))

help: ## Say what each target is for
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.made ## Run the app on port 3000 against a Slack emulator, and play one request of every kind (DEMO=0: play none)
	@exec $(BIN)/anchorbolt dev $(if $(filter 0 no false off,$(DEMO)),--no-demo) $(addprefix --emulator-port=,$(EMULATOR_PORT))

# Where Python may not keep what it has compiled, each worker and each process of a test compiles everything anew.
test: export PYTHONDONTWRITEBYTECODE :=
test: .venv/.made packages kustomize ## Run all tests but those that need a cluster (WORKERS=4: so many files at once)
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST)

packages: ## Install the Debian packages that the tests run for real (as root; else say which are missing)
	@tests/packages

lint: .venv/.made ## Check style, types, spelling, the layers of imports, and that every test states its promise
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tests.promises
	$(BIN)/codespell README.md CHANGELOG.md Makefile docs app tests bench k8s ingress

format: .venv/.made ## Write the code as the linter wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test-cluster: .venv/.made kustomize ## Run the tests that need a cluster: set KUBECONFIG (QUICK=1: the quick part)
	$(BIN)/pytest tests/cluster -m "cluster$(if $(QUICK), and quick)" --timeout 1200 $(PYTEST)
	$(if $(QUICK),,$(BIN)/python -m tests.cluster.report)

cluster-demo: .venv/.made kustomize ## Apply k8s/overlays/local, play every kind of request, restart it under load
	@$(BIN)/python -m tests.cluster.demo

bench: .venv/.made bench/peers/bolt-js/node_modules ## Measure against Bolt-py and Bolt-js, and the last recorded run (BENCH="--record NAME": all of it)
	$(BIN)/python -m bench.throughput $(or $(BENCH),--quick)

bench/peers/bolt-js/node_modules: bench/peers/bolt-js/package-lock.json
	npm ci --prefix bench/peers/bolt-js --no-audit --no-fund

kustomize: ## Get what renders k8s/: the machine's own, else kustomize built from its Go module
	@[ -x var/bin/kustomize ] || command -v kustomize >/dev/null || kubectl kustomize k8s/overlays/simple >/dev/null 2>&1 \
	  || [ -x "$$HOME/.cache/cluster/bin/hyper" ] || GOBIN=$(CURDIR)/var/bin go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1 \
	  || { echo "k8s/ is rendered by kustomize 5 or kubectl: install one of them, or Go to build it" >&2; exit 1; }

.venv/.made: uv.lock pyproject.toml | $(filter .uv/bin/uv,$(UV))
	$(UV) sync --frozen --quiet --python "$$(command -v $(PYTHON))"
	@touch $@

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv
