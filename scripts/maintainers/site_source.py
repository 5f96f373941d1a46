"""Write what Sphinx makes the site from to build/source: the notebooks, the pages they link to, and the reference of the package.

    python -m scripts.maintainers.site_source

Nothing is run. The notebooks keep their outputs, and get what a page needs: anchors, links to the glossary, and the pages to play with.
"""
import re
import shutil

import nbformat

from scripts.maintainers import site_api
from scripts.maintainers.navigation import GROUPS, path_between, title
from scripts.readers.course import ALL, INDEX, NBS, ROOT

SOURCE = ROOT/'build'/'source'
CAPTIONS = 'The course', 'Bonus', 'Solutions', 'For teachers', 'For the curious'  # of the groups of notebooks
PAGES = {'About this repository': ROOT/'README.md', 'How to change something': ROOT/'CONTRIBUTING.md',
         'The images': ROOT/'data'/'README.md', 'What we measured': ROOT/'evidence'/'README.md'}
PLAYGROUND = r'\(((?:\.\./)*)site/(\w+\.html)\)'  # where a link to a page to play with leads: up to the root, and the page
ROW = re.compile(r'^\| (?P<term>.+?) \| .+ \| \[.+?\]\((?P<file>[\w/]+\.ipynb)#(?P<anchor>.+)\) \|$', re.M)  # of the glossary
OTHER_FORMS = {'axis': 'axes', 'SGD': 'stochastic gradient descent'}  # of terms, but for the plural in -s


def term_id(term): return 'term-' + term.lower().replace(' ', '-')


def glossary():
    "For each notebook and anchor, the terms that are introduced there"
    found = {}
    source = next(cell.source for cell in nbformat.read(INDEX, as_version=4).cells if cell.id == 'glossary')
    for row in ROW.finditer(source): found.setdefault((NBS/row['file'], row['anchor']), []).append(row['term'])
    return found


def playgrounds(text):
    "A picture that links to a page to play with becomes that page, and other links lead to its copy on the site"
    frame = (r'<iframe src="\2\3" title="\1" loading="lazy"></iframe>' '\n\n'
             r'<p class="own-page"><a href="\2\3">Open it on its own page</a></p>')
    text = re.sub(r'\[!\[([^\]]+)\]\([^)]+\)\]' + PLAYGROUND, frame, text)
    return re.sub(r'\[([^\]]+)\]' + PLAYGROUND, r'<a href="\2\3">\1</a>', text)


def link_terms(text, terms, index):
    "Link the first mention of each term in bold or italics to its row in the glossary"
    for term in terms:
        forms = '|'.join(map(re.escape, (term, OTHER_FORMS.get(term, term))))
        mention = re.compile(rf'(?<!\*)(\*\*?)(?:{forms})\w{{0,3}}\1', re.I)
        text = mention.sub(rf'<a class="term" href="{index}#{term_id(term)}">\g<0></a>', text, count=1)
    return text


def code_cell(cell):
    "Without nbdev's directives, and folded if it only draws or imports"
    cell.source = re.sub(r'^#\|.*\n?', '', cell.source, flags=re.M).strip('\n')
    if cell.metadata.get('jupyter', {}).get('source_hidden'): cell.metadata.tags = ['hide-input']
    return cell


def for_site(notebook, terms):
    "`notebook` as the site shows it, with an anchor before every cell but the first"
    nb, anchor, cells = nbformat.read(notebook, as_version=4), None, []
    index = path_between(notebook, INDEX.with_suffix('.html'))
    for cell in nb.cells:
        if cell.id == 'links-foot': continue  # the site has its own
        mark = f'<span id="cell-{cell.id}"></span>\n\n' if cells else ''
        if cell.cell_type == 'code':
            cells += [nbformat.v4.new_markdown_cell(mark), code_cell(cell)]
            continue
        if heading := re.match('#+ (.+)', cell.source): anchor = heading[1].replace(' ', '-')
        if cell.id == 'glossary': cell.source = ROW.sub(lambda m: f'| <span id="{term_id(m["term"])}"></span>{m[0][2:]}', cell.source)
        cell.source = mark + playgrounds(link_terms(cell.source, terms.get((notebook, anchor), []), index))
        cells.append(cell)
    nb.cells = cells
    return nb


def contents():
    "All pages in reading order, as Sphinx wants them: a list with a caption for each group"
    groups = [*((caption, [(title(page), page) for page in group]) for caption, group in zip(CAPTIONS, GROUPS, strict=True)),
              ('Reference', [('The package mnist37', ROOT/'api'/'index.md')]), ('The repository', [*PAGES.items()])]
    blocks = []
    for caption, group in groups:
        lines = [f'{name} <{page.relative_to(ROOT).with_suffix("").as_posix()}>' for name, page in group]
        blocks.append('\n'.join(['```{toctree}', ':hidden:', f':caption: {caption}', '', *lines, '```']))
    return '\n\n'.join(blocks)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding='utf-8')


def main():
    shutil.rmtree(SOURCE, ignore_errors=True)
    terms = glossary()
    for notebook in ALL: write(SOURCE/notebook.relative_to(ROOT), nbformat.writes(for_site(notebook, terms)))
    for page in PAGES.values():
        text = page.read_text(encoding='utf-8').replace('(nbs/solutions)', '(nbs/solutions/01_pixel_similarity.ipynb)')  # no folders here
        write(SOURCE/page.relative_to(ROOT), playgrounds(text))
    front = (ROOT/'site'/'sphinx'/'index.md').read_text(encoding='utf-8')
    write(SOURCE/'index.md', playgrounds(front) + '\n' + contents() + '\n')
    for name, text in site_api.pages().items(): write(SOURCE/'api'/f'{name}.md', text)
    shutil.copytree(NBS/'images', SOURCE/'nbs'/'images')
    for name in ('LICENSE', 'CITATION.cff'): shutil.copy(ROOT/name, SOURCE)


if __name__ == '__main__': main()
