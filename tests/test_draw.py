"The draw page in a real browser: its numbers are PyTorch's, and a drawing is the same whatever it's drawn with"
import base64
import json
import re
from math import cos, sin

import pytest
import torch
from torch import nn

from mnist37.data import load_xy
from mnist37.handwriting import LIMIT, is_neither, load_models, load_other_digits, predict_all, predict_image
from mnist37.photos import read_drawings
from scripts.maintainers import pages, weights
from scripts.readers.course import ROOT

FILE = ROOT/'data'/'drawings.json'
DRAWINGS = json.loads(FILE.read_text())['drawings']
NUMBERS = '''coded => {
    const bytes = Uint8Array.from(atob(coded), letter => letter.charCodeAt(0)), found = [];
    for (let i = 0; i < bytes.length; i += 784) {
        const all = page.predictAll(Array.from(bytes.subarray(i, i + 784), byte => byte/255), page.weights);
        found.push([...Object.values(all).map(one => one.probability), page.disagreement(all)]);
    }
    return found; }'''
TIME = '''() => Math.min(...Array.from({length: 20}, () => {
    const began = performance.now();
    page.update();
    return performance.now() - began; }))'''
SPIRAL = [(.5 + i/3e4*cos(i/50), .5 + i/3e4*sin(i/50)) for i in range(10_000)]


def draw(page, strokes, touch=False):
    "Draw strokes, points in the unit square, with the mouse or a finger"
    page.locator('#pad').scroll_into_view_if_needed()
    area = page.locator('#pad').bounding_box()
    finger = page.context.new_cdp_session(page) if touch else None
    for stroke in strokes:
        points = [{'x': area['x'] + x*area['width'], 'y': area['y'] + y*area['height']} for x, y in stroke]
        if touch:
            for kind, some in [('touchStart', points[:1]), *(('touchMove', [point]) for point in points[1:]), ('touchEnd', [])]:
                finger.send('Input.dispatchTouchEvent', {'type': kind, 'touchPoints': some})
        else:
            page.mouse.move(**points[0])
            page.mouse.down()
            for point in points[1:]: page.mouse.move(**point)
            page.mouse.up()
    page.evaluate('page.update()')


def probabilities(page):
    return torch.tensor(page.evaluate('Object.values(page.predictAll(page.current().image, page.weights)).map(one => one.probability)'))


def close(a, b):
    "Equal, but for the rounding of another processor"
    if isinstance(a, float): return a == pytest.approx(b)
    if isinstance(a, list): return len(a) == len(b) and all(map(close, a, b))
    return {key: close(value, b[key]) for key, value in a.items()} == dict.fromkeys(b, True) if isinstance(a, dict) else a == b


def drawings_of(**drawing): return json.dumps({'format': 'mnist37 drawings', 'drawings': [{'digit': 3, 'pixels': [0]*784} | drawing]})


def unfolded(page):
    page.click('summary')
    page.locator('#pad').scroll_into_view_if_needed()
    return page


@pytest.fixture
def page(visit): return visit('site/draw.html', viewport={'width': 1200, 'height': 900})


@pytest.mark.parametrize('name', pages.PAGES)
def test_a_page_is_as_its_sources_say_and_small(name):
    file = pages.SITE/f'{name}.html'
    kept, built = [re.split('id="data">(.*)</script>', page) for page in (file.read_text('utf-8'), pages.build(name, pages.PAGES[name]()))]
    assert kept[::2] == built[::2] and close(*(json.loads(parts[1]) for parts in (kept, built))), 'run python -m scripts.maintainers.pages'
    assert file.stat().st_size < (300_000 if name == 'draw' else 60_000)


def test_every_model_gives_the_numbers_of_pytorch(page):
    images = torch.cat([load_xy('valid')[0].cpu(), load_other_digits('valid')[::4]])
    expected = predict_all(images)
    coded = base64.b64encode((images*255).round().byte().numpy().tobytes()).decode()
    *found, apart = torch.tensor(page.evaluate(NUMBERS, coded)).T
    assert len(apart) == 2038 + 200
    for column, probs in zip(found, expected.values(), strict=True): torch.testing.assert_close(column, probs, atol=1e-4, rtol=0)
    assert torch.equal(apart > LIMIT, is_neither(expected))
    trained = torch.stack([probs for name, probs in expected.items() if name != 'pixel similarity'])
    torch.testing.assert_close(apart, trained.amax(0) - trained.amin(0), atol=1e-4, rtol=0)


