# laudo: everything a developer runs. Each target sets up what it needs; a fresh machine needs Python 3.11+, git and make.
VENV   := .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
DEMO   ?= demo
# processes that share the tests; on the real data each may need 7 GB of memory
WORKERS ?= 2
# uv may have been brought by setup: into the user's folder, or into .uv
export PATH := $(PATH):$(HOME)/.local/bin:$(CURDIR)/.uv/bin

.PHONY: setup demo test lint format bench messages constraints clean

setup: $(VENV)/.done

$(VENV)/.done: pyproject.toml constraints.txt hatch_build.py $(wildcard src/laudo/locale/*/LC_MESSAGES/laudo.po)
	command -v uv >/dev/null || $(PYTHON) -m pip install --quiet uv || $(PYTHON) -m pip install --quiet --user uv || \
		( $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet uv )
	test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) $(VENV)
	uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --reinstall-package laudo --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/laudo demo --out $(DEMO)

# Neighbours stay in one process until another has nothing left to do: what a file's tests share is made once.
test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The published Keras program needs an environment of its own.
.venv-keras/.done: | setup
	uv venv --quiet --python 3.11 .venv-keras
	uv pip install --quiet --python .venv-keras/bin/python tensorflow-cpu pillow
	touch $@

# So does nnU-Net.
.venv-nnunet/.done: | setup
	uv venv --quiet --python 3.11 .venv-nnunet
	uv pip install --quiet --python .venv-nnunet/bin/python nnunetv2
	touch $@

bench: setup .venv-keras/.done .venv-nnunet/.done
	$(BIN)/python benchmarks/frozen_backbone.py --peer-python .venv-keras/bin/python
	$(BIN)/python benchmarks/train_step.py --peer-python .venv-keras/bin/python
	$(BIN)/python benchmarks/prepare.py
	$(BIN)/python benchmarks/duplicates.py
	$(BIN)/python benchmarks/mask_scores.py
	$(BIN)/python benchmarks/mask_losses.py
	$(BIN)/python benchmarks/catalog.py
	$(BIN)/python benchmarks/sliding_window.py
	$(BIN)/python benchmarks/train_step_3d.py --peer-python .venv-nnunet/bin/python

# Collect the texts of the source, and bring the catalogues up to date; a catalogue that is missing is begun.
# Babel takes the per cent sign of "95 % interval" for an old format: sed takes that mark away.
messages: setup
	$(BIN)/pybabel -q extract -F babel.cfg -k _ -k N_ -k ngettext:1,2 --no-location --sort-output --project laudo -o messages.pot src/laudo
	for l in pt:pt_BR es:es; do \
		po=src/laudo/locale/$${l%:*}/LC_MESSAGES/laudo.po; mkdir -p $$(dirname $$po); \
		test -f $$po || $(BIN)/pybabel -q init -D laudo -i messages.pot -o $$po -l $${l#*:} -w 120 || exit; \
		$(BIN)/pybabel -q update -D laudo -i messages.pot -o $$po -l $${l#*:} -w 120 \
			--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date || exit; \
		sed -i.bak -e '/^#, python-format$$/d' -e 's/^\(#, .*\), python-format$$/\1/' $$po && rm $$po.bak; \
	done
	rm messages.pot

constraints:
	uv pip compile --quiet --no-header --no-annotate --python-version 3.11 --extra dev pyproject.toml -o constraints.txt

clean:
	rm -rf $(VENV) .venv-keras .venv-nnunet .uv .pytest_cache .mypy_cache .ruff_cache .hypothesis
