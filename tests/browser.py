"A real browser for the tests: a Chromium, driven by Playwright"
import importlib
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from functools import cache

import pytest

from scripts.maintainers.stills import QUIET, chromium
from scripts.readers.course import ROOT


def or_skip(find, why):
    "What `find` finds; if there's nothing, the test is skipped, or fails where .ci/run runs"
    with suppress(ImportError):
        if found := find(): return found
    (pytest.fail if 'BROWSER_TESTS' in os.environ else pytest.skip)(f'NOT TESTED IN A BROWSER: {why}')


@cache
def installed_chromium():
    "Where a Chromium is; on Debian it's installed if it isn't there and we may"
    if not chromium() and sys.platform == 'linux' and os.geteuid() == 0 and shutil.which('apt-get'):
        for command in ('update', 'install -y chromium'): subprocess.run(['apt-get', '-q', *command.split()], stdout=subprocess.DEVNULL)
    return chromium()


@pytest.fixture(scope='module')
def browser():
    sync_api = or_skip(lambda: importlib.import_module('playwright.sync_api'), 'Playwright is missing, `make test` installs it')
    or_skip(installed_chromium, 'there is no Chromium here')
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    "A function that opens a file of the repository, or a page of a `server`; nothing else may be asked for, nor the console complain"
    wrong, contexts = [], []

    def visit(path, server='file:', **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on('request', lambda request: None if request.url.startswith((server, 'data:', 'blob:')) else wrong.append(request.url))
        contexts[-1].route(lambda url: not url.startswith(server), lambda route: route.abort())
        if server == 'file:':
            page.on('console', lambda message: wrong.append(message.text) if message.type in ('error', 'warning') else None)
            page.on('pageerror', lambda error: wrong.append(str(error)))
        page.goto((ROOT/path).as_uri() if server == 'file:' else server + path)
        return page

    yield visit
    for context in contexts: context.close()
    assert not wrong, wrong
