"""What the prose says is what was measured.

A function for each page ties words: `quote(cell, words, *measured)` compares the numbers in them with measured ones, to the last
digit quoted; `tie(cell, words, truth)` says they're true. `out(cell)` has the numbers that a cell of the page printed. A number that
looks measured (three decimals, N errors, N of M) and isn't tied must be printed by its page, or stand in its code: that's easiest."""
import re
from functools import cache

import nbformat
import numpy as np
import pytest
from outputs import NUMBER, printed, stem

from scripts.maintainers import evidence
from scripts.readers import course

MEASURED = re.compile(r'(?<![\d.,])(?:\d*\.\d{3,}|\d+(?:[.,]\d+)* errors?\b|\d[\d,]* (?:of|in) (?:the )?[1-9]\d[\d,]*)')
NOT_PROSE = re.compile(r'<!-- (\w+) -->[\s\S]*?<!-- /\1 -->|```[\s\S]*?```|`[^`\n]+`|\]\([^)]*\)|<[^>]+>|^    .*$|^#+ .*$', re.M)
PAGES = ['README', *map(stem, course.ALL)]
RUNGS = [name for name in evidence.RECIPES if ',' not in name]
MEANS, LINEAR, LEARNER, SMALL, RESNET, TINY = RUNGS
RMSE, NO_RELU = '01, RMSE', '04, without ReLU'
WITH_RELU, TWO_LINEAR, ONE_LINEAR = (f'04, cross-entropy at 0.5{which}' for which in ('', ', two linear layers', ', one linear layer'))


class Page:
    "A notebook, or README as a single cell, and what is wrong in its prose"
    def __init__(self, name):
        file = course.ROOT/'README.md' if name == 'README' else course.NBS/f'{name}.ipynb'
        cells = nbformat.read(file, as_version=4).cells if name != 'README' else []
        self.out = printed(file) if cells else {}
        self.prose = {cell.id: cell.source for cell in cells if cell.cell_type == 'markdown'} or {'README': file.read_text('utf-8')}
        self.code = ' '.join(cell.source for cell in cells if cell.cell_type == 'code')
        self.name, self.tied, self.wrong = name, [], []

    def tie(self, cell, words, truth, why='is not true'):
        self.tied.append(words)
        if words not in ' '.join(self.prose[cell].split()): self.wrong.append(f'{self.name}, {cell} no longer says {words!r}')
        if not truth: self.wrong.append(f'{self.name}, {cell}: {words!r} {why}')

    def quote(self, cell, words, *measured):
        said = NUMBER.findall(words)
        self.tie(cell, words, len(said) == len(measured) and all(map(agree, said, measured)), f'but measured was {measured}')

    def find_untied(self):
        tied = MEASURED.findall(' | '.join(self.tied))
        known = [*map(float, re.findall(r'\d*\.?\d+(?:e-?\d+)?', self.code)), *(n for numbers in self.out.values() for n in numbers)]
        for cell, source in self.prose.items():
            for match in MEASURED.findall(' '.join(NOT_PROSE.sub(' ', source).split())):
                if match in tied or all(any(agree(q, n) for n in known) for q in re.findall(r'\d*\.\d+|\d[\d,]*', match)): continue
                self.wrong.append(f'{self.name}, {cell}: where does {match!r} come from? Tie it, or let a cell print it')


def agree(quoted, measured): return round(measured, len(quoted.partition('.')[2])) == float(quoted.replace(',', ''))
@cache
def table(name): return evidence.load(course.ROOT/'evidence'/f'{name}.csv')
def runs(rung): return table('rungs').query('rung == @rung').set_index('seed')
def errors(rung): return runs(rung).errors
def quickest(rung): return runs(rung).query('rung in @evidence.TIMED').seconds.min()  # of what was measured alone
def others(rung): return runs(rung).others.astype(int)
def below(some, other): return errors(some).max() < errors(other).min()
def photos(model): return table('photos').set_index('model').right[model]
def near(some, other): return abs(errors(some).mean() - errors(other).mean()) < 2
def took(how, images, what=''): return table('speed').query('how == @how and images == @images and what.str.contains(@what)').seconds.item()


