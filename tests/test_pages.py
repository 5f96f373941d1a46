"Every link leads somewhere, every answer names the section that shows it, and the first page leads to all the rest"
import re
from functools import cache

import nbformat
import pytest

from scripts.maintainers import navigation, readme
from scripts.readers.course import ALL, INDEX, LESSONS, NBS, ROOT, SOLUTIONS

LINK = re.compile(r'(!?)\[([^\]]*)\]\((?!https:)([^()#\s]*)(?:#((?:[^()\s]|\([^()\s]*\))+))?\)')  # an anchor may contain parentheses
BOLD = re.compile(r'(?<!\*)\*\*([^*]+?)\*\*(?!\*)')
every_page = pytest.mark.parametrize('notebook', ALL, ids=lambda notebook: notebook.relative_to(NBS).as_posix())
every_lesson = pytest.mark.parametrize('notebook', LESSONS, ids=lambda notebook: notebook.stem)


@cache
def cells(notebook): return {cell.id: cell for cell in nbformat.read(notebook, as_version=4).cells}


def prose(notebook): return '\n'.join(cell.source for cell in cells(notebook).values() if cell.cell_type == 'markdown')


@cache
def sections(notebook):
    "Text of every section by its anchor, which is what Jupyter makes of the heading"
    found = re.findall(r'^#+ (.+)\n?((?:(?!#+ ).*\n?)*)', prose(notebook), re.M)
    assert len(dict(found)) == len(found), f'{notebook.name} has a heading twice'
    return {line.replace(' ', '-'): f'{line}\n{text}' for line, text in found}


def links(notebook, text):
    "Whether it is a picture, file and anchor of all links in `text`, but those to other sites"
    return [(image, (notebook.parent/path).resolve() if path else notebook, anchor) for image, _, path, anchor in LINK.findall(text)]


def linked(notebook, text): return {file for _, file, _ in links(notebook, text)}


@every_page
def test_links_lead_somewhere(notebook):
    "To a file, to a heading in it; and pictures, which have a text in their place, to the folder that Jupyter opens"
    assert not re.search(r'!\[\s*\]', prose(notebook))
    for image, file, anchor in links(notebook, prose(notebook)):
        assert file.is_file() and (not image or file.is_relative_to(NBS)), f'{file} does not exist, or is not in nbs'
        assert not anchor or anchor in sections(file), f'{file.name}#{anchor}: there is no such heading'


@every_page
def test_common_cells_are_up_to_date(notebook):
    "Links at head and foot and the first cell of code are as navigation.py writes them"
    before, after = nbformat.read(notebook, as_version=4), navigation.furnished(notebook)
    assert after == before, 'run `python -m scripts.maintainers.navigation`'
    assert after.cells[1].source == after.cells[-1].source == navigation.links(notebook)
    assert [cell.id for cell in after.cells if cell.cell_type == 'code'][:1] in ([], ['environment-check'])


def test_one_can_walk_forth_and_back_and_home():
    "Every notebook has links to its neighbours and home, a lesson to its solutions and back, and the first page to all"
    pairs = [*zip(LESSONS, SOLUTIONS, strict=True), *(pair for group in navigation.GROUPS for pair in zip(group, group[1:]))]
    for here, there in [*pairs, *((notebook, INDEX) for notebook in ALL if notebook != INDEX)]:
        assert there in linked(here, navigation.links(here)), f'{here.name} has no link to {there.name}'
        assert here in linked(there, navigation.links(there)) or there == INDEX, f'{there.name} has no link to {here.name}'
    found = {file for file in NBS.rglob('*.ipynb') if '.ipynb_checkpoints' not in file.parts}
    assert found == {notebook for group in navigation.GROUPS for notebook in group} == set(ALL)
    assert {*ALL, ROOT/'README.md', ROOT/'data'/'README.md'} - {INDEX} <= linked(INDEX, prose(INDEX))


