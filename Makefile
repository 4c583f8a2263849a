# The two commands of a newcomer (demo, test) and the daily ones. Needs python3 >= 3.11, a C++17 compiler and make;
# everything else comes from PyPI into .venv. Says what the machine lacks; installs nothing outside this folder.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=
# Further extras for `make test` and `make bench`, such as EXTRAS=bench for the peers of the benchmarks.
EXTRAS ?=

BIN := $(VENV)/bin
PY := $(BIN)/python
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip --quiet --no-input
SOURCES := pyproject.toml CMakeLists.txt LICENSE $(wildcard README.md) \
	$(shell find csrc src -type f ! -name '*.pyc' ! -name '*.so' 2>/dev/null)
comma := ,
empty :=
space := $(empty) $(empty)
TESTED := $(VENV)/$(subst $(space),-,$(strip test $(EXTRAS))).stamp
# $(call install,extras): the wheel just built, then whatever its extras need.
install = $(PIP) install --force-reinstall --no-deps $(VENV)/dist/attnrec-*.whl && \
	for wheel in $(VENV)/dist/attnrec-*.whl; do $(PIP) install "$$wheel[$(1)]"; done

ifneq ($(origin CXX),default)
export CXX
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint format bench accuracy wheel sanitize stress fuzz mutants clean

help: ## this list
	@echo "attnrec: make TARGET [PYTHON=python3.12] [VENV=.venv, made with it] [ARGS='...']"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r name text; do \
		printf '%-11s %s\n' "$$name" "$$text"; done

demo: $(VENV)/demo.stamp ## build, install with the command line, and recommend films from the bundled data
	@$(BIN)/attnrec demo $(ARGS)

test: $(TESTED) ## build, install, and run every test on the installed package (ARGS='-k topk -x')
	@ATTNREC_TEST_INSTALLED=1 $(PY) -m pytest $(ARGS)

lint: $(TESTED) $(VENV)/tools.stamp ## ruff, mypy --strict, stubtest, docstrings, clang-format: report only
	@PATH="$(abspath $(BIN)):$$PATH" sh tools/lint.sh

format: $(VENV)/tools.stamp ## rewrite Python and C++ sources in the house style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@find csrc examples tests/consumers src/attnrec/include -name '*.cpp' -o -name '*.h' -o -name '*.c' | \
		xargs $(BIN)/clang-format -i

bench: $(TESTED) ## benchmarks with asserted results (EXTRAS=bench adds the peers)
	@$(PY) -m pytest benchmarks --benchmark-only $(ARGS)

accuracy: $(TESTED) ## figures of quality on the data in ATTNREC_DATA (EXTRAS=accuracy adds the peers)
	@$(PY) -m benchmarks.quality.accuracy $(ARGS)

wheel: $(VENV)/wheel.stamp ## build the wheel into dist/
	@mkdir -p dist && cp $(VENV)/dist/attnrec-*.whl dist/ && ls dist/attnrec-*.whl

sanitize: $(TESTED) $(VENV)/tools.stamp ## kernels and ops under Address- and UndefinedBehaviorSanitizer (ARGS=--thread: ThreadSanitizer)
	@PATH="$(abspath $(BIN)):$$PATH" $(PY) tools/sanitize.py $(ARGS)

stress: $(TESTED) ## 8 threads search an index while another appends and replaces (ARGS='--minutes 10')
	@$(PY) tools/stress.py $(ARGS)

fuzz: $(VENV)/tools.stamp ## the C interface and files under clang's libFuzzer (ARGS='--seconds 600 --jobs 2')
	@PATH="$(abspath $(BIN)):$$PATH" $(PY) tools/fuzz.py $(ARGS)

mutants: $(TESTED) $(VENV)/tools.stamp ## break the kernels on purpose; every break must turn the oracle red (ARGS=--short)
	@PATH="$(abspath $(BIN)):$$PATH" $(PY) tools/mutants.py $(ARGS)

clean: ## remove what was built, the virtual environment with it
	rm -rf build dist $(VENV) .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

# One stamp a step, so that a second call does only what changed.
$(VENV)/venv.stamp: tools/preflight.sh
	@sh tools/preflight.sh $(PYTHON)
	@$(PY) -m pip --version >/dev/null 2>&1 || { \
		echo "attnrec: making $(VENV) with $$($(PYTHON) -V)"; $(PYTHON) -m venv --clear $(VENV); }
	@touch $@

$(VENV)/wheel.stamp: $(VENV)/venv.stamp $(SOURCES)
	@sh tools/preflight.sh $(PY)
	@echo "attnrec: building the wheel, a minute or two"
	@rm -rf $(VENV)/dist
	@$(PIP) wheel --no-deps --wheel-dir $(VENV)/dist .
	@touch $@

$(VENV)/demo.stamp: $(VENV)/wheel.stamp
	@echo "attnrec: installing with the command line"
	@$(call install,cli)
	@touch $@

$(TESTED): $(VENV)/wheel.stamp
	@echo "attnrec: installing with what the tests need"
	@$(call install,$(subst $(space),$(comma),$(strip test $(EXTRAS))))
	@touch $@

$(VENV)/tools.stamp: $(VENV)/venv.stamp tools/requirements.txt
	@echo "attnrec: installing ruff, mypy, numpydoc, clang-format, CMake"
	@$(PIP) install -r tools/requirements.txt
	@touch $@