def claims_of_README(out, tie, quote):
    quote('README', "727 parameters, fewer than the linear model's 785", runs(TINY).parameters[37], runs(LINEAR).parameters[37])
    tie('README', 'makes hardly any errors', errors(TINY).median() == 0 and errors(TINY).mean() <= .5 and errors(TINY).max() <= 1)
    tie('README', 'no better than a linear model here, and what makes it much better', near(SMALL, LEARNER) and below(WITH_RELU, SMALL))
    tie('README', 'eleven random starts, six for resnet18', [len(errors(rung)) for rung in RUNGS[1:]] == [11, 11, 11, 6, 11])
    minutes = table('notebooks').query('notebook.str.startswith("0")').seconds.sum()/60
    tie('README', 'takes three to six minutes on two CPU cores', 3 <= minutes <= 6)
    times = re.findall(r'\| (\d+) min \| (\d+) min \|', Page('index').prose['map'])
    read, solve = (sum(map(int, column))/60 for column in zip(*times))
    tie('README', 'about eight hours to read and try everything, and five or six more', 7.5 < read < 8.6 and 5 <= solve <= 6)
    quote('README', 'On 362 simulated photos of other people\'s digits, the tiny network was right 358 times', 362, photos('tiny network'))

def claims_of_index(out, tie, quote):
    tie('what', "it's the best of them all", below(TINY, RESNET))
    for name, said in re.findall(r'\((\w+)\.ipynb\).*\| (\d+) s \|', Page('index').prose['map']):
        tie('map', f'| {said} s |', abs(int(said) - table('notebooks').set_index('notebook').seconds[name]) <= max(5, .15*int(said)))

def claims_of_01_pixel_similarity(out, tie, quote):
    quote('ladder-opening', '95 of 100 new images', 100*out('program-accuracy')[0], 100)
    quote('program-verdict', 'Better than 95 in 100,', 100*out('program-accuracy')[0], 100)
    quote('standard-error-read', 'between 0.94 and 0.96', *(out('program-accuracy')[0] + k*out('standard-error')[0] for k in (-2, 2)))

def claims_of_02_linear_sgd(out, tie, quote):
    accuracy = [1 - errors(rung)[37]/2038 for rung in (MEANS, RMSE)]
    quote('twenty-verdict', 'the mean absolute difference (0.9514) and RMSE (0.9661)', *accuracy)
    tie('twenty-verdict', 'That beats both models from lesson 01', out('twenty')[-1] > max(accuracy))
    tie('sorted-verdict', 'It calls everything a 3', (errors('02, sorted, one epoch') == 1028).all())
    tie('sorted-verdict', 'At lr 1 it recovers', below('02, nothing left out', '02, sorted') and errors('02, sorted').max() < 204)
    tie('sorted-verdict', 'nothing brings them back', (errors('02, sorted, lr 10, ten epochs') == 1028).all())
    tie('zero-verdict', 'It trails the correct loop', all(np.less(out('no-zero')[:5], out('no-zero')[5:])))
    _, quick, slow = out('batch-size')[7::5]
    tie('batch-size-verdict', '2,000 steps take many times as long as eight', slow > 10*quick)
    quote('sigmoid-intro', '2.718', np.e)

def claims_of_03_basic_optim(out, tie, quote):
    quote('rung-why', '36 errors again, just like rung 2', errors(LEARNER)[37], 2)
    tie('rung-why', 'moves the count by an image or two', all(abs(errors(rung) - 36).max() <= 2 for rung in (LINEAR, LEARNER)))
    _, shrunk, centered = out('coaster-table')[7::7]
    tie('coaster-read', 'training still crawls', shrunk > 10*centered and agree('7.38', out('coaster-best')[0]))

