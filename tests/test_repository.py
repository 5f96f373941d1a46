"What README promises holds, and the package is what settings.ini says"
import re
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from importlib import import_module
from inspect import getmembers, isclass, isfunction, signature

import nbformat
import pytest
import yaml
from PIL import Image
from fastcore.docments import docments

import course
import mnist37
import readme
from mnist37 import basic_optim, check, data, environment, ladder, linear_sgd, pixel_similarity, resnet18, simple_net, tiny_cnn
from mnist37.ladder import load_rungs

MODULES = data, ladder, environment, check, pixel_similarity, linear_sgd, basic_optim, simple_net, resnet18, tiny_cnn
SOLUTIONS = [import_module(f'mnist37.solutions.{notebook.stem[3:]}') for notebook in course.SOLUTIONS]
PUBLIC = [getattr(module, name) for module in [*MODULES, *SOLUTIONS] for name in module.__all__]


@pytest.fixture(scope='module')
def page(root): return (root/'README.md').read_text(encoding='utf-8')


@pytest.fixture(scope='module')
def wheel(root, tmp_path_factory):
    "A wheel built from a copy of the repository"
    folder = tmp_path_factory.mktemp('wheel')
    ignored = shutil.ignore_patterns('.git', '.venv', 'build', '*.egg-info', 'mnist_sample*', '__pycache__')
    shutil.copytree(root, folder/'copy', ignore=ignored)
    subprocess.run([sys.executable, '-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '--wheel-dir', folder, folder/'copy'],
                   check=True, capture_output=True)
    return next(folder.glob('*.whl'))


def python(code, **options): return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, **options)


def blocks(page): return [re.sub(r'^    ', '', block, flags=re.M).splitlines() for block in re.findall(r'(?<=\n\n)(?:    .+\n)+', page)]


# README

def test_readme_ladder_comes_from_the_evidence(page, build):
    assert readme.LADDER.search(page).group().strip() == readme.ladder(load_rungs(build[0]/'records')), 'run `python scripts/readme.py`'


def test_picture_of_the_ladder_comes_from_the_evidence(page):
    with Image.open(course.NBS/'images'/'ladder.png') as picture: assert picture.text['Description'] == readme.LADDER.search(page).group().strip()


def test_picture_of_the_course_comes_from_the_evidence():
    with Image.open(course.NBS/'images'/'course.png') as picture: assert picture.text['Description'] == readme.course_table().to_csv()


def test_readme_commands_are_those_that_ci_runs(page, root):
    commands = blocks(page)
    assert commands[0] == ['make course', 'make test']
    assert (root/'.ci'/'run').read_text().splitlines()[-2:] == commands[0]
    jobs = yaml.safe_load((root/'.github'/'workflows'/'test.yml').read_text())['jobs']
    runs = {name: [step['run'] for step in job['steps'] if 'run' in step] for name, job in jobs.items()}
    assert runs['make'] == ['bash .ci/run']
    assert runs['plain'] == commands[1][2:]  # the first two lines make and enter a virtual environment


def test_readme_plain_commands_are_those_of_make(page, root):
    makefile = (root/'Makefile').read_text()
    for command in blocks(page)[1][2:]:
        assert command.removeprefix('python').replace('"', "'") in makefile, f'the Makefile does not run {command}'


def test_readme_snippet_runs(page):
    snippet = re.search(r'```python\n(.*?)```', page, re.S).group(1)
    ran = python(snippet)
    assert ran.returncode == 0, ran.stderr
    assert re.fullmatch(r'0\.9168 of the 3s recognised\n', ran.stdout)


def test_readme_links_and_folders_exist(page, root):
    targets = [target for target in re.findall(r'\]\(([^)#]+)\)', page) if not target.startswith('http')]
    targets += re.findall(r'^\| `(\w+/)` \|', page, re.M)
    assert len(targets) > 5
    for target in targets: assert (root/target).exists(), f'README points to {target}, which does not exist'


def test_no_pickle_is_opened(root):
    "Weights are loaded as weights; a pickle of a `Learner` could run any code"
    sources = [file.read_text(encoding='utf-8') for folder in ('mnist37', 'scripts') for file in (root/folder).rglob('*.py')]
    sources += [cell.source for notebook in course.ALL for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == 'code']
    loads = [line for source in sources for line in source.splitlines() if re.search(r'\btorch\.load\(', line)]
    assert len(loads) == 3 and all('weights_only=True' in line for line in loads)
    assert not re.search(r'\b(?:pickle|joblib|dill)\.loads?\(|import pickle|\bload_learner\(|\blearn\.(?:load|export)\(', '\n'.join(sources))


