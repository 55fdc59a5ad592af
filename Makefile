# Every target works on a fresh machine with Python >= 3.11 (with venv) and make.
SHELL := /bin/sh
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ONCE ?=
GROWTH ?=
PORT ?= 8000
UPGRADE ?=
# With extras kept, a lock is closed: it holds all that its packages ask for, and nothing is resolved when it is installed.
COMPILE := uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
# Tests at once: two more than there are cores, because they wait for a third of their time.
JOBS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 2)
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist worksteal
# Each process of the tests would compile all modules anew, and pytest rewrite its plugins: 7 seconds a process.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up test test-failed test-pythons soak coverage bench bench-bounces bench-delivery bench-examples bench-import bench-ingest bench-merging bench-people bench-render bench-matching bench-preview bench-search bench-attack bench-pipeline bench-trending bench-versions bench-web browser gate gate-tools sbom audit preview-mail pictures check lint types floors wheel lock clean messages

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	touch $@

# INSTALLER=pip does without uv.
$(VENV)/.run: $(VENV)/.made requirements.txt requirements-uv.txt pyproject.toml
	.ci/install $(VENV) requirements.txt
	touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	.ci/install $(VENV) requirements-dev.txt
	touch $@

demo: $(VENV)/.run ## everything on this machine, with the seed papers and demo readers (ONCE=1 stops after the mails)
	$(BIN)/digest demo --port $(PORT) $(if $(ONCE),--once)

up: $(VENV)/.run ## all processes of the service, supervised
	$(BIN)/digest up

test: $(VENV)/.dev browser ## all tests, on real servers
	$(PYTEST)

test-failed: $(VENV)/.dev ## what failed last time, one by one
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none

test-pythons: $(VENV)/.dev ## the demo from the wheel on each supported Python of this machine (asks the package index)
	$(BIN)/python -m pytest -m pythons

soak: $(VENV)/.dev ## the long experiments with their full counts
	$(BIN)/python -m pytest -m soak --timeout 7200 -o faulthandler_timeout=12000

bench: bench-bounces bench-delivery bench-examples bench-import bench-ingest bench-matching bench-merging bench-people bench-versions bench-trending bench-preview bench-attack bench-pipeline bench-render bench-search bench-web ## all benchmarks, one after the other

bench-delivery: $(VENV)/.dev ## mails a second: the outbox against the obvious sender, the engine alone, smtp-source
	$(BIN)/python -m tests.benchmarks.delivery $(or $(DIGEST_TEST_SHARED),../shared)

bench-ingest: $(VENV)/.dev ## papers stored a second, first and again, on both databases; peak memory
	$(BIN)/python -m tests.benchmarks.ingest $(or $(DIGEST_TEST_SHARED),../shared) --rounds 3

bench-bounces: $(VENV)/.dev ## how surely bounce reports and complaints are told apart
	$(BIN)/python -m tests.benchmarks.bounces $(or $(DIGEST_TEST_SHARED),../shared)

bench-merging: $(VENV)/.dev ## how surely the same paper from two sources becomes one
	$(BIN)/python -m tests.benchmarks.merging $(or $(DIGEST_TEST_SHARED),../shared)

bench-versions: $(VENV)/.dev ## how surely a preprint and its published version become one
	$(BIN)/python -m tests.benchmarks.versions $(or $(DIGEST_TEST_SHARED),../shared)

bench-import: $(VENV)/.dev ## a library of 500 entries, half of them damaged, to suggested topics
	$(BIN)/python -m tests.benchmarks.library_import $(or $(DIGEST_TEST_SHARED),../shared)

bench-people: $(VENV)/.dev ## how surely people of one name are told apart
	$(BIN)/python -m tests.benchmarks.people $(or $(DIGEST_TEST_SHARED),../shared)

bench-examples: $(VENV)/.dev ## how relevant papers like examples are, beside typed words and the mean of tf-idf
	$(BIN)/python -m tests.benchmarks.examples $(or $(DIGEST_TEST_SHARED),../shared)

