"The reference of the package, as pages of Markdown made from signatures, docstrings and the comments beside parameters"
import ast
import re
import tokenize

from scripts.readers.course import ALL, ROOT

CELL = re.compile(r'^# %% \.\./(nbs/\S+)\.ipynb #(\S+)', re.M)


class Module:
    "A module's source, its comments by line, and what it makes public"
    def __init__(self, path):
        text = path.read_text(encoding='utf-8')
        self.name, self.lines, self.tree = path.stem, text.splitlines(), ast.parse(text)
        with path.open('rb') as file:
            self.comments = {t.start[0]: t.string.lstrip('# ') for t in tokenize.tokenize(file.readline) if t.type == tokenize.COMMENT}
        self.nodes = {name: node for node in self.tree.body for name in names(node)}
        self.notebook = CELL.search(text)[1] if CELL.search(text) else None
        self.public = [item.value for item in self.nodes['__all__'].value.elts] if '__all__' in self.nodes else []

    def cell(self, node):
        "The notebook that made a part of the module, without its suffix, and the id of the cell"
        return CELL.findall('\n'.join(self.lines[:node.lineno]))[-1]


def names(node):
    "What a statement defines"
    if isinstance(node, ast.FunctionDef | ast.ClassDef): return [node.name]
    return [name.id for target in getattr(node, 'targets', []) for name in ast.walk(target) if isinstance(name, ast.Name)]


def parameters(module, node):
    "Name, type, default and comment of each parameter of a function"
    args = node.args
    plain = args.posonlyargs + args.args
    defaults = [None]*(len(plain) - len(args.defaults)) + args.defaults
    rows = [*zip(plain, defaults), *([(args.vararg, None)] if args.vararg else []), *zip(args.kwonlyargs, args.kw_defaults),
            *([(args.kwarg, None)] if args.kwarg else [])]
    stars = {args.vararg: '*', args.kwarg: '**'}
    comments = module.comments if not node.returns else {n: text for n, text in module.comments.items() if n < node.returns.lineno}
    return [(stars.get(arg, '') + arg.arg, source(arg.annotation), source(default), comments.get((default or arg).end_lineno, ''))
            for arg, default in rows if arg.arg != 'self']


def fields(module, node):
    "The same for the fields of a dataclass"
    return [(field.target.id, source(field.annotation), source(field.value), module.comments.get(field.lineno, ''))
            for field in node.body if isinstance(field, ast.AnnAssign)]


def source(node): return ast.unparse(node) if node else ''


def code(text): return f'`{text}`'.replace('|', r'\|') if text else ''


def table(rows, links):
    if not rows: return ''
    lines = [f'| {code(name)} | {code(kind)} | {code(default)} | {links(comment)} |' for name, kind, default, comment in rows]
    return '\n'.join(['| parameter | type | default | what it is |', '|---|---|---|---|', *lines, '', ''])


def signature(name, rows, returns):
    "On one line, or with a line for each parameter if that's too long"
    params = [param + (f': {kind}' if kind else '') + (f' = {default}' if default else '') for param, kind, default, _ in rows]
    line = f'{name}({", ".join(params)})'
    if len(line) > 80: line = f'{name}(\n    ' + ',\n    '.join(params) + ',\n)'
    return line + (f' -> {returns}' if returns else '')


def entry(module, name, node, links, level='##'):
    "Heading, signature, docstring and tables of a function, a class or a constant"
    head = f'{level} `{name}`\n\n<p class="source"><a href="../%s.html#cell-%s">source</a></p>\n\n' % module.cell(node)
    if isinstance(node, ast.Assign):
        comment = module.comments.get(node.lineno, '')
        return f'{head}```python\n{name} = {source(node.value)}\n```\n\n{links(comment)}\n\n'
    methods = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
    made_by = methods.get('__init__') if isinstance(node, ast.ClassDef) else node
    rows = parameters(module, made_by) if made_by else fields(module, node)
    returns = source(getattr(node, 'returns', None))
    is_property = any(source(decorator) == 'property' for decorator in node.decorator_list)
    shown = f'{name} -> {returns}' if is_property else signature(name, rows, returns)
    text = f'{head}```python\n{shown}\n```\n\n{links(ast.get_docstring(node))}.\n\n{table(rows, links)}'
    if returns: text += f'**Returns** {code(returns)}: {links(module.comments.get(node.returns.end_lineno, ""))}\n\n'
    if isinstance(node, ast.FunctionDef): return text
    public = [part for part in methods.values() if not part.name.startswith('_') or part.name == '__call__']
    return text + ''.join(entry(module, f'{name}.{part.name}', part, links, '###') for part in public)


def pages():
    "Text of every page of the reference by its name"
    modules = [module for module in map(Module, (ROOT/'mnist37').glob('[a-z]*.py')) if module.public]
    modules.sort(key=lambda module: ALL.index(ROOT/f'{module.notebook}.ipynb'))
    where = {name: module.name for module in modules for name in module.public}

    def links(text):
        "Markdown in which names in backticks lead to their entries, and nothing else means more than it says"
        parts = re.split('(`[^`]+`)', text.replace('|', r'\|'))
        parts[::2] = [re.sub(r'[*_<\[]', r'\\\g<0>', part) for part in parts[::2]]
        parts[1::2] = [f'[{part}]({where[part[1:-1]]}.md#{part[1:-1]})' if part[1:-1] in where else part for part in parts[1::2]]
        return ''.join(parts)

    found = {}
    for module in modules:
        made_in = module.notebook.removeprefix('nbs/')
        about = f'{ast.get_docstring(module.tree)} Made in [{made_in}](../{module.notebook}.ipynb).'
        entries = ''.join(entry(module, name, module.nodes[name], links) for name in module.public)
        found[module.name] = f'# mnist37.{module.name}\n\n{about}\n\n{entries}'
    rows = '\n'.join(f'| [mnist37.{m.name}]({m.name}.md) | ' + ', '.join(links(f'`{name}`') for name in m.public) + ' |' for m in modules)
    found['index'] = ('# The package mnist37\n\nEverything the notebooks build, module by module.\n\n| module | what it has |\n|---|---|\n'
                      f'{rows}\n\n```{{toctree}}\n:hidden:\n\n' + '\n'.join(module.name for module in modules) + '\n```\n')
    return found