def test_every_sample_gets_the_verdict_of_lesson_07_and_what_resnet18_has_said(page):
    shown, stored = weights.samples(), weights.load(weights.SAMPLES)
    assert set(stored.code) == {*weights.sample_codes().values()} and stored.groupby('group').size().min() > 20
    probs = predict_all(torch.stack([torch.tensor(image) for *_, image in shown]).float()/255)
    verdicts = ['neither' if neither else '3' if p > .5 else '7' for neither, p in zip(is_neither(probs), probs['tiny network'])]
    found = page.evaluate("""page.samples.map(sample => {
        page.pen.clear(sample);
        page.update();
        const dot = document.querySelector('[data-model=resnet18] .track i');
        return [sample.group, sample.digit, document.getElementById('digit').textContent, parseFloat(dot.style.left)]; })""")
    rows = zip(stored.group, stored.digit, verdicts, stored.probability)
    assert found == [[*row, pytest.approx(100*p, abs=1e-3)] for *row, p in rows]  # the browser rounds places a little
    assert 5 < verdicts.count('neither') < 40


def test_what_the_networks_compute_on_the_way(page):
    "Feature maps and hidden units, which the page draws, are PyTorch's too"
    image, models = torch.tensor(DRAWINGS[0]['pixels']).view(1, 28, 28)/255, load_models()
    found = page.evaluate('image => page.predictAll(image, page.weights)', image.flatten().tolist())
    tiny, small = models['tiny network'].model, models['small network']
    with torch.no_grad():
        for n, layer in enumerate(found['tiny network']['layers']):
            torch.testing.assert_close(torch.tensor(layer), tiny[:n+1](image)[0].flatten(1))
        torch.testing.assert_close(torch.tensor(found['small network']['units']), small[:3](image)[0])


def test_a_pixel_is_followed_back_to_what_it_saw(page):
    "To the pixels whose change can reach it: those with a gradient"
    layers = [layer for padding, k in ((0, 5), (1, 3), (1, 3)) for layer in (nn.Conv2d(1, 1, k, padding=padding), nn.AvgPool2d(2))]
    for layer in layers[::2]: nn.init.ones_(layer.weight)
    for block, row, column in [(1, 0, 0), (1, 5, 11), (2, 0, 3), (2, 5, 2), (3, 1, 1), (3, 2, 0)]:
        image = torch.zeros(1, 1, 28, 28, requires_grad=True)
        nn.Sequential(*layers[:2*block])(image)[0,0,row,column].backward()
        rows, columns = [image.grad[0,0].sum(axis).nonzero().flatten().tolist() for axis in (1, 0)]
        assert page.evaluate(f'page.receptiveField({block}, {row}, {column})') == [rows[0], rows[-1], columns[0], columns[-1]]


@pytest.mark.parametrize('touch', [False, True], ids=['mouse', 'finger'])
@pytest.mark.parametrize('density, width', [(1, 640), (3, 360)])
def test_a_drawing_is_the_same_at_any_density_and_right(visit, touch, density, width):
    "Each is drawn, added and saved; what `read_drawings` reads is the file in data/, which was drawn once, and what the models see"
    page = unfolded(visit('site/draw.html', viewport={'width': width, 'height': 480}, device_scale_factor=density, has_touch=touch))
    for drawing in DRAWINGS:
        draw(page, drawing['strokes'], touch)
        assert page.inner_text('#digit') == str(drawing['digit'])
        assert ((probabilities(page) > .5) == (drawing['digit'] == 3)).all()
        page.evaluate(f"""document.querySelector('.add[value="{drawing['digit']}"]').click()""")
    draw(page, DRAWINGS[0]['strokes'], touch)
    widths = page.evaluate("['.frame', 'canvas'].map(part => document.querySelector(`#seen ${part}`).offsetWidth)")
    assert widths[0] == widths[1]  # so what's marked in the frame is marked in the picture
    assert page.evaluate('page.pen.canvas.width/page.pen.canvas.clientWidth') == pytest.approx(density, abs=.01)  # so it's sharp
    with page.expect_download() as download: page.click('#save')
    (images, digits), (expected, labels) = read_drawings(download.value.path()), read_drawings(FILE)
    assert digits == labels == [3]*10 + [7]*10 and (images - expected).abs().max() < .02


