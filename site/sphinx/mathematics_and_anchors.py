"Mathematics as MathML, which browsers draw by themselves, and anchors spelled as in Jupyter and as on GitHub"
from docutils import nodes
from latex2mathml.converter import convert
from myst_parser.slugs import github_slugify


def jupyter_anchor(title): return title.replace(' ', '-')


def visit_math(self, node):
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def visit_math_block(self, node):
    self.body.append(f'<div class="math" tabindex="0">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def add_anchors(app, doctree):
    "MyST has given each section two ids, its own and Jupyter's, and GitHub's is another one if there are commas or numbers in it"
    for section in doctree.findall(nodes.section):
        anchor = github_slugify(section[0].astext())
        if anchor not in doctree.ids:
            doctree.ids[anchor] = section
            section['ids'].append(anchor)


def setup(app):
    app.add_html_math_renderer('mathml', (visit_math, None), (visit_math_block, None))
    app.config.html_math_renderer = 'mathml'
    app.connect('doctree-read', add_anchors)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
