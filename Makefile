# make demo, make test, make test-all, make lint, make docs. They need Python 3.11 to 3.13 with venv, and make; they install the rest
# into .venv. Another Python than python3: make PYTHON=python3.12 demo. A brain in colour: make demo STAIN=nissl ANIMAL=NISSL

PYTHON ?= python3
VENV ?= .venv
STAIN ?= fluorescence
ANIMAL ?= DEMO
BIN = $(VENV)/bin
PIP = $(BIN)/pip --disable-pip-version-check --no-input -qq
RIGHT_PYTHON = import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else \
    "brainstack needs Python 3.11, 3.12 or 3.13, but $(PYTHON) is %d.%d. Name another one: make PYTHON=python3.12" \
    % sys.version_info[:2])

.PHONY: help demo test test-all lint docs clean

help:
	@echo "make demo   a made-up animal, from slide scans to Neuroglancer"
	@echo "make test   everything that the tests need, then those tests that are quick; make test-all: all, as CI does"
	@echo "make lint   ruff and mypy"
	@echo "make docs   write anew what the docs take from the code, and build their site"
	@echo "make clean  remove the virtual environment"

demo: $(VENV)/installed
	$(BIN)/brainstack demo --stain $(STAIN) --name $(ANIMAL) && $(BIN)/luigi --module tasks Animal --animal $(ANIMAL) --local-scheduler
	@echo "brainstack and luigi are in $(BIN); this shell finds them after:  . $(BIN)/activate"

# Two tests at once: most tests, and a run of an animal while it starts, keep one core only. Each of the two gets tests
# that lie side by side, which share fixtures, and takes from the other's when its own are done.
test: $(VENV)/installed-dev
	@sh tests/install_services.sh
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow"

test-all: $(VENV)/installed-dev
	@sh tests/install_services.sh
	$(BIN)/pytest -n 2 --dist worksteal

lint: $(VENV)/installed-dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy

# A warning (a link, an anchor or a picture that is not there, a page that nothing leads to) is an error.
docs: $(VENV)/installed-docs
	$(BIN)/python docs/write.py
	$(BIN)/sphinx-build -q -W --keep-going -c docs . site
	@echo "The site is in site/: open site/index.html in a browser."

clean:
	rm -rf $(VENV)

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c '$(RIGHT_PYTHON)'
	@echo "Installing into $(VENV); it takes a minute or two." && $(PYTHON) -m venv $(VENV) && $(PIP) install -e . && touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@$(PIP) install -e ".[test,dev]" && touch $@

$(VENV)/installed-docs: $(VENV)/installed
	@$(PIP) install -e ".[docs]" && touch $@
