"The course as a site, in a browser: without a network, on every screen, for everybody; and lesson 01 in JupyterLab"
import importlib
import re
import shutil
import subprocess
import sys
import time

import nbformat
import pytest
from browser import or_skip

from scripts.maintainers import pages
from scripts.maintainers.site_links import broken_links
from scripts.readers.course import ALL, NBS, ROOT, kill

SITE = ROOT/'build'/'site'
PLAY = [f'site/{name}.html' for name in pages.PAGES]
SOME = 'index', 'nbs/01_pixel_similarity', 'nbs/bonus/linear_limits', 'api/handwriting'
ON_SITE = [f'build/site/{name}.html' for name in SOME]
AXE = '''async () => (await axe.run(document, {iframes: false, preload: false})).violations
    .filter(found => ['serious', 'critical'].includes(found.impact)).map(found => [found.id, ...found.nodes.map(node => node.html)])'''

DRAWN = '''() => {
    document.querySelector('details').open = true;
    for (const part of ['.add', '[data-model="tiny network"] input']) {
        page.pen.strokes = [[[.2, .2], [.8, .2], [.5, .8]]];
        page.update();
        document.querySelector(part).click();
    } }'''


@pytest.fixture(scope='module')
def site():
    "The site, built anew by the command of the Makefile; a warning is an error"
    or_skip(lambda: importlib.import_module('sphinx'), 'Sphinx is missing, `make test` installs it')
    for name in ('site', 'doctrees'): shutil.rmtree(ROOT/'build'/name, ignore_errors=True)
    commands = [line.split()[1:] for line in (ROOT/'Makefile').read_text().splitlines()
                if '$(VENV) -m sphinx' in line or '$(VENV) -m scripts.maintainers.site_' in line]
    ran = [subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True) for command in commands]
    assert len(ran) == 3 and not any(run.returncode for run in ran), [run.stderr + run.stdout for run in ran]
    assert (SITE/'index.html').as_uri() in ran[-1].stdout
    return SITE


@pytest.fixture(scope='session')
def axe():
    "axe-core's script, from the npm registry"
    script, npm = ROOT/'build'/'node_modules'/'axe-core'/'axe.min.js', shutil.which('npm')
    if npm and not script.exists(): subprocess.run([npm, 'install', '--no-save', '--silent', '--prefix', ROOT/'build', 'axe-core@4.14.1'])
    or_skip(script.exists, 'axe-core is missing, and npm did not bring it')
    return script.read_text(encoding='utf-8')


def test_every_notebook_has_a_page_and_every_link_leads_somewhere(site):
    for notebook in ALL: assert (site/notebook.relative_to(ROOT).with_suffix('.html')).exists()
    assert not broken_links(site) and len(list((site/'api').glob('*.html'))) > 10


def test_a_broken_link_and_a_request_are_noticed(tmp_path):
    (tmp_path/'a.html').write_text('<a href="b.html"></a><a href="#x"></a><a href="https://a.org"></a><p id="y"><a href="#y"></a><img src="https://a.org/b.png">')
    assert [line.split()[1] for line in broken_links(tmp_path)] == ['b.html', '#x', 'https://a.org/b.png']


@pytest.mark.parametrize('path', PLAY + ON_SITE)
def test_it_fits_every_screen_and_serves_everybody(path, site, axe, visit):
    page = visit(path, color_scheme='light', viewport={'width': 1400, 'height': 900})
    if 'draw' in path: page.evaluate(DRAWN)
    for width in (1400, 768, 360, 320):
        page.set_viewport_size({'width': width, 'height': 900})
        assert page.evaluate('document.documentElement.scrollWidth') <= width, f'at {width} pixels one has to scroll sideways'
    page.wait_for_timeout(500)  # the theme notices what scrolls now
    page.evaluate(axe)
    assert page.evaluate(AXE) == []
    page.emulate_media(color_scheme='dark')
    page.wait_for_function("getComputedStyle(document.body).backgroundColor === 'rgb(20, 24, 30)'")
    assert page.evaluate(AXE) == []


