"Every link leads somewhere, every answer names the section that shows it, and the first page leads to all the rest"
import re
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from nbconvert.filters import add_anchor

import course
import navigation
import readme

LINK = re.compile(r'(!?)\[[^\]]*\]\(((?:[^()\s]|\([^()\s]*\))+)\)')  # its target may contain parentheses
BOLD = re.compile(r'(?<!\*)\*\*([^*]+?)\*\*(?!\*)')
every_page = pytest.mark.parametrize('notebook', course.ALL, ids=lambda notebook: notebook.relative_to(course.NBS).as_posix())
every_lesson = pytest.mark.parametrize('notebook', course.LESSONS, ids=lambda notebook: notebook.stem)


def cells(notebook): return {cell.id: cell for cell in nbformat.read(notebook, as_version=4).cells}


def prose(notebook): return [cell.source for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == 'markdown']


def sections(notebook):
    "Text of every section by its anchor, which is what Jupyter makes of the heading"
    found, anchor = {}, None
    for line in '\n'.join(prose(notebook)).splitlines():
        if re.match('#+ ', line):
            anchor = line.lstrip('#').strip().replace(' ', '-')
            assert anchor not in found, f'{notebook.name} has two headings {line}'
            found[anchor] = ''
        if anchor: found[anchor] += line + '\n'
    return found


def targets(text): return [target for _, target in LINK.findall(text)]


def links(notebook): return [target for text in prose(notebook) for target in targets(text)]


def resolve(notebook, target):
    "File and anchor that a link in `notebook` leads to"
    path, _, anchor = target.partition('#')
    return (notebook.parent/path).resolve() if path else notebook, anchor


# links

def test_anchors_are_those_of_jupyter():
    "nbconvert gives a heading the anchor that JupyterLab gives it, percent-encoded as a browser encodes the link"
    for heading in ('The images', 'nn.Linear', 'Without unsqueeze(1)', 'Is it a 3?', 'From 28×28 to one answer', "On somebody else's computer"):
        assert f'id="{quote(heading.replace(" ", "-"), safe="?()")}"' in add_anchor(f'<h2>{heading}</h2>').replace("'", '%27')


@every_page
def test_links_lead_somewhere(notebook):
    for target in links(notebook):
        if target.startswith('https:'): continue
        file, anchor = resolve(notebook, target)
        assert file.is_file(), f'{target}: there is no such file'
        if anchor: assert anchor in sections(file), f'{target}: there is no such heading'


@every_page
def test_common_cells_are_up_to_date(notebook):
    "Links at head and foot and the first cell of code are as navigation.py writes them"
    before = nbformat.read(notebook, as_version=4)
    after = navigation.furnished(notebook)
    assert after == before, 'run `python scripts/navigation.py`'
    assert after.cells[1].source == after.cells[-1].source == navigation.links(notebook)
    code = [cell for cell in after.cells if cell.cell_type == 'code']
    assert not code or code[0].id == 'environment-check'
    assert not code or [cell.id for cell in code].count('environment-check') == 1


@pytest.mark.parametrize('group', navigation.GROUPS, ids=lambda group: group[0].name)
def test_one_can_walk_forth_and_back_and_home(group):
    for notebook, following in zip(group, group[1:]):
        assert following in [resolve(notebook, target)[0] for target in targets(navigation.links(notebook))]
        assert notebook in [resolve(following, target)[0] for target in targets(navigation.links(following))]
    for notebook in group:
        if notebook != course.INDEX: assert '[Home]' in navigation.links(notebook)


def test_lessons_and_solutions_lead_to_each_other():
    for lesson, solution in zip(course.LESSONS, course.SOLUTIONS, strict=True):
        assert f'[Solutions](solutions/{solution.name})' in navigation.links(lesson)
        assert f'[Lesson](../{lesson.name})' in navigation.links(solution)


def test_every_notebook_is_in_the_navigation():
    everything = {file for file in course.NBS.rglob('*.ipynb') if '.ipynb_checkpoints' not in file.parts}
    assert everything == {notebook for group in navigation.GROUPS for notebook in group} == set(course.ALL)


def test_everything_is_found_from_the_first_page():
    reached, waiting = set(), [course.INDEX]
    while waiting:
        page = waiting.pop()
        if page in reached: continue
        reached.add(page)
        if page.suffix == '.ipynb': waiting += [resolve(page, target)[0] for target in links(page) if not target.startswith('https:')]
    assert set(course.ALL) <= reached
    assert {course.ROOT/'README.md', course.ROOT/'data'/'README.md'} <= reached
    direct = {resolve(course.INDEX, target)[0] for target in links(course.INDEX) if not target.startswith('https:')}
    assert set(course.ALL) - {course.INDEX} <= direct  # nothing is more than one click away


# lessons

@every_lesson
def test_promise_and_close_mirror_each_other(notebook):
    def points(text, title): return re.findall(r'^\d+\. ', text.split(f'**{title}**')[1], re.M)
    by_id = cells(notebook)
    promised, learned = points(by_id['ladder-opening'].source, 'You will learn'), points(by_id['learned'].source, 'You have learned')
    assert promised == learned and 3 <= len(promised) <= 6