# the package

def test_metadata_comes_from_settings_ini(wheel, root):
    config = ConfigParser()
    config.read(root/'settings.ini', encoding='utf-8')
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(next(name for name in archive.namelist() if name.endswith('/METADATA'))).decode()
    settings = config['DEFAULT']
    fields = {'Name': settings['lib_name'], 'Version': mnist37.__version__, 'Summary': settings['description'],
              'License': settings['license'], 'Requires-Python': '>=' + settings['min_python']}
    for field, value in fields.items(): assert f'\n{field}: {value}\n' in metadata
    required = re.findall(r'^Requires-Dist: ([^;\n]+?)(; extra == .dev.)?$', metadata, re.M)
    assert sorted(name for name, dev in required if not dev) == sorted(settings['requirements'].split())
    assert sorted(name for name, dev in required if dev) == sorted(settings['dev_requirements'].split())


def test_constraints_name_every_requirement(root):
    config = ConfigParser()
    config.read(root/'settings.ini', encoding='utf-8')
    names = re.findall(r'^([\w.-]+)>=', config['DEFAULT']['requirements'] + config['DEFAULT']['dev_requirements'], re.M)
    pinned = re.findall(r'^([\w.-]+)==', (root/'constraints.txt').read_text().lower(), re.M)
    assert len(names) > 10 and set(names) <= set(pinned)


def test_wheel_holds_the_package_and_nothing_else(wheel, root):
    with zipfile.ZipFile(wheel) as archive: names = [name for name in archive.namelist() if '.dist-info/' not in name]
    assert sorted(names) == sorted(file.relative_to(root).as_posix() for file in (root/'mnist37').rglob('*.py'))


def test_installed_from_a_wheel_it_asks_fastai_for_the_images(wheel, tmp_path):
    "fastai is played by a stand-in, since there is no network in the tests"
    zipfile.ZipFile(wheel).extractall(tmp_path)
    (tmp_path/'fastai'/'data').mkdir(parents=True)
    for package in (tmp_path/'fastai', tmp_path/'fastai'/'data'): (package/'__init__.py').touch()
    (tmp_path/'fastai'/'data'/'external.py').write_text(
        f'from pathlib import Path\nclass URLs: MNIST_SAMPLE = "mnist_sample"\n'
        f'def fastai_path(folder): return Path({str(tmp_path)!r})/folder\n'
        f'def untar_data(url, data): return Path({str(data.mnist_path().parent)!r})/url')
    ran = python('import sys; sys.path.insert(0, "."); import mnist37.data as d\n'
                 'print(d.__file__, "fastai" in sys.modules, len(d.load_split("valid")[0]), "fastai" in sys.modules)', cwd=tmp_path)
    assert ran.stdout.split()[1:] == ['False', '1010', 'True'], ran.stderr
    assert ran.stdout.startswith(str(tmp_path))


def test_importing_is_light_and_changes_nothing():
    "torch and PIL are enough for all but resnet18 and tiny_cnn, and the random state stays as it was"
    ran = python('import sys, torch\nstate = torch.get_rng_state()\n'
                 'from mnist37 import basic_optim, check, data, environment, ladder, linear_sgd, pixel_similarity, simple_net\n'
                 'assert torch.equal(state, torch.get_rng_state())\n'
                 'print([m for m in ("fastai", "fastbook", "torchvision", "pandas", "matplotlib") if m in sys.modules])')
    assert ran.stdout == '[]\n', ran.stderr


@pytest.mark.parametrize('thing', [thing for thing in PUBLIC if isfunction(thing) or isclass(thing)], ids=lambda thing: thing.__qualname__)
def test_public_names_are_documented(thing):
    "One line that says what it does, and a comment for every parameter and return"
    methods = [member for name, member in vars(thing).items() if isfunction(member) and member.__doc__
               and not re.match('_[^_]', name)] if isclass(thing) else []
    properties = [member.fget for _, member in getmembers(thing, lambda m: isinstance(m, property))]
    for documented in [thing, *methods, *properties]:
        assert documented.__doc__ and '\n' not in documented.__doc__
        if isclass(documented) and '__init__' not in vars(documented): continue  # made as its base class is
        comments = docments(documented, returns=signature(documented).return_annotation not in (None, signature(documented).empty))
        comments.pop('self', None)
        assert all(comments.values()), f'{documented.__qualname__}: no comment on {[k for k, v in comments.items() if not v]}'
