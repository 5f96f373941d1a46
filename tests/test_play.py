"The pages to play with compute what PyTorch and the lessons compute, and can be used with the keyboard alone"
import pytest
import torch
import torch.nn.functional as F
from outputs import printed
from torch import nn

from mnist37 import tiny_cnn
from mnist37.data import load_split
from mnist37.handwriting import predict_all
from scripts.readers.course import NBS, ROOT

PLAYS = 'learning_rate', 'kernel', 'xor', 'augmentation'


@pytest.fixture
def play(visit):
    "Opens a page to play with on a phone, without motion"
    return lambda name: visit(f'site/{name}.html', reduced_motion='reduce', viewport={'width': 360, 'height': 740})


def test_learning_rate_descends_as_in_lesson_02(play):
    page, out = play('learning_rate'), printed(NBS/'02_linear_sgd.ipynb')
    for lr, word in ((.02, 'crawls'), (.3, 'arrives'), (.93, 'bounces'), (1.03, 'leaves')):  # the cell lr-picture
        x, visited = torch.tensor(3., dtype=torch.float64, requires_grad=True), [3.]
        for _ in range(12):
            x.grad = None
            (x**2).backward()
            x.data -= x.grad*lr
            visited.append(x.item())
        path = page.evaluate('lr => page.descend("parabola", [3], lr, 12)', lr)
        assert [x for x, in path] == pytest.approx(visited) and page.evaluate('path => page.verdict("parabola", path)', path) == word
    first, second = page.evaluate('page.descend("coaster", page.first, 1e-5, 1)')
    loss, *slopes = out['step-4-code']
    assert page.evaluate('params => page.loss("coaster", params)', first) == pytest.approx(loss)
    assert [(a - b)/1e-5 for a, b in zip(first, second)] == pytest.approx(slopes)
    assert page.evaluate('params => page.loss("coaster", params)', second) == pytest.approx(out['step-5-code'][0])
    words = page.evaluate('''Array.from({length: 100}, (_, i) => [-.3, page.first[0], .7].map(a =>
        page.verdict("coaster", page.descend("coaster", [a, ...page.first.slice(1)], (i + 1)*1e-6, 100)))).flat()''')
    assert set(words) == {'crawls', 'bounces', 'leaves'}  # none arrives, as the page says

    for rate in '0.25', '0.5', '1', '1.1':
        page.fill('#rate', rate)
        assert page.input_value('#rate') == rate
    page.check('[value=coaster]')
    page.fill('#rate', '1e-4')  # it leaves after two steps, where it stops, and nothing has been drawn at NaN
    while page.locator('#step').is_enabled(): page.click('#step')
    assert 'out of the picture' in page.text_content('#hill') and 'far away' in page.text_content('#title')

def test_kernel_convolves_as_in_lesson_05(play):
    page, three = play('kernel'), load_split('valid')[0][0]
    assert torch.allclose(torch.tensor(page.evaluate('page.image')).view(28, 28), three)
    for kernel in (torch.tensor([-1., 0, 1]).expand(3, 3), torch.tensor([-1., 0, 1]).expand(3, 3).T, torch.arange(9.).view(3, 3)):
        found = torch.tensor(page.evaluate('kernel => page.convolve(kernel)', kernel.flatten().tolist()))
        torch.testing.assert_close(found, F.conv2d(three[None,None], kernel[None,None], padding=1).flatten(), atol=1e-5, rtol=0)
    assert page.locator('#sum').inner_text() == f"sum: −{abs(printed(NBS/'05_resnet18.ipynb')['kernel-once'][-1]):.2f}"

    page.click('#play')
    page.wait_for_timeout(100)
    assert page.evaluate('document.querySelector("#verdict strong").innerText === document.querySelector("#sum").innerText.slice(5)')
    page.fill('#nine input >> nth=4', '12')
    assert page.input_value('#nine input >> nth=4') == '9'
    page.click('#image', position={'x': 5, 'y': 5})
    assert page.get_attribute('#window', 'aria-valuetext') == 'row 0, column 0'

