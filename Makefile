# Each target sets up what it needs. DATASET, MODEL and EPOCHS choose what `make run` works on, and
# NOTEBOOKS which of them it executes.
PYTHON ?= python3
DATASET ?= sample
MODEL ?= cnn
EPOCHS ?=
NOTEBOOKS ?= 01-08

BIN := .venv/bin
export PYTHONUNBUFFERED := 1
unexport PYTHONDONTWRITEBYTECODE # tests start Python some hundred times

.PHONY: help run app test test-notebooks test-browser test-cluster faults test-oldest test-parity test-jax lint types format bench bench-gpu notebooks clean

help:
	@echo "make run [DATASET=sample] [MODEL=cnn] [EPOCHS=n]   notebooks 01 to 08, from images to results.csv"
	@echo "make run NOTEBOOKS=09-12                           others: transfer, compare, trust, spell"
	@echo "make app [PORT=n]  a page in the browser: spell before the camera, read photos, practise"
	@echo "make test        lint, types, and tests with their coverage"
	@echo "make test-notebooks  all notebooks in order, and their solutions, on a tiny set"
	@echo "make test-browser  the page, clicked through in Chromium with a film as its camera"
	@echo "make faults      every case of bad input, faults and kills, counted (a quarter of an hour)"
	@echo "make test-oldest   the tests and the series with the oldest packages that will do"
	@echo "make test-parity   the networks against PyTorch and keras-hub, live (installs both)"
	@echo "make test-jax    the core with Keras on JAX, without TensorFlow, and several devices"
	@echo "make test-cluster  predict --engine ray on a cluster of two nodes, on this machine"
	@echo "make bench       measure every figure of benchmarks/RESULTS.md (some hours)"
	@echo "make bench-gpu   training on graphics processors, with Keras on JAX (about an hour)"
	@echo "make notebooks   refresh the outputs of the notebooks under version control"

.venv/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "asl needs Python 3.11 or later: make run PYTHON=python3.12, say"; exit 1; }
	@echo "installing the packages into .venv (some minutes, once)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --requirement requirements.txt
	@# On all processors; pip does it on one. Some packages hold files that are no Python 3
	$(BIN)/python -m compileall -q -j 0 .venv/lib > /dev/null || true
	@touch $@

.venv/ready-dev: .venv/ready pyproject.toml
	$(BIN)/python -m pip install --quiet "pytest>=9.2" "pytest-xdist>=3.8" "slipcover>=1.1" \
	  "ruff>=0.17" "mypy>=2.0"
	@touch $@

# The lower bounds of requirements.txt, taken as they are
.venv-oldest/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || \
	  { echo "the oldest packages need Python 3.11 or 3.12: make test-oldest PYTHON=python3.12"; exit 1; }
	@echo "installing the oldest packages into .venv-oldest (some minutes, once)"
	$(PYTHON) -m venv .venv-oldest
	sed -n 's/>=/==/p' requirements.txt > .venv-oldest/constraints.txt
	.venv-oldest/bin/python -m pip install --quiet --requirement requirements.txt \
	  --constraint .venv-oldest/constraints.txt "pytest>=9.2" "pytest-xdist>=3.8"
	@touch $@

# Without TensorFlow, so that nothing can lean on it
.venv-jax/ready: requirements.txt pyproject.toml
	@echo "installing the packages, with JAX in place of TensorFlow, into .venv-jax (some minutes, once)"
	$(PYTHON) -m venv .venv-jax
	grep -v "^tensorflow" requirements.txt > .venv-jax/requirements.txt
	.venv-jax/bin/python -m pip install --quiet --requirement .venv-jax/requirements.txt \
	  "keras>=3.11" "jax>=0.7" "pytest>=9.2" "pytest-xdist>=3.8"
	@touch $@

# The build for the processor alone: 200 MB in place of several gigabytes. Later versions of
# keras-hub want a kagglesdk that kaggle 2.2 refuses.
.venv/ready-parity: .venv/ready-dev
	$(BIN)/python -m pip install --quiet torch --index-url https://download.pytorch.org/whl/cpu || \
	  $(BIN)/python -m pip install --quiet torch
	$(BIN)/python -m pip install --quiet "keras-hub~=0.29.1"
	@touch $@

