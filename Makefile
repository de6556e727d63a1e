# Everything a visitor types. Needs Python 3.11 or newer, make and a package index; the rest is made in .venv.
# ARGS="..." goes to the command itself: make demo ARGS="--speed 5", make test ARGS="-k energy".

ARGS ?=
BENCH ?= $(filter-out __init__,$(basename $(notdir $(wildcard benchmarks/*.py))))

bin := .venv/bin
pip := $(bin)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# A ground station without its screen: what MAVProxy asks for beside pymavlink draws maps and video, 750 MB of it.
mavproxy = $(pip) --no-deps MAVProxy
frame := setup.cfg pyproject.toml constraints.txt

# An inherited path would let code in that is not in .venv.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.PHONY: help demo test lint bench docs soak clean
.NOTPARALLEL:

help:
	@echo 'make demo    fly one inspection in a simulated city and write its report'
	@echo 'make test    all tests but the long ones'
	@echo 'make lint    style, types, import contracts, the clock check'
	@echo 'make bench   every benchmark, or one: make bench BENCH=slice'
	@echo 'make docs    do links lead somewhere, do named commands exist, are generated tables fresh'
	@echo 'make soak    the long tests'
	@echo 'make clean   remove what was made here, runs/ excepted'

demo: .venv/.core
	@$(bin)/beichen demo $(ARGS)

test: .venv/.test
	@$(bin)/python -m pytest -n 2 $(ARGS)

soak: .venv/.test
	@$(bin)/python -m pytest -m soak --timeout 3600 $(ARGS)

lint: .venv/.lint
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/mypy .ci/*.py
	$(bin)/lint-imports
	$(bin)/python .ci/clock_check.py

bench: .venv/.bench
	@set -e; for name in $(BENCH); do echo "== $$name"; $(bin)/python -m benchmarks.$$name $(ARGS); done

docs: .venv/.core
	@$(bin)/python .ci/docs_check.py $(ARGS)
	@$(bin)/python -m poles.protocol.reference --check

clean:
	rm -rf .venv .venv-other build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp says that .venv holds what the frame asks for; a larger set covers the smaller ones.
.venv/.core: $(frame)
	@.ci/venv
	@echo 'installing Beichen into .venv'
	@$(pip) -e .
	@touch $@

.venv/.test: $(frame)
	@.ci/venv
	@echo 'installing Beichen and its tests into .venv'
	@$(pip) -e '.[test]'
	@$(mavproxy)
	@touch .venv/.core $@

.venv/.bench: $(frame)
	@.ci/venv
	@echo 'installing Beichen and the peers of its benchmarks into .venv'
	@$(pip) -e '.[bench]'
	@touch .venv/.core $@

.venv/.lint: $(frame)
	@.ci/venv
	@echo 'installing Beichen, its tests and linters into .venv'
	@$(pip) -e '.[test,lint]'
	@$(mavproxy)
	@touch .venv/.core .venv/.test $@