def test_xor_learns_as_in_lesson_04(play):
    page, solved = play('xor'), 0
    points, targets = torch.tensor([[0., 0], [0, 1], [1, 0], [1, 1]]), torch.tensor([[0.], [1], [1], [0]])
    for start in range(20):  # the cells fit-xor and xor-starts
        torch.manual_seed(start)
        net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
        weights = {name: p.flatten().tolist() for name, p in zip(('w1', 'b1', 'w2', 'b2'), net.parameters())}
        losses, trained = page.evaluate('net => [page.train(net), net]', weights)
        solved += page.evaluate('net => page.solves(net)', trained)
        if start >= 3: continue
        opt, expected = torch.optim.SGD(net.double().parameters(), lr=.5, momentum=.9), []
        for _ in range(300):
            opt.zero_grad()
            loss = F.binary_cross_entropy_with_logits(net(points.double()), targets.double())
            loss.backward()
            opt.step()
            expected.append(loss.item())
        assert losses == pytest.approx(expected, abs=1e-5)
        for found, p in zip(trained.values(), net.parameters()): assert found == pytest.approx(p.flatten().tolist(), abs=1e-5)
    assert [solved] == printed(NBS/'04_simple_net.ipynb')['xor-starts']
    first = '[1, 2].map(start => { const net = page.init(4, start); page.train(net); return page.solves(net); })'
    assert page.evaluate(first) == [True, False]


def test_augmentation_changes_images_as_lesson_06_does(play, monkeypatch):
    page, images = play('augmentation'), {'3': load_split('train')[0][1], '7': load_split('train')[1][0]}
    nodes = (2*torch.rand(50, generator=torch.Generator().manual_seed(37)) - 1).tolist()
    for changes in [(0, 0, 0, 0, 0, 0), (15, 2, -2, .2, .15, 1), (-170, -9, 4, -.8, -1.2, 6)]:
        rotate, right, down, zoom, slant, bend = changes
        amounts = dict(rotate=rotate, right=right, down=down, zoom=zoom, slant=slant, bend=bend, nodes=nodes)
        drawn = [torch.tensor([float(amount)]) for amount in (-rotate, -zoom, slant, -right, -down)]
        drawn.append(torch.tensor(nodes).view(1, 2, 25)*bend)
        for digit, image in images.items():
            found = torch.tensor(page.evaluate('([digit, amounts]) => page.augment(page.images[digit], amounts)', [digit, amounts]))
            with monkeypatch.context() as patch:  # what it draws is what the sliders say
                patch.setattr(torch, 'rand', lambda *shape, left=iter(drawn): (next(left) + 1)/2)
                expected = tiny_cnn.augment(image[None], 1, 1, 1, 1, 1)[0]
            torch.testing.assert_close(found.view(28, 28), expected, atol=1e-4, rtol=0)
            assert any(changes) or torch.allclose(expected, image, atol=1e-5)
    shown = page.locator('#says7').inner_text()
    assert shown == f"Tiny network: a 7, {100*(1 - predict_all(images['7'][None])['tiny network'].item()):.1f}%"
    assert 'Move a slider' in page.inner_text('#verdict')
    for value, times in ('-1', '0.50'), ('0', '1.00'), ('1', '2.00'):
        page.fill('#zoom', value)
        assert page.inner_text('#zoomSaid') == f'{times} times'


@pytest.mark.parametrize('name, handle, key', [('learning_rate', '#ball', 'ArrowLeft'), ('learning_rate', '#rate', 'ArrowRight'),
    ('kernel', '#window', 'ArrowDown'), ('xor', '#width', 'ArrowRight'), ('augmentation', '#rotate', 'ArrowLeft')])
def test_keyboard_moves(play, name, handle, key):
    page = play(name)
    value = f'document.querySelector("{handle}").ariaValueNow ?? document.querySelector("{handle}").value'
    before = page.evaluate(value)
    page.focus(handle)
    page.keyboard.press(key)
    assert page.evaluate(value) != before and page.evaluate(f'document.activeElement.matches("{handle}")')


@pytest.mark.parametrize('name', PLAYS)
def test_a_page_is_small_and_every_button_works(play, name):
    page = play(name)
    assert (ROOT/'site'/f'{name}.html').stat().st_size < 60_000 and page.locator('h1').count() == 1
    for button in page.locator('button').all(): button.click()
    page.wait_for_timeout(200)
    assert page.locator('#verdict').inner_text() and page.evaluate('document.documentElement.scrollWidth') <= 360
    unlabeled = '[...document.querySelectorAll("input, select")].filter(field => !field.labels.length && !field.ariaLabel).length'
    assert page.evaluate(unlabeled) == 0