@every_lesson
def test_questionnaire(notebook):
    "Eight to twelve questions, each with a folded answer that names a section of this notebook above it"
    source = cells(notebook)['questionnaire'].source
    folds = re.findall(r'<details><summary>(\d+)\. (.+?\?)</summary>\n\n(.+?)\n\n</details>', source, re.S)
    assert source.count('<details>') == source.count('</details>') == len(folds) and 8 <= len(folds) <= 12
    anchors = list(sections(notebook))
    for place, (number, question, answer) in enumerate(folds, 1):
        assert int(number) == place
        shown = re.findall(r'See \[(.+)\]\(#(.+)\)\.$', answer)
        assert len(shown) == 1 and shown[0][0].replace(' ', '-') == shown[0][1], question
        assert anchors.index(shown[0][1]) < anchors.index('Your-turn'), question


@every_lesson
def test_ends_in_the_order_of_the_course(notebook):
    order = [id for id in cells(notebook) if id in ('learned', 'your-turn-heading', 'questionnaire-heading', 'appendix-heading', 'links-foot')]
    assert [id for id in order if id != 'appendix-heading'] == ['learned', 'your-turn-heading', 'questionnaire-heading', 'links-foot']


# the first page

def glossary():
    rows = re.findall(r'^\| (.+?) \| (.+?) \| \[(\d\d), (.+?)\]\((.+)\) \|$', cells(course.INDEX)['glossary'].source, re.M)
    return {term: (number, section, target) for term, _, number, section, target in rows}


def test_glossary_is_sorted_and_names_where_it_leads():
    terms = glossary()
    assert list(terms) == sorted(terms, key=str.lower) and len(terms) > 50
    for term, (number, section, target) in terms.items():
        file, anchor = resolve(course.INDEX, target)
        assert file.name.startswith(number) and anchor == section.replace(' ', '-'), term


def test_terms_are_in_the_section_that_the_glossary_leads_to():
    for term, (_, _, target) in glossary().items():
        file, anchor = resolve(course.INDEX, target)
        text = sections(file)[anchor].lower()
        assert re.search(rf'{term[:-1].lower()}|{term.lower().replace(" ", "_")}', text), f'{term} is not in {target}'


def test_every_term_of_art_is_in_the_glossary():
    "The terms that lessons introduce in bold, and those of the notes' own vocabulary"
    no_terms = {'Where we stand.', 'You will learn', 'You have learned', 'Next:', 'right', 'against', '1 pixel similarity'}
    bold = {term for lesson in course.LESSONS for text in prose(lesson) for term in BOLD.findall(text) if not term.startswith('Step ')} - no_terms
    vocabulary = {'ReLU', 'mini-batch', 'forward pass', 'loss', 'gradient', 'backward pass', 'gradient descent', 'learning rate',
                  'activation', 'parameter'}
    known = {term.lower() for term in glossary()}
    plurals = {'axes': 'axis', 'diverges': 'diverge', 'mini-batches': 'mini-batch', 'stochastic gradient descent': 'sgd'}
    missing = {term for term in bold | vocabulary if not {term.lower(), term.lower().removesuffix('s'), plurals.get(term.lower())} & known}
    assert len(bold) > 60 and not missing


def minutes(notebook):
    "Time to read a lesson: 150 words a minute, a quarter of a minute for a cell of code, without exercises and questions"
    lesson = nbformat.read(notebook, as_version=4).cells
    lesson = lesson[:next(i for i, cell in enumerate(lesson) if cell.id == 'your-turn-heading')]
    words = sum(len(cell.source.split()) for cell in lesson if cell.cell_type == 'markdown')
    return words/150 + sum(cell.cell_type == 'code' for cell in lesson)/4


def test_map_has_every_lesson_and_its_time_to_read():
    rows = re.findall(r'^\| \[(\w+)\]\((\w+)\.ipynb\) \| .+? \| (.+?) \| (\d+) min \| (\d+) s \|$', cells(course.INDEX)['map'].source, re.M)
    assert [row[0] for row in rows] == [row[1] for row in rows] == [lesson.stem for lesson in course.LESSONS]
    for name, _, modules, read, _ in rows:
        assert abs(int(read) - minutes(course.NBS/f'{name}.ipynb')) <= 3, f'{name}: {minutes(course.NBS/f"{name}.ipynb"):.0f} minutes'
        for module in re.findall(r'`mnist37\.(\w+)`', modules): assert (course.ROOT/'mnist37'/f'{module}.py').exists()


def test_readme_has_the_same_map(root):
    assert readme.MAP.search((root/'README.md').read_text(encoding='utf-8')).group().strip() == readme.map_table()


def test_pictures_have_a_text_in_their_place():
    for notebook in course.ALL:
        for text in prose(notebook): assert not re.search(r'!\[\s*\]', text)


def test_no_page_needs_a_picture_outside_the_folder_that_jupyter_opens():
    for notebook in course.ALL:
        for text in prose(notebook):
            for image, target in LINK.findall(text):
                if image: assert Path(resolve(notebook, target)[0]).is_relative_to(course.NBS)