@pytest.mark.parametrize('content, words', [
    ('{', 'Expecting'), ('[]', 'list indices'), ('{"format": "mine"}', "'mine'"), ('{"format": "mnist37 drawings"}', 'drawings'),
    (json.dumps({'format': 'mnist37 drawings', 'drawings': []}), 'shape'), (drawings_of(digit=5), '{5}'),
    (drawings_of(pixels=[0]*783), '783'), (drawings_of(pixels=[.5]*784), 'float'), (drawings_of(pixels=[256]*784), '784')])
def test_another_file_is_refused_with_its_name_and_the_reason(content, words, tmp_path):
    (tmp_path/'mine.json').write_text(content)
    expected = f'mine.json: expected drawings labeled 3, 7 or null.*{re.escape(words)}'
    with pytest.raises(ValueError, match=expected): read_drawings(tmp_path/'mine.json')


def test_saved_as_a_picture_it_can_be_read_like_a_photo(page):
    unfolded(page)
    for drawing in DRAWINGS[::6]:
        draw(page, drawing['strokes'])
        with page.expect_download() as download: page.click('#png')
        assert [found.digit for found in predict_image(download.value.path())] == [drawing['digit']]
        page.click('#clear')


@pytest.mark.parametrize('strokes, says, words', [
    ([], '', 'Draw a 3 or a 7'), ([[(.5, .5)]], 'neither', 'too small'), ([[(.1, .5), (.9, .5)]], 'neither', 'wider than tall'),
    ([[(.5, .2), (.5, .8)], [(.2, .2), (.8, .8), (.2, .8), (.8, .2)]], None, ''), ([[(.5, .4), (1.5, .4), (1.5, 2), (.5, .6)]], None, ''),
    ([SPIRAL[::200]], None, '')], ids='blank dot dash scribble off-the-edge spiral'.split())
def test_what_is_no_digit_breaks_nothing(page, strokes, says, words):
    draw(page, strokes)
    shown = page.inner_text('#digit'), page.inner_text('#verdict')
    assert shown[0] in ({'3', '7', 'neither'} if says is None else {says}) and words in shown[1]
    assert all(0 <= place <= 1 for stroke in page.evaluate('page.pen.strokes') for point in stroke for place in point)


def test_off_center_the_preparation_makes_the_difference(page):
    "A 7 in a corner: with the preparation it's what it was in the middle, without it the linear model can't see it"
    small = [[(.7 + .3*x, .05 + .3*y) for x, y in stroke] for stroke in DRAWINGS[10]['strokes']]
    draw(page, small)
    torch.testing.assert_close(torch.tensor(page.evaluate('page.current().image')), read_drawings(FILE)[0][10].flatten(), atol=.02, rtol=0)
    sure = probabilities(page)
    page.uncheck('#prepare')
    assert (probabilities(page)[1:4] - sure[1:4]).abs().min() > .1
    page.click('summary')
    page.click('.add[value="7"]')  # what's saved is prepared all the same
    with page.expect_download() as download: page.click('#save')
    assert (read_drawings(download.value.path())[0][0] - read_drawings(FILE)[0][10]).abs().max() < .02


def test_ten_thousand_points_stay_quick(page):
    "From the stroke to the prediction; the fastest of twenty, as notebooks are running beside the tests"
    draw(page, DRAWINGS[0]['strokes'])
    assert page.evaluate(TIME) < 50
    page.evaluate('''spiral => {
        const area = page.pen.canvas.getBoundingClientRect();
        page.pen.stroke = null;
        for (const [x, y] of spiral) page.pen.add({clientX: area.x + x*area.width, clientY: area.y + y*area.height}); }''', SPIRAL)
    assert page.evaluate(TIME) < 50 and page.evaluate('page.pen.strokes.at(-1).length') > 1000