.venv/ready-app: .venv/ready pyproject.toml
	$(BIN)/python -m pip install --quiet "gradio>=6.0"
	@touch $@

.venv/ready-cluster: .venv/ready-dev pyproject.toml
	$(BIN)/python -m pip install --quiet "ray[data]>=2.60" "pyarrow>=17"
	@touch $@

# In Chromium: the operating system's, or one that Playwright brings
.venv/ready-browser: .venv/ready-app .venv/ready-dev
	$(BIN)/python -m pip install --quiet "playwright>=1.50"
	command -v chromium chromium-browser google-chrome >/dev/null || \
	  $(BIN)/python -m playwright install chromium
	@touch $@

# Ctrl-C ends it, and is no failure
app: .venv/ready-app
	@$(BIN)/python -m asl app $(if $(PORT),--port "$(PORT)") || test $$? -eq 130

run: .venv/ready
	@$(BIN)/python -m asl run --dataset "$(DATASET)" --model "$(MODEL)" $(if $(EPOCHS),--epochs "$(EPOCHS)") $(NOTEBOOKS)

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready-dev
	$(BIN)/mypy

# Coverage by SlipCover: with coverage.py, Keras' own Python takes 40 % longer (before Python 3.12).
# Not counted: what needs Gradio (make test-browser), Ray or pyarrow (make test-cluster)
UNCOUNTED := asl/app/page*.py,asl/cluster/addresses.py,asl/cluster/engine.py,asl/cluster/parquet.py
test: lint types
	@mkdir -p runs
	$(BIN)/python -m slipcover --source asl --omit "$(UNCOUNTED)" --json --out runs/coverage.json \
	  -m pytest
	$(BIN)/python -m slipcover --merge runs/coverage.json --out runs/coverage.json \
	  --skip-covered --fail-under 95

test-notebooks: .venv/ready-dev
	$(BIN)/python -m pytest tests/notebooks

# Tools and texts do not depend on versions
test-oldest: .venv-oldest/ready
	.venv-oldest/bin/python -m pytest --ignore tests/test_house.py --ignore tests/test_notebooks.py
	.venv-oldest/bin/python -m pytest tests/notebooks/test_series.py

test-parity: .venv/ready-parity
	$(BIN)/python -m pytest tests/parity

# What builds, trains, predicts, explains and keeps networks. What is exported and read by LiteRT
# does not depend on it; what TensorFlow alone writes is skipped, by name
JAX_TESTS := backends devices devices_run architectures models training transfer checkpoints \
  prediction explain calibration cross_dataset joints_network
test-jax: export KERAS_BACKEND := jax
test-jax: .venv-jax/ready
	.venv-jax/bin/python -m pytest $(JAX_TESTS:%=tests/test_%.py)

# predict --engine ray, on a cluster of two nodes on this machine
test-cluster: .venv/ready-cluster
	$(BIN)/python -m pytest tests/test_cluster_ray.py tests/test_cluster.py -n 0

test-browser: .venv/ready-browser
	$(BIN)/python -m pytest tests/browser -n 0

faults: .venv/ready-dev
	$(BIN)/python benchmarks/bench.py faults

format: .venv/ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready-cluster
	rm -rf runs/bench
	$(BIN)/python benchmarks/bench.py

# GPU_JAX: what pip installs for this machine's graphics processors. SMALL=--small tries the script
# with small numbers, on any machine
GPU_JAX ?= jax[cuda12]
bench-gpu: export KERAS_BACKEND := jax
bench-gpu: .venv-jax/ready
	$(if $(SMALL),,.venv-jax/bin/python -m pip install --quiet "$(GPU_JAX)")
	.venv-jax/bin/python benchmarks/gpu.py $(SMALL)

# In a home folder of their own, so that results.csv and the models stay
notebooks: export ASL_HOME := $(CURDIR)/runs/stored
notebooks: .venv/ready
	@$(BIN)/python -c 'import asl; asl.load("sample")' # drawn before, so that no bar is stored
	@$(BIN)/python -m asl run --dataset sample --model cnn
	@$(BIN)/python -m asl run --dataset sample --model cnn 09-12
	@cp runs/stored/runs/sample-cnn/*.ipynb notebooks/
	@$(BIN)/python benchmarks/picture.py

clean:
	rm -rf .venv .venv-oldest .venv-jax runs data/cache
