"What README promises holds, and the package is what settings.ini says"
import re
import subprocess
import sys
from configparser import ConfigParser
from importlib import import_module
from inspect import isclass, isfunction, signature
from shutil import copy, copytree, unpack_archive

import nbformat
import pytest
import yaml
from fastcore.docments import docments
from PIL import Image

import mnist37
from mnist37.data import COUNTS, mnist_path
from mnist37.ladder import load_rungs
from scripts.maintainers import evidence, readme
from scripts.readers.course import ALL, INDEX, NBS, ROOT, TEACHING

PAGES = [*(ROOT/name for name in 'README.md CONTRIBUTING.md data/README.md evidence/README.md pyproject.toml'.split()), INDEX, TEACHING]
PAGE = PAGES[0].read_text(encoding='utf-8')
CONFIG = ConfigParser()
CONFIG.read(ROOT/'settings.ini', encoding='utf-8')
SETTINGS = CONFIG['DEFAULT']


def python(*arguments): return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    "What a wheel holds that is built from a copy of the repository"
    folder = tmp_path_factory.mktemp('wheel')
    copytree(ROOT/'mnist37', folder/'copy'/'mnist37')
    for name in ('setup.py', 'settings.ini', 'pyproject.toml', 'README.md', 'LICENSE'): copy(ROOT/name, folder/'copy')
    built = python('-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '--wheel-dir', folder, folder/'copy')
    assert built.returncode == 0, built.stderr
    unpack_archive(next(folder.glob('*.whl')), folder/'installed', 'zip')
    return folder/'installed'


def test_readme_ladder_comes_from_the_evidence(build):
    shown, measured = readme.LADDER.search(PAGE).group().strip(), readme.ladder(load_rungs(build/'records'))
    assert shown == measured, 'run `python -m scripts.maintainers.readme`'


def test_pictures_come_from_the_evidence():
    table = readme.LADDER.search(PAGE).group().strip()
    for picture, shown in {'ladder': table, 'models': readme.models_table().to_csv(), 'course': readme.course_table().to_csv()}.items():
        with Image.open(NBS/'images'/f'{picture}.png') as image: assert image.text['Description'] == shown


def test_readme_commands_are_those_of_make_and_of_ci():
    both, plain = [[line.strip() for line in block.splitlines()] for block in re.findall(r'(?<=\n\n)(?:    .+\n)+', PAGE)]
    assert both == ['make course', (ROOT/'.ci'/'run').read_text().splitlines()[-1]] == ['make course', 'make test']
    jobs = yaml.safe_load((ROOT/'.github'/'workflows'/'test.yml').read_text())['jobs']
    runs = {name: [step['run'] for step in job['steps'] if 'run' in step] for name, job in jobs.items()}
    assert runs['make'] == ['bash .ci/run'] and runs['plain'] == [plain[2], plain[4]] and runs['newest'][-1] == plain[4]
    for command in plain[2:]:  # the first two make and enter a virtual environment
        assert f'\t$(VENV) {command.removeprefix("python ")}'.replace('"', "'") in (ROOT/'Makefile').read_text()


def test_readme_snippet_runs():
    "Five lines; they miss fewer 3s than the rung misses images on average"
    ran = python('-c', re.search(r'```python\n((?:.+\n){5})```', PAGE)[1])
    share = re.fullmatch(r'(\d+\.\d)% of the 3s recognized\n', ran.stdout)
    assert share, ran.stderr
    assert 1 - evidence.errors_of('02_linear_sgd').mean()/COUNTS['valid/3'] < float(share[1])/100 < 1


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_names_exists(page):
    "Links (test_pages.py has those of notebooks), folders, programs, tests and targets of make"
    text = page.read_text(encoding='utf-8')
    links = re.findall(r'\]\((?!https:)([^)#]+)', text) if page.suffix == '.md' else []
    folders, files = re.findall(r'^\| `([\w/]+/)` \|', text, re.M), re.findall(r'(?:scripts|tests)/[\w/]+\.py', text)
    files += [module.replace('.', '/') + '.py' for module in re.findall(r'-m (scripts[\w.]+)', text)]
    for file in [*(page.parent/link for link in links), *folders, *files]: assert (ROOT/file).exists(), file
    for target in re.findall(r'(?:`|    )make (\w+)', text): assert f'\n{target}:' in (ROOT/'Makefile').read_text(), target


def test_metadata_citation_and_constraints_fit_settings_ini(wheel):
    metadata = next(wheel.glob('*/METADATA')).read_text(encoding='utf-8')
    said = {'Name': SETTINGS['lib_name'], 'Version': mnist37.__version__, 'Summary': SETTINGS['description'], 'Author': SETTINGS['author'],
            'Keywords': SETTINGS['keywords'].replace(', ', ','), 'License(?:-Expression)?': SETTINGS['license'],
            'Requires-Python': f'>={SETTINGS["min_python"]}'}
    for field, value in said.items(): assert re.search(rf'^{field}: (.+)$', metadata, re.M)[1] == value
    extras = {'requirements': ''} | {f'{extra}_requirements': f'; extra == .{extra}.' for extra in ('dev', 'site', 'cluster')}
    for requirements, extra in extras.items():
        assert sorted(re.findall(rf'^Requires-Dist: ([^;\n]+?){extra}$', metadata, re.M)) == sorted(SETTINGS[requirements].split())
    cited = yaml.safe_load((ROOT/'CITATION.cff').read_text(encoding='utf-8'))
    assert (cited['version'], cited['license']) == (mnist37.__version__, SETTINGS['license'])
    assert cited['authors'] == [{'name': SETTINGS['author']}] and cited['keywords'] == SETTINGS['keywords'].split(', ')
    names = re.findall(r'^([\w.-]+)>=', ''.join(SETTINGS[requirements] for requirements in extras), re.M)
    assert len(names) > 10 and set(names) <= set(re.findall(r'^([\w.-]+)==', (ROOT/'constraints.txt').read_text().lower(), re.M))


def test_wheel_holds_the_modules_without_the_solutions(wheel):
    found = {file.relative_to(wheel).as_posix() for file in wheel.rglob('*') if file.is_file() and '.dist-info' not in str(file)}
    assert found == {f'mnist37/{file.name}' for pattern in ('*.py', '*.mplstyle', 'weights.pt') for file in (ROOT/'mnist37').glob(pattern)}


def test_installed_from_a_wheel_it_asks_fastai_for_the_images(wheel, tmp_path):
    "fastai is played by a stand-in, since there is no network in the tests"
    (tmp_path/'fastai'/'data').mkdir(parents=True)
    for folder in ('fastai', 'fastai/data'): (tmp_path/folder/'__init__.py').touch()
    (tmp_path/'fastai'/'data'/'external.py').write_text(
        f'from pathlib import Path\nclass URLs: MNIST_SAMPLE = "mnist_sample"\n'
        f'def fastai_path(folder): return Path({str(tmp_path)!r})/folder\n'
        f'def untar_data(url, data): return Path({str(mnist_path().parent)!r})/url')
    ran = python('-c', f'import sys; sys.path[:0] = [{str(wheel)!r}, {str(tmp_path)!r}]; import mnist37.data as d\n'
                 'print("fastai" in sys.modules, len(d.load_split("valid")[0]), d.__file__)')
    assert ran.stdout.split() == ['False', '1010', str(wheel/'mnist37'/'data.py')], ran.stderr


def test_importing_is_light_and_changes_nothing():
    "torch and PIL are enough for all but resnet18, and the random state stays as it was"
    ran = python('-c', 'import sys, torch\nstate = torch.get_rng_state()\n'
                 'from mnist37 import basic_optim, check, data, distributed, environment, handwriting, ladder, linear_limits, linear_sgd\n'
                 'from mnist37 import photos, pictures, pixel_similarity, simple_net, tiny_cnn\n'
                 'assert torch.equal(state, torch.get_rng_state())\n'
                 'print([m for m in ("fastai", "fastbook", "torchvision", "pandas", "matplotlib") if m in sys.modules])')
    assert ran.stdout == '[]\n', ran.stderr


@pytest.mark.parametrize('file', sorted((ROOT/'mnist37').rglob('[a-z]*.py')), ids=lambda file: f'{file.parent.name}.{file.stem}')
def test_public_names_are_documented(file):
    "One line that says what it does, and a comment for every parameter and return"
    module = import_module('.'.join(file.relative_to(ROOT).with_suffix('').parts))
    for thing in filter(lambda thing: isfunction(thing) or isclass(thing), map(vars(module).get, module.__all__)):
        members = [getattr(member, 'fget', member) for name, member in vars(thing).items() if not re.match('_[^_]', name)]
        for documented in [thing, *(member for member in members if isfunction(member) and member.__doc__)]:
            assert documented.__doc__ and '\n' not in documented.__doc__, documented
            if isclass(documented) and '__init__' not in vars(documented): continue  # made as its base class is
            comments = docments(documented, returns=signature(documented).return_annotation not in (None, signature(documented).empty))
            assert all(comment for name, comment in comments.items() if name != 'self'), f'{documented.__qualname__}: {comments}'


def test_no_pickle_is_opened():
    "Weights are loaded as weights; a pickle of a `Learner` could run any code"
    sources = [file.read_text(encoding='utf-8') for folder in ('mnist37', 'scripts') for file in (ROOT/folder).rglob('*.py')]
    sources += [cell.source for notebook in ALL for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == 'code']
    loads = [line for source in sources for line in source.splitlines() if 'torch.load(' in line]
    assert loads and all('weights_only=True' in line for line in loads)
    assert not re.search(r'\b(?:pickle|joblib|dill)\.loads?\(|import pickle|\bload_learner\(|\blearn\.(?:load|export)\(', ' '.join(sources))


def test_ruff_finds_nothing_and_the_tests_stay_small():
    ran = python('-m', 'ruff', 'check', '--no-cache', '--output-format', 'concise')
    assert ran.returncode == 0, ran.stdout
    lines = {file.name: len(file.read_text('utf-8').splitlines()) for file in (ROOT/'tests').glob('*.py')}
    photos = lines.pop('test_handwriting.py')  # lesson 07 came with a limit of its own, and so did what needs processes or a browser
    in_processes = sum(map(lines.pop, ('test_cluster.py', 'test_distributed.py', 'test_ten_digits.py')))
    in_browser = sum(map(lines.pop, ('browser.py', 'test_draw.py', 'test_play.py', 'test_site.py')))
    assert sum(lines.values()) < 2300 and photos < 220 and in_processes < 280 and in_browser < 600