def test_with_the_keyboard_alone(page):
    def press(*keys):
        for key in keys: page.keyboard.press(key)
        page.evaluate('page.update()')
        return page.inner_text('#sample')
    page.focus('#pad')
    assert press('ArrowRight').startswith('1 of') and press('ArrowRight').startswith('2 of')
    assert press('ArrowLeft', 'ArrowLeft').endswith(': a 7')  # the last one
    groups = [page.input_value('#group') for _ in range(3) if press('ArrowDown')]
    assert len(set(groups)) == 3 and '%' in page.inner_text('[data-model=resnet18]')
    spoken = f"{groups[-1]}, {page.inner_text('#sample')}. {page.inner_text('#verdict')}"
    page.wait_for_function('spoken => document.getElementById("spoken").textContent === spoken', arg=spoken)
    assert press('Delete') == '' and page.inner_text('#digit') == ''
    draw(page, [[(.2, .2), (.8, .2), (.5, .8)], [(.3, .5), (.7, .5)]])
    counts = [page.evaluate('page.pen.strokes.length') for keys in ([], ['Control+z'], ['Control+z'], ['Control+z']) if press(*keys) == '']
    assert counts == [2, 1, 0, 0]
    draw(page, [[(.2, .2), (.8, .8)]])
    assert press('ArrowRight', 'ArrowRight') and press('Control+z') == '' and len(page.evaluate('page.pen.strokes')) == 1  # it's back
    reached = {page.evaluate('document.activeElement.id') for _ in range(12) if press('Tab') == ''}
    assert {'prepare', 'group', 'previous', 'next'} <= reached


def test_a_second_finger_and_a_second_click_change_nothing(visit):
    page = unfolded(visit('site/draw.html', has_touch=True))
    area, finger = page.locator('#pad').bounding_box(), page.context.new_cdp_session(page)
    one, other = [{'x': area['x'] + x, 'y': area['y'] + 50, 'id': i} for i, x in enumerate((50, 150))]
    for kind, points in [('touchStart', [one]), ('touchStart', [one, other]), ('touchMove', [one, other | {'y': other['y'] + 40}]),
                         ('touchMove', [one | {'y': one['y'] + 90}, other]), ('touchEnd', [])]:
        finger.send('Input.dispatchTouchEvent', {'type': kind, 'touchPoints': points})
    assert [len(stroke) for stroke in page.evaluate('page.pen.strokes')] == [2]
    page.evaluate("const button = document.querySelector('.add'); button.disabled = false; button.click(); button.click()")
    asks_before_it_closes = "!dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    assert page.inner_text('#save') == 'Save 1 drawing' and page.evaluate(asks_before_it_closes)
    page.click('#remove')
    assert page.inner_text('#save') == 'Save 0 drawings' and not page.evaluate(asks_before_it_closes)


def test_each_model_says_why(page):
    "And the score in its reasons is PyTorch's; the tiny network's is that of the one copy that isn't shifted"
    draw(page, DRAWINGS[15]['strokes'])
    image, models = torch.tensor(page.evaluate('page.current().image')).view(1, 28, 28), load_models()
    models['tiny network'] = models['tiny network'].model
    for model in (*weights.TRAIN, 'resnet18'):
        page.check(f'[data-model="{model}"] input')
        page.evaluate('page.update()')
        why = page.inner_text('#why')
        assert model in page.inner_text('#why-title') and len(why) > 100
        assert (page.locator('#why canvas').count() > 2) == (page.locator('#why .legend').count() > 0) == (model != 'resnet18')
        if model in models:
            said = re.search(r'score of ([+−\d.]+\d)|= ([+−\d.]+\d)', why)
            assert float((said[1] or said[2]).replace('−', '-')) == pytest.approx(models[model](image).item(), abs=.006)
