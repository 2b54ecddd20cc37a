# One command for everything a developer does. A second `make` of the same thing costs about a second.
#
#   make demo      features over a tick stream, in a minute      make bench     the benchmarks
#   make test      C++ and Python tests                          make format    C++ and Python, in place
#   make test-all  the same, data races checked, long runs       make lint      what CI checks
#   make build     engine, tests, package in .venv               make docs      the generated reference
#   make setup     system packages and .venv                     make clean     everything built
#   make bench-flink   the benchmarks of dataflow, Flink among them: installs Java and Maven
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := build
.NOTPARALLEL:  # What takes time, ninja and the test runners, is parallel in itself.
.PHONY: build setup demo test test-cpp test-python test-all bench bench-flink format lint docs clean

PYTHON := .venv/bin/python
JOBS ?= $(shell nproc)
# CI stops at warnings; g++ of other versions may warn about other things, so nobody else does.
SABOT_WERROR ?= $(if $(filter true,$(CI)),ON,OFF)

engine_files := CMakeLists.txt CMakePresets.json $(shell find cmake src -type f)
package_files := pyproject.toml README.md $(shell find python -type f -not -path '*/__pycache__/*')
cpp_files = $(shell find src tests python benchmarks examples -name '*.h' -o -name '*.cc' 2>/dev/null)
python_dirs = $(wildcard python tests benchmarks examples docs tools)

# --- set-up: one stamp a dependency group of pyproject.toml ---

setup: .venv/stamps/build .venv/stamps/test .venv/stamps/lint

.venv/stamps/%: tools/setup.sh pyproject.toml
	tools/setup.sh $*

# --- build ---

build: cpp .venv/stamps/package

.PHONY: cpp
cpp: .venv/stamps/build
	@[[ -f build/release/build.ninja ]] && grep -qx 'SABOT_WERROR:BOOL=$(SABOT_WERROR)' build/release/CMakeCache.txt || \
	  cmake --preset release -DSABOT_WERROR=$(SABOT_WERROR)
	cmake --build --preset release -- -j$(JOBS)

# The package, as a user gets it but built here, so that the next build is a matter of seconds.
.venv/stamps/package: .venv/stamps/build $(engine_files) $(package_files)
	CMAKE_BUILD_PARALLEL_LEVEL=$(JOBS) $(PYTHON) -m pip install --quiet --no-build-isolation --no-deps --force-reinstall \
	  -Cbuild-dir=build/python -Ccmake.define.SABOT_WERROR=$(SABOT_WERROR) .
	@touch $@

# --- run ---

demo: .venv/stamps/demo .venv/stamps/package
	$(PYTHON) -m sabot.demo

test: test-cpp test-python

test-cpp: cpp
	ctest --preset release -j$(JOBS)

test-python: .venv/stamps/test .venv/stamps/package
	$(PYTHON) -m pytest

test-all: test
	cmake --preset tsan
	cmake --build --preset tsan -- -j$(JOBS)
	ctest --preset tsan -j$(JOBS)
	SABOT_SIMULATION_SEEDS=100000 build/release/tests/simulation/simulation_test
	SABOT_SIMULATION_SEEDS=100000 build/tsan/tests/simulation/simulation_test
	SABOT_KILL_ROUNDS=50 $(PYTHON) -m pytest tests/system/kill_test.py -k random
	$(PYTHON) -m pytest -m slow || (($$? == 5))  # 5: no test is marked slow.

bench: .venv/stamps/bench cpp .venv/stamps/package build/csp/pyvenv.cfg build/hftbacktest/pyvenv.cfg
	$(PYTHON) benchmarks/run.py
	$(PYTHON) benchmarks/kernel_library.py
	$(PYTHON) benchmarks/pipelines.py
	$(PYTHON) benchmarks/dataflow.py
	$(PYTHON) benchmarks/checkpoints.py
	$(PYTHON) benchmarks/backtests.py

bench-flink: .venv/stamps/bench cpp .venv/stamps/package build/flink/keyed-ewma-1.jar
	$(PYTHON) benchmarks/dataflow.py --flink

build/flink/keyed-ewma-1.jar: .venv/stamps/flink $(shell find benchmarks/flink -type f)
	mvn --quiet --batch-mode --file benchmarks/flink/pom.xml package
	@touch $@

# Peers that need older packages than ours: each in an environment of its own.
build/csp/pyvenv.cfg build/hftbacktest/pyvenv.cfg: build/%/pyvenv.cfg: .venv/stamps/build pyproject.toml
	$(PYTHON) -m venv --clear --without-pip build/$*
	$(PYTHON) -m pip --python build/$*/bin/python install --quiet --group $*
	@touch $@

docs: .venv/stamps/package
	$(PYTHON) docs/generate.py

# --- style ---

format: .venv/stamps/lint
	.venv/bin/clang-format -i $(cpp_files)
	.venv/bin/ruff check --fix $(python_dirs)
	.venv/bin/ruff format $(python_dirs)

lint: .venv/stamps/lint .venv/stamps/test .venv/stamps/package
	.venv/bin/clang-format --dry-run -Werror $(cpp_files)
	@! grep -nE '^.{121,}' $(cpp_files) /dev/null || { echo 'lint: these lines are longer than 120 columns' >&2; exit 1; }
	.venv/bin/ruff check $(python_dirs)
	.venv/bin/ruff format --check $(python_dirs)
	.venv/bin/mypy --package sabot
	$(PYTHON) -m pytest tests/tree

clean:
	rm -rf build .venv/stamps/package