def test_every_term_of_the_glossary_leads_back(site):
    rows = re.findall('id="(term-[^"]+)"', (site/'nbs'/'index.html').read_text(encoding='utf-8'))
    pages = ' '.join(page.read_text(encoding='utf-8') for page in site.glob('nbs/**/*.html'))
    assert set(rows) == {*re.findall('index.html#(term-[^"]+)"', pages)} and len(rows) > 50


def test_search_finds_broadcasting(site, visit):
    page = visit('build/site/index.html')
    page.goto((SITE/'search.html').as_uri() + '?q=broadcasting')
    page.wait_for_selector('#search-results li a')
    assert any('01_pixel_similarity.html' in link.get_attribute('href') for link in page.query_selector_all('#search-results li a'))


def test_anchors_glossary_sources_and_previous_and_next(site, visit):
    page = visit('build/site/nbs/02_linear_sgd.html')
    for anchor in ('The-learning-rate', 'the-learning-rate'): assert page.locator(f'[id="{anchor}"]').count()
    page.click('a.term >> nth=0')
    page.wait_for_selector('tr:has(:target) a')
    assert '/nbs/index.html#term-' in page.url
    page.goto((SITE/'api'/'linear_sgd.html').as_uri())
    page.click('.source a >> nth=0')
    page.wait_for_selector(':target', state='attached')
    assert '02_linear_sgd.html#cell-' in page.url
    page.click('.prev-next-area .right-next')
    assert '03_basic_optim.html' in page.url


def test_folds_open_on_paper_and_embedded_pages_follow_the_look(site, visit):
    page = visit('build/site/nbs/05_resnet18.html', color_scheme='dark')
    frame = page.locator('iframe').first
    frame.scroll_into_view_if_needed()
    page.wait_for_function("parseInt(document.querySelector('iframe').style.height) > 300")
    assert page.frames[1].evaluate('getComputedStyle(document.body).backgroundColor') == 'rgb(20, 24, 30)'
    assert page.frames[1].evaluate('document.documentElement.scrollHeight - innerHeight') == 0  # no second scrollbar
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    page.frames[1].wait_for_function("getComputedStyle(document.body).backgroundColor === 'rgb(255, 255, 255)'")
    page.emulate_media(media='print')
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator('details:not([open])').count() == 0 < page.locator('details').count()


@pytest.fixture
def lab(tmp_path):
    "JupyterLab's address and the folder it has open: a copy of the notebooks, with the command of `make lab`"
    command = next(line for line in (ROOT/'Makefile').read_text().splitlines() if '-m jupyter lab' in line).split()[1:]
    shutil.copytree(NBS, tmp_path/'nbs')
    with (tmp_path/'log').open('w') as log:
        here = '--no-browser --allow-root --IdentityProvider.token= --ServerApp.port=8937'
        process = subprocess.Popen([sys.executable, *command, *here.split()], cwd=tmp_path, stdout=log, stderr=log)
    try:
        for _ in range(600):
            if address := re.search(r'http://localhost:\d+', (tmp_path/'log').read_text()): break
            time.sleep(.1)
        yield address[0], tmp_path, command[-1]
    finally: kill(process.pid)


def test_jupyterlab_opens_the_first_page_and_runs_lesson_01(lab, visit):
    address, folder, first = lab
    page = visit(f'/lab/tree/{first}', server=address, viewport={'width': 1400, 'height': 900})
    page.click('.jp-RenderedMarkdown a:has-text("01 Pixel similarity") >> nth=0')
    page.wait_for_selector('.jp-RenderedMarkdown:has-text("Is it a 3 or a 7?")')
    page.click('.lm-MenuBar-item:has-text("Run")')
    page.click('.lm-Menu-item:has-text("Run All Cells") >> nth=0')
    for status in ('busy', 'idle'): page.wait_for_selector(f'.jp-NotebookPanel:not(.lm-mod-hidden) [data-status={status}]', timeout=90_000)
    page.keyboard.press('Control+s')
    page.wait_for_selector('text=Saving completed')
    cells = [cell for cell in nbformat.read(folder/'nbs'/'01_pixel_similarity.ipynb', as_version=4).cells if cell.cell_type == 'code']
    assert len(cells) > 50 and [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    assert not [output for cell in cells for output in cell.outputs if output.output_type == 'error']