def claims_of_04_simple_net(out, tie, quote):
    quote('honest-intro', '35 errors', 2038*(1 - out('final')[0]))
    quote('honest-intro', 'rungs 2 and 3 made 36', 2, 3, errors(LINEAR)[37])
    quote('no-relu-verdict', '36.4 errors on average with the ReLU, 37.1 without', errors(SMALL).mean(), errors(NO_RELU).mean())
    for name in ('mnist_loss at 1', 'mnist_loss at 2', 'mnist_loss at 5', 'cross-entropy at 0.5'):
        loss, lr = name.split(' at ')
        cells = [f'{e.mean():.1f} ({e.min()} to {e.max()})' for e in (errors(f'04, {name}'), errors(f'04, {name}, two linear layers'))]
        tie('ce-verdict', f'{loss.replace("mnist_loss", "`mnist_loss`")}, lr {lr} | {" | ".join(cells)} |', True)
    tie('ce-verdict', 'nearly halves the errors', .5 < out('ce-run')[-2]/out('ce-run')[-1] < .65)
    tie('ce-moral', 'its worst run beats the best one without it', below(WITH_RELU, TWO_LINEAR) and below(WITH_RELU, ONE_LINEAR))
    quote('ce-moral', '35.7 errors, and two linear layers average 33.9', errors(ONE_LINEAR).mean(), errors(TWO_LINEAR).mean())
    tie('ce-moral', 'the single layer could have come out ahead', errors(TWO_LINEAR).nlargest(3).mean() > errors(ONE_LINEAR).mean())
    tie('dead-read', 'several are dead, and the network hardly', out('dead')[5] >= 5 and out('dead')[7] <= 26 and out('dead')[9] == 30)
    quote('overfit-read', 'about 20 errors', errors(WITH_RELU).mean())
    quote('close-intro', '19.7 errors on average instead of 36.4', errors(WITH_RELU).mean(), errors(SMALL).mean())

def claims_of_05_resnet18(out, tie, quote):
    tie('shuffle-verdict', "It doesn't even notice", abs(np.subtract(*out('shuffle-train'))) <= 10)
    tie('shortcut-verdict', 'learns almost nothing', out('shortcut-run')[0] > 500 > 3*out('shortcut-with')[0])
    quote('where-params', '11.7 million', runs(RESNET).parameters[37]/1e6)
    tie('fit-read', 'more than 99 out of 100', out('preds')[0]/out('preds')[1] < .01)
    tie('sure-verdict', "It's often sure of itself even when it's wrong", out('sure')[0] > .3)
    quote('close', 'left 4 to 13 errors', errors(RESNET).min(), errors(RESNET).max())
    tie('close', 'most of the errors are gone', errors(RESNET).max() < .5*errors(SMALL).min())
    tie('close', 'a lot more time', quickest(RESNET) > 10*quickest(SMALL))
    quote('close', 'down to about 20 errors', errors(WITH_RELU).mean())

def claims_of_06_tiny_cnn(out, tie, quote):
    quote('ladder-opening', '785, and it makes 36 errors', runs(LINEAR).parameters[37], errors(LINEAR).mean())
    quote('ladder-opening', 'makes about 9', errors(RESNET).mean())
    tie('ladder-opening', 'six times it made no errors at all, and five times just one', sorted(errors(TINY)) == [0]*6 + [1]*5)
    tie('shift-verdict', 'Two pixels are enough to ruin it', min(out('shift')[1], out('shift')[5]) > 3*out('shift')[3])
    tie('fit-read', 'no worse than resnet18', errors('06, three epochs').mean() <= errors(RESNET).mean())
    tie('switch-verdict', 'No big difference', abs(np.subtract(*out('switch'))) <= 10)
    names = ['three epochs', 'twenty epochs', 'augmented', 'bent', 'label smoothing', 'TTA', 'twice as much', 'two quick epochs', 'SVC']
    three, twenty, augmented, bent, smooth, tta, twice, quick, machine = [
        runs(f'06, held out, {name}').held_out.astype(int).mean()/(12396/5)*2038 for name in names]
    tie('candidates-read', 'augmentation helps a lot', augmented < .6*twenty < .6*three and twice > 1.5*twenty)
    tie('candidates-read', 'Adding label smoothing even seems to hurt', bent < smooth)
    tie('candidates-read', '*TTA* has the fewest', tta == min(three, twenty, augmented, bent, smooth, tta, twice, quick, machine))
    quote('limit-read', 'about 1.8 errors per 2,038', tta, 2038)
    tie('again-read', 'hardly notices', max(out('again')) <= 10)
    tie('small-read', 'a third as many errors', .25 < errors('06, 1-2-3').mean()/errors(LINEAR).mean() < .4)
    tie('small-read', 'none of the four networks made any errors', errors('06, 8-16-32').tolist() == [0]*4)
    tie('others-read', 'five errors', errors('scikit-learn, SVC')[37] == 5 and errors('06, two quick epochs').mean() < 5)
    tie('others-read', 'in half the time', quickest('06, two quick epochs') < .55*quickest('scikit-learn, SVC'))
    quote('others-read', 'makes 5.3 errors per 2,038, and the support vector machine makes 6.6', quick, 2038, machine)