bench-trending: $(VENV)/.dev ## how well trending predicts, beside the formulas in public use
	$(BIN)/python -m tests.benchmarks.trending $(or $(DIGEST_TEST_SHARED),../shared)

bench-preview: $(VENV)/.dev ## a preview of 14 days and 20,000 papers, warm and as a command
	$(BIN)/python -m tests.benchmarks.preview $(or $(DIGEST_TEST_SHARED),../shared)

bench-attack: $(VENV)/.dev ## the costliest profiles that validation accepts against 20,000 papers, by both matchers
	$(BIN)/python -m tests.benchmarks.preview_attack $(or $(DIGEST_TEST_SHARED),../shared)

bench-pipeline: $(VENV)/.dev ## two days' editions chosen, frozen and queued: 20,000 readers on SQLite, 100,000 on PostgreSQL
	$(BIN)/python -m tests.benchmarks.pipeline $(or $(DIGEST_TEST_SHARED),../shared) --readers 20000
	$(BIN)/python -m tests.benchmarks.pipeline $(or $(DIGEST_TEST_SHARED),../shared) --readers 100000 --database postgresql

coverage: $(VENV)/.dev browser ## all tests, and which lines and branches they reach
	$(PYTEST) --cov --cov-report term:skip-covered --cov-report html:build/coverage

browser: # servers come as wheels, a browser does not
	@.ci/install-chromium

gate: $(VENV)/.dev browser gate-tools ## 60 mails through all checkers that can be had here
	$(BIN)/python -m tests.mailgate --shared $(or $(DIGEST_TEST_SHARED),../shared)

sbom: $(VENV)/.run ## the bill of materials (CycloneDX) of the lock, into build/sbom.json
	$(BIN)/python .ci/sbom.py requirements.txt build/sbom.json

audit: sbom ## ask osv.dev about known vulnerabilities of the locked packages (needs network; says so without it)
	$(BIN)/python .ci/audit.py build/sbom.json

preview-mail: $(VENV)/.dev browser ## every mail as text and pictures, into docs/mails
	$(BIN)/python -m tests.mailgate.pictures

bench-web: $(VENV)/.dev ## requests a second of the public pages for 50 clients, beside a bare FastAPI route
	$(BIN)/python -m tests.benchmarks.web $(or $(DIGEST_TEST_SHARED),../shared)

bench-search: $(VENV)/.dev ## searches over 200,000 papers on both databases
	$(BIN)/python -m tests.benchmarks.search $(or $(DIGEST_TEST_SHARED),../shared)

bench-render: $(VENV)/.dev ## what a mail costs to make
	$(BIN)/python -m tests.benchmarks.render $(wildcard $(or $(DIGEST_TEST_SHARED),../shared))

bench-matching: $(VENV)/.dev ## a day for many readers: the engine against PostgreSQL, FTS5 and loops (GROWTH=1: by size)
	$(BIN)/python -m tests.benchmarks.matching $(or $(DIGEST_TEST_SHARED),../shared) $(if $(GROWTH),--growth)

messages: $(VENV)/.dev ## all sentences of mails and pages for translators, into build/messages.pot
	mkdir -p build
	$(BIN)/pybabel -q extract -F babel.cfg -k localize -k localize_plural:1,2 -k N_ --no-location --project papers-inbox -o build/messages.pot .

gate-tools: ## the checkers that are no wheels, where we may install them
	@.ci/install-gate

check: lint types floors ## lint, types and floors

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djlint --lint --quiet templates

types: $(VENV)/.dev
	$(BIN)/mypy

floors: $(VENV)/.dev
	$(BIN)/lint-imports

wheel: $(VENV)/.dev ## build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

lock: ## resolve the dependencies anew (needs uv); UPGRADE=1 takes the newest releases
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra build pyproject.toml -o requirements.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra build --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	echo uv | $(COMPILE) -c requirements-dev.txt - -o requirements-uv.txt

pictures: $(VENV)/.dev ## the pages as they are, into docs/pictures (needs Chromium)
	$(BIN)/python -m tests.browser.pictures

clean: ## remove what was made here (not data/)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
