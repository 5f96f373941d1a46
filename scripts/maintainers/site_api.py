"The reference of the package, as pages of Markdown made from docstrings and docments"
import re
import warnings
from importlib import import_module
from inspect import isclass, isfunction, signature

from nbdev.showdoc import DocmentTbl

from scripts.readers.course import ALL, ROOT

CELL = re.compile(r'^# %% \.\./(nbs/\S+)\.ipynb #(\S+)', re.M)


class Module:
    "A module with its source, and the notebook that made it, without its suffix"
    def __init__(self, path):
        self.name, self.source = path.stem, path.read_text(encoding='utf-8')
        self.module = import_module(f'mnist37.{self.name}')
        self.public = {name: getattr(self.module, name) for name in getattr(self.module, '__all__', [])}
        self.notebook = CELL.search(self.source)[1] if self.public else None

    def definition(self, name):
        "The line that defines `name`, and the id of the cell that holds it"
        line = re.search(rf'^(?:def |class )?{name}\b.*', self.source, re.M)
        return line[0], CELL.findall(self.source[:line.start()])[-1][1]


def table(thing):
    "nbdev's table of parameters and of what's returned; without parameters, nbdev leaves it empty"
    documented = DocmentTbl(thing)
    if documented.params or not isfunction(thing): return documented._repr_markdown_()
    returned = documented.dm['return']
    kind = getattr(returned['anno'], '__name__', returned['anno'])
    return f'**Returns** `{kind}`: {returned["docment"]}' if isinstance(returned['docment'], str) else ''


def described(name, thing, level, source=''):
    "Heading, call, docstring and table of a function, a class or a property"
    is_property, thing = isinstance(thing, property), getattr(thing, 'fget', thing)
    call = name if is_property else f'{name}({", ".join(p for p in signature(thing).parameters if p != "self")})'
    return f'{level} `{name}`\n\n{source}```python\n{call}\n```\n\n{thing.__doc__}.\n\n{table(thing)}\n\n'


def entry(module, name, thing):
    "All about a public name, with a link to its cell"
    line, cell = module.definition(name)
    source = f'<p class="source"><a href="../{module.notebook}.html#cell-{cell}">source</a></p>\n\n'
    if not isfunction(thing) and not isclass(thing): return f'## `{name}`\n\n{source}```python\n{line}\n```\n\n'
    text = described(name, thing, '##', source)
    if isfunction(thing): return text
    public = [(part, member) for part, member in vars(thing).items() if part == '__call__' or not part.startswith('_')]
    methods = [(part, member) for part, member in public if isfunction(getattr(member, 'fget', member))]
    return text + ''.join(described(f'{name}.{part}', member, '###') for part, member in methods)


def pages():
    "Text of every page of the reference by its name"
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # fastai's, at import
        modules = [module for module in map(Module, (ROOT/'mnist37').glob('[a-z]*.py')) if module.public]
    modules.sort(key=lambda module: ALL.index(ROOT/f'{module.notebook}.ipynb'))
    where = {name: module.name for module in modules for name in module.public}

    def linked(text):
        "`text` with links to the entries of what's public and stands in backticks"
        return re.sub(r'(?<!# )(?<=[ \n(])`(\w+)`', lambda m: f'[{m[0]}]({where[m[1]]}.md#{m[1]})' if m[1] in where else m[0], text)

    found = {}
    for module in modules:
        about = f'{module.module.__doc__} Made in [{module.notebook.removeprefix("nbs/")}](../{module.notebook}.ipynb).'
        entries = ''.join(entry(module, name, thing) for name, thing in module.public.items())
        found[module.name] = f'# mnist37.{module.name}\n\n{about}\n\n{linked(entries)}'
    rows = '\n'.join(f'| [mnist37.{m.name}]({m.name}.md) |' + ','.join(linked(f' `{name}`') for name in m.public) + ' |' for m in modules)
    found['index'] = ('# The package mnist37\n\nEverything the notebooks build, module by module.\n\n| module | what it has |\n|---|---|\n'
                      f'{rows}\n\n```{{toctree}}\n:hidden:\n\n' + '\n'.join(module.name for module in modules) + '\n```\n')
    return found
