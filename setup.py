"Packaging: metadata comes from settings.ini, the version from mnist37/__init__.py"
from configparser import ConfigParser
from pathlib import Path
from runpy import run_path

from setuptools import setup

root = Path(__file__).parent
config = ConfigParser()
config.read(root/'settings.ini', encoding='utf-8')
meta = config['DEFAULT']

setup(
    name=meta['lib_name'],
    version=run_path(str(root/meta['lib_name']/'__init__.py'))['__version__'],
    description=meta['description'],
    long_description=(root/'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author=meta['author'],
    keywords=meta['keywords'],
    license=meta['license'],
    python_requires='>=' + meta['min_python'],
    install_requires=meta['requirements'].split(),
    extras_require={extra: meta[f'{extra}_requirements'].split() for extra in ('dev', 'site', 'cluster')},
    packages=[meta['lib_name']],  # not its solutions: a clone has them, a wheel needs none
    package_data={meta['lib_name']: ['*.mplstyle', 'weights.pt']},  # the look of the pictures, and the trained models
)
