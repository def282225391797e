# The commands of this project. Each creates .venv when it is not there and leaves nothing else behind.
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv/bin/python
READY := .venv/.ready
REPO ?=
QUICK ?=

.PHONY: help setup check test test-editors demo fix bench bench-index bench-inline bench-models bench-next-edit build clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(READY) ## create .venv with everything the tests and the demo need

$(READY): pyproject.toml requirements.lock
	@test -x $(VENV) || { echo "creating .venv"; "$(PYTHON)" -m venv .venv; } || { rm -rf .venv; \
		echo "$(PYTHON) cannot make a virtual environment; on Debian: apt install python3-venv"; exit 1; }
	@echo "installing (a few minutes the first time)"
	@$(VENV) -m pip install --quiet --disable-pip-version-check -c requirements.lock pip
	@$(VENV) -m pip install --quiet --disable-pip-version-check -c requirements.lock \
		-e '.[fast,gguf,openai,anthropic]' --group dev
	@touch $(READY)

demo: $(READY) ## run the main job on real code: make demo [REPO=path]
	@$(VENV) -m devflow demo $(if $(REPO),"$(REPO)")

check: $(READY) ## format, lint, types, import contracts
	$(VENV) -m ruff format --check .
	$(VENV) -m ruff check .
	$(VENV) -m mypy
	$(VENV) -m pyright --pythonpath $(VENV)
	.venv/bin/lint-imports

test: check ## check, then every test that needs no editor
	$(VENV) -m pytest -q --durations=5

test-editors: $(READY) ## install the editors into .editors and run the server in them; VSCODE=1: VS Code too
	-sh tests/editors/install.sh .editors   # what is absent is skipped with its reason
	$(if $(VSCODE),-sh tests/editors/install_vscode.sh .editors/code-server)
	DEVFLOW_EDITORS=.editors $(VENV) -m pytest -q -rs -m editor tests/editors

fix: $(READY) ## format and mend what can be mended
	$(VENV) -m ruff format .
	$(VENV) -m ruff check --fix .

bench: $(READY) ## measure every figure, other servers side by side, into benchmarks/results: make bench [QUICK=1]
	PYTHONPATH=benchmarks $(VENV) -m bench $(if $(QUICK),--quick)

bench-index: $(READY) ## measure the index at a million lines into benchmarks/results: make bench-index [QUICK=1]
	PYTHONPATH=benchmarks $(VENV) -m index $(if $(QUICK),--quick)

bench-models: $(READY) ## measure the models layer into benchmarks/results: make bench-models [QUICK=1]
	cd benchmarks && PYTHONPATH=../tests ../$(VENV) -m models $(if $(QUICK),--quick)

bench-next-edit: $(READY) ## measure next edits without a model into benchmarks/results: make bench-next-edit [QUICK=1]
	PYTHONPATH=benchmarks $(VENV) -m next_edit $(if $(QUICK),--quick)

bench-inline: $(READY) ## measure ghost text's stages, restraint and names: make bench-inline [QUICK=1]
	PYTHONPATH=benchmarks $(VENV) -m inline $(if $(QUICK),--quick)

build: $(READY) ## build the wheel and the sdist into dist/
	$(VENV) -m build --outdir dist .

clean: ## remove everything the other commands made
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/devflow-bench"
	rm -rf .venv .editors dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
