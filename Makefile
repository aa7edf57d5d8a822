# The commands of this project. Each makes .venv itself when it is missing or out of date.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := 0.13.9

# Compiled files are kept, whatever the environment says: without them every process of the tests
# (workers, servers) compiles some 1,500 modules when it starts.
export PYTHONDONTWRITEBYTECODE =

.PHONY: run test check lint types contracts format docs lock bench demo fuzz e2e-long chaos chaos-short clean

run: $(VENV)/.runtime            ## start Fieldline with the demo logins on http://localhost:8080
	$(BIN)/fieldline serve --demo

demo: $(VENV)/.runtime           ## replay the recorded sensor data through MQTT
	$(BIN)/fieldline demo

test: $(VENV)/.dev               ## the whole default suite; needs no service
	$(BIN)/pytest -q -m "not long and not vendor and not chaos" -n auto --dist loadgroup $(ARGS)

check: lint contracts types test ## everything that a commit must pass

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev               ## the generated pages of docs/reference
	$(BIN)/fieldline settings --markdown > docs/reference/settings.md
	$(BIN)/fieldline nodes --markdown > docs/reference/nodes.md
	$(BIN)/fieldline openapi --markdown > docs/reference/api-v1.md

bench: $(VENV)/.dev              ## what the platform reaches on this machine, see docs/performance.md
	$(BIN)/fieldline bench $(ARGS)

fuzz: $(VENV)/.dev               ## random requests to the API and damaged MQTT, 5 minutes of each kind
	$(BIN)/python -m tests.fuzz $(ARGS)

e2e-long: $(VENV)/.dev .vendor-envs/.made ## long forms of tests, and the vendor's own clients
	FIELDLINE_REQUIRE_VENDOR=1 $(BIN)/pytest -q -m "long or vendor" $(ARGS)

chaos: $(VENV)/.dev              ## faults under load, see docs/reliability.md; about an hour
	FIELDLINE_CHAOS=long $(BIN)/pytest -v -m chaos $(ARGS)

chaos-short: $(VENV)/.dev        ## the same faults, some seconds of each
	$(BIN)/pytest -q -m chaos -n auto $(ARGS)

lock: $(VENV)/.dev               ## pin every dependency again (requirements*.lock)
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url --upgrade pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url --upgrade --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

$(BIN)/uv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Fieldline needs Python 3.11 or newer, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV)

$(VENV)/.runtime: $(BIN)/uv pyproject.toml requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

# The clients of others, each in an environment of its own: their pins clash with ours and each other
.vendor-envs/.made: $(wildcard tests/vendor/*.lock) | $(BIN)/uv
	for lock in tests/vendor/*.lock; do \
	    env=.vendor-envs/$$(basename $$lock .lock); \
	    $(BIN)/uv venv --quiet --clear $$env && \
	    VIRTUAL_ENV=$$env $(BIN)/uv pip install --quiet --require-hashes -r $$lock || exit 1; \
	done
	@touch $@

clean:
	rm -rf $(VENV) .vendor-envs .mypy_cache .ruff_cache .hypothesis dist build