@every_lesson
def test_a_lesson_ends_as_it_begins(notebook):
    "What it promises is what it has taught, and exercises and questions come last"
    by_id = cells(notebook)
    counts = [len(re.findall(r'^\d+\. ', by_id[id].source.split(f'**{title}**')[1], re.M))
              for id, title in (('ladder-opening', 'You will learn'), ('learned', 'You have learned'))]
    assert counts[0] == counts[1] and 3 <= counts[0] <= 6
    end = 'learned', 'your-turn-heading', 'questionnaire-heading', 'links-foot'
    assert tuple(id for id in by_id if id in end) == end


@every_lesson
def test_questionnaire(notebook):
    "Eight to twelve questions, each with a folded answer that names a section of this notebook above it"
    source, anchors = cells(notebook)['questionnaire'].source, list(sections(notebook))
    folds = re.findall(r'<details><summary>(\d+)\. .+?\?</summary>\n\n.+?See \[([^\]]+)\]\(#(\S+)\)\.\n\n</details>', source, re.S)
    assert source.count('<details>') == len(folds) and [int(number) for number, *_ in folds] == [*range(1, len(folds) + 1)]
    assert 8 <= len(folds) <= 12
    for _, section, anchor in folds:
        assert section.replace(' ', '-') == anchor and anchors.index(anchor) < anchors.index('Your-turn'), section


def test_glossary_is_sorted_complete_and_leads_to_where_a_term_is_introduced():
    rows = re.findall(r'^\| (.+?) \| .+? \| \[(\d\d|bonus), (.+?)\]\(([\w/]+\.ipynb)#(.+)\) \|$', cells(INDEX)['glossary'].source, re.M)
    terms = [row[0] for row in rows]
    assert terms == sorted(terms, key=str.lower) and len(terms) > 50
    for term, number, section, name, anchor in rows:
        assert name.startswith(number) and section.replace(' ', '-') == anchor, term
        assert re.search(f'{term[:-1]}|{term.replace(" ", "_")}', sections(NBS/name)[anchor], re.I), f'{term} is not in {name}#{anchor}'
    no_terms = {'Where we stand.', 'You will learn', 'You have learned', 'Next:', 'right', 'against', 'your own'}
    bold = {term for lesson in LESSONS for term in BOLD.findall(prose(lesson)) if not term.startswith(('Step ', 'Before '))} - no_terms
    plurals = {'axes': 'axis', 'diverges': 'diverge', 'mini-batches': 'mini-batch', 'stochastic gradient descent': 'sgd'}
    known = {term.lower() for term in terms}
    missing = {term for term in bold if not {term.lower(), term.lower().removesuffix('s'), plurals.get(term.lower())} & known}
    assert len(bold) > 60 and not missing, 'terms that lessons introduce in bold belong in the glossary'


def test_map_has_every_lesson_and_its_time_to_read():
    "A minute for 100 words and for a cell of code that isn't folded away, without exercises and questions, to the next five"
    source = cells(INDEX)['map'].source
    rows = re.findall(r'^\| \[(\w+)\]\((\w+)\.ipynb\) \| .+? \| (.+?) \| (\d+) min \| \d+ min \| \d+ s \|$', source, re.M)
    assert [row[:2] for row in rows] == [(lesson.stem, lesson.stem) for lesson in LESSONS]
    for lesson, (*_, modules, read) in zip(LESSONS, rows):
        text = list(cells(lesson).values())[:list(cells(lesson)).index('your-turn-heading')]
        minutes = sum(len(c.source.split())/100 if c.cell_type == 'markdown' else 'jupyter' not in c.metadata for c in text)
        assert abs(int(read) - minutes) <= 5, f'{lesson.stem}: {minutes:.0f} minutes'
        for module in re.findall(r'`mnist37\.(\w+)`', modules): assert (ROOT/'mnist37'/f'{module}.py').exists()
    assert readme.MAP.search((ROOT/'README.md').read_text(encoding='utf-8')).group().strip() == readme.map_table()