def claims_of_bonus_linear_limits(out, tie, quote):
    found = [*out('perfect-run')[2::3], out('least-squares')[1], errors(LINEAR).mean()]
    quote('perfect-read', 'between 30 and 43 errors', min(found), max(found))
    tie('control-intro', 'Almost half of the errors are gone', .5 < out('deskewed-errors')[0]/out('least-squares')[1] < .6)
    tie('control-read', 'changes next to nothing', abs(out('control-errors')[0] - out('least-squares')[1]) <= 2)
    tie('nearest-read', 'far fewer than the neural network on rung 4', out('nearest-table')[-1] < .5*errors(SMALL).min())
    left = [errors(f'{rung}, deskewed').mean()/errors(rung).mean() for rung in (LINEAR, LEARNER)]
    tie('rungs-read', 'a third of their errors', .28 < min(left) and max(left) < .38)

def claims_of_07_handwriting(out, tie, quote):
    boosting, neighbor, machine = (f'scikit-learn, {name}' for name in ('gradient boosting', 'nearest neighbor', 'SVC'))
    said = 'from about 15 errors in 2,038 images to about 59 in 362'
    tie('others-verdict', said, 15 <= errors(boosting).mean() < 16 and 59 <= others(boosting).mean() < 60)
    tie('others-verdict', 'the best of the three', others(neighbor)[37] < min(others(machine)[37], others(boosting).min()))
    tie('others-verdict', 'never made more than one error before', errors(TINY).max() == 1)
    quote('others-verdict', 'makes between 0 and 13 now', others(TINY).min(), others(TINY).max())
    quote('others-verdict', 'one run makes 8 errors, and another makes 54', *others(WITH_RELU).agg(['min', 'max']))
    tie('others-verdict', 'every image right in all four runs', others('06, 8-16-32').tolist() == [0]*4)
    tie('photos-read', 'about 99 out of 100 right', 98.5 < 100*photos('tiny network')/362 < 99.5)
    tie('photos-read', 'miss a few more', all(300 < photos(model) < 350 for model in ('pixel similarity', 'small network')))
    expected, made = out('expectation-run')[::3], out('expectation-run')[2::3]
    tie('reliability-read', 'about twice as many errors as it expects', all(1.7 < m/e < 2.3 for m, e in zip(made[:2], expected)))
    tie('reliability-read', 'expects a few dozen errors, and makes hardly any', min(expected[2:]) > 24 and max(made[2:]) <= 5)
    _, distance, confidence, disagreement = zip(*[iter(out('refuse-table'))]*3)  # limit, other digits, blurred
    tie('refuse-read', 'one in five of the 3s and 7s', .18 < confidence[2]/100 < .22)
    tie('refuse-read', 'the best sign', confidence[1] > disagreement[1] > distance[1])
    tie('refuse-verdict', 'holds up when the images change', disagreement[2] < 2)
    tie('neither-digits-intro', 'more than a quarter of the other digits', .25 < out('neither-test')[2]/100 < .33)
    wrong = table('ten_digits').query('digit != read_as')
    large, small = (wrong[wrong.network == network].groupby('seed').images.sum().median() for network in ('8-16-32', '4-5-8'))
    quote('ten-read', 'about 99.5% right', 100 - large/100)
    tie('ten-read', 'less than a third as many errors', large < small/3)
    tie('ten-intro', 'more than 98% right', small < 200)
    pairs = wrong[wrong.network == '8-16-32'].groupby(['digit', 'read_as']).images.sum()
    tie('ten-read', 'such as 4 and 9, or 3 and 5', {(9, 4), (5, 3)} == set(pairs.nlargest(2).index))
    tie('ten-read', 'Once, in more than six thousand predictions', pairs.get((3, 7), 0) + pairs.get((7, 3), 0) == 1)

