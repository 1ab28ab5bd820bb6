# Two commands matter: `make demo` and `make test`. Both install what they need into .venv first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check format docs bench clean

demo: .venv/demo.stamp
	@$(BIN)/pgassay review examples/token-registry --history || [ $$? -eq 1 ]

test: .venv/dev.stamp
	$(BIN)/pytest -n auto --dist worksteal $(PYTEST_ARGS)

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/dev.stamp
	$(BIN)/python -m pgassay.workflows.reference docs/reference
	$(BIN)/python -m pgassay.agent.packaging plugins/claude-code

bench: .venv/dev.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python -m benchmarks

.venv/demo.stamp: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/dev.stamp: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ .venv/demo.stamp

clean:
	rm -rf .venv
