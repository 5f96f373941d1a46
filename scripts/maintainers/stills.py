"""Take the pictures of the interactive pages that the lessons show, into nbs/images.

    python -m scripts.maintainers.stills

It needs Chromium and Playwright.
"""
import shutil

from PIL import Image

from scripts.readers.course import NBS, ROOT

QUIET = ('--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update '
         '--disable-sync').split()


def chromium():
    "Where a Chromium is, or nothing"
    names = 'chromium', 'chromium-browser', 'google-chrome', 'chrome'
    return next(filter(None, map(shutil.which, names)), None)


def learning_rate(page):
    page.fill('#rate', '0.93')
    for _ in range(12): page.click('#step')


def kernel(page): page.click('#fill')


def xor(page):
    page.fill('#width', '2')
    while 'All four' not in page.inner_text('#verdict'):
        page.click('#another')
        page.evaluate('for (let i = 0; i < 300; i++) document.getElementById("step").click()')
    page.click('#count')
    page.wait_for_selector('#starts tr:nth-of-type(7)')


def augmentation(page):
    amounts = {'rotate': 15, 'right': 2, 'down': -1, 'zoom': .1, 'slant': .15, 'bend': 1}
    for name, amount in amounts.items(): page.fill(f'#{name}', str(amount))


def draw(page):
    area = page.locator('#pad').bounding_box()
    for stroke in ([(.28, .25), (.5, .24), (.72, .25), (.62, .5), (.5, .8)], [(.4, .52), (.7, .52)]):
        places = [(area['x'] + x*area['width'], area['y'] + y*area['height']) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]: page.mouse.move(*place)
        page.mouse.up()
    page.set_viewport_size({'width': 1100, 'height': 900})
    page.wait_for_timeout(200)
    page.evaluate("""() => {
        const shown = document.createElement('div'), main = document.querySelector('main');
        shown.id = 'shown';
        while (main.firstElementChild.id !== 'why-title') shown.append(main.firstElementChild);
        main.prepend(shown); }""")


STILLS = {  # page → what to do there, and the part to show
    'learning_rate': (learning_rate, '.columns'),
    'kernel': (kernel, '.columns'),
    'xor': (xor, '.columns'),
    'augmentation': (augmentation, '.columns'),
    'draw': (draw, '#shown'),
}


def take(browser, name, act, part):
    "The picture of one page, in few colors, which is all that these need"
    page = browser.new_page(viewport={'width': 900, 'height': 900}, color_scheme='light', reduced_motion='reduce')
    page.goto((ROOT/'site'/f'{name}.html').as_uri())
    act(page)
    page.evaluate('document.activeElement.blur()')
    file = NBS/'images'/f'{name}.png'
    page.locator(part).screenshot(path=file)
    Image.open(file).convert('RGB').quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    page.close()


def main():
    from playwright.sync_api import sync_playwright  # an extra, which the course doesn't need

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
        for name, (act, part) in STILLS.items(): take(browser, name, act, part)
        browser.close()


if __name__ == '__main__': main()