def claims_of_bonus_distributed(out, tie, quote):
    tie('equal-read', 'no parameter is ever off by more than about a ten-millionth', max(n for n in out('equal-run') if n < 1) <= 1e-7)
    tie('break-read', 'a thousand times larger than the rounding error', 500 < out('break-script')[2]/out('break-script')[0] < 2000)
    wrong = [table(f'ten_digits{name}').query('digit != read_as') for name in ('', '_2')]
    wrong = [runs.groupby(['network', 'seed']).images.sum() for runs in wrong]
    (small, small_2), (large, large_2) = ([runs[network] for runs in wrong] for network in ('4-5-8', '8-16-32'))
    tie('ten-read', 'both averages are 46', large.mean() == large_2.mean() == 46)
    quote('ten-read', 'two processes average 165 and one process 153', small_2.mean(), small.mean())
    quote('ten-read', 'from 8 fewer errors to 44 more', (small - small_2).max(), (small_2 - small).max())
    computing, line, ddp = [out('faster-time')[i::9] for i in (4, 7, 10)]  # how many times faster, for either network
    tie('faster-read', 'about as long as one', .6 < min(computing) and max(computing) < 1.5)
    tie('faster-read', 'two processes are *slower*', max(line + ddp) < .9)
    tie('faster-read', 'it loses less', all(a < b for a, b in zip(line, ddp, strict=True)))
    machines, faster, price, _, slow_price = out('cost-time')[-5:]
    tie('cost-read', 'only about twice as fast, for more than ten times the price', 1.5 < faster < 2.5 and price > 10)
    tie('cost-read', 'about four times as long as with one', 3 < slow_price/machines < 5)

def claims_of_bonus_speed(out, tie, quote):
    tie('ways-read', 'takes seconds', took('PNG files', 14434) > 1 > 100*took('one file of tensors', 14434))
    tie('ways-read', 'is *slower*', took('fused Adam, bfloat16', 256, 'tiny') > took('fused Adam, float32', 256, 'tiny'))
    tie('course-read', 'a better loss with a better learning rate', quickest(WITH_RELU) <= quickest(SMALL) and below(WITH_RELU, SMALL))


@pytest.mark.parametrize('name', PAGES)
def test_the_prose_says_what_was_measured(name):
    page = Page(name)
    if claims := globals().get(f'claims_of_{name.replace("/", "_")}'): claims(page.out.__getitem__, page.tie, page.quote)
    page.find_untied()
    assert not page.wrong, '\n'.join(['', *page.wrong])


def test_what_was_not_measured_is_noticed():
    page = Page('02_linear_sgd')
    page.out = {}  # so that no cell explains its numbers
    page.tie('twenty-verdict', 'we have passed rung 7', True)
    page.quote('unsqueeze-verdict', '0.5044', .5045)
    page.find_untied()
    assert len(page.wrong) > 2 and 'no longer says' in page.wrong[0] and '(0.5045,)' in page.wrong[1] and "'0.9514'" in page.wrong[2]
    assert {f'claims_of_{name.replace("/", "_")}' for name in PAGES} >= {name for name in globals() if name.startswith('claims_of_')}
