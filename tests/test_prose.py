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
RUNGS = [stem(lesson) for lesson in course.LESSONS]
MEANS, LINEAR, LEARNER, SMALL, RESNET, TINY = RUNGS
RMSE, SLOW, NO_RELU = '01, RMSE', '05, lr 0.01', '04, without ReLU'
WITH_RELU, TWO_LINEAR, ONE_LINEAR = (f'04, cross-entropy at 0.5{which}' for which in ('', ', two linear layers', ', one linear layer'))
ADAM, AUGMENTED = (f'06, simple_net by Adam, batches of 64{which}' for which in ('', ', augmented'))


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
def quickest(rung): return runs(rung).seconds.min()
def others(rung): return runs(rung).others.astype(int)
def misread(rung, image): return np.mean([image in names.split() for names in runs(rung).misread])  # in what share of the runs
def below(some, other): return errors(some).max() < errors(other).min()
def near(some, other): return abs(errors(some).mean() - errors(other).mean()) < 2
def took(how, images, what=''): return table('speed').query('how == @how and images == @images and what.str.contains(@what)').seconds.item()


def claims_of_README(out, tie, quote):
    tie('README', 'has by far the fewest errors', errors(TINY).max() < .5*min(errors(rung).mean() for rung in RUNGS[:-1]))
    tie('README', 'no better than a linear model here, and what makes it much better', near(SMALL, LEARNER) and below(WITH_RELU, SMALL))
    tie('README', 'eleven random starts, six for resnet18', [len(errors(rung)) for rung in RUNGS[1:]] == [11, 11, 11, 6, 11])
    tie('README', 'takes three to six minutes on two CPU cores', 3 <= sum(table('notebooks').query('notebook in @RUNGS').seconds)/60 <= 6)
    times = re.findall(r'\| (\d+) min \| (\d+) min \|', Page('index').prose['map'])
    read, solve = (sum(map(int, column))/60 for column in zip(*times))
    tie('README', 'about eight hours to read and try everything, and four or five more', 7 < read < 8.5 and 4 <= solve <= 5)

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
    quote('where-params', '11.7 million parameters', max(out('ladder'))/1e6)
    _, _, _, right_3s, wrong_3s, _, wrong_7s, right_7s = out('confusion')
    sure_wrong, sure_right = np.multiply(out('sure') + out('sure-right'), [wrong_3s + wrong_7s, right_3s + right_7s])
    tie('sure-verdict', 'more than 99 in 100 are right', sure_right/(sure_right + sure_wrong) > .99)
    quote('toolkit', 'about 20 errors', errors(WITH_RELU).mean())
    quote('toolkit', 'we counted 3 to 11', errors(RESNET).min(), errors(RESNET).max())
    tie('ladder-verdict', 'nearly two thirds of the errors', .6 < 1 - errors(LINEAR).mean()/errors(MEANS).mean() < .667)
    tie('ladder-verdict', 'for a few seconds of computing', quickest(LINEAR) < 5)
    tie('ladder-verdict', 'removes most of what is left', errors(RESNET).max() < .5*errors(SMALL).min())
    tie('ladder-verdict', 'many times the time', quickest(RESNET) > 10*quickest(SMALL))

def claims_of_06_tiny_cnn(out, tie, quote):
    tie('title', 'in about the same time', quickest(TINY) < 1.2*quickest(RESNET))
    tie('ladder-opening', 'about eight of the 2,038 images', round(errors(RESNET).mean()) == 8)
    quote('line-intro', 'Rungs 2 and 3 ended at about 36 errors', 2, 3, (errors(LINEAR).mean() + errors(LEARNER).mean())/2)
    lines = [errors(LINEAR).mean(), errors(LEARNER).mean(), out('least-squares-solve')[1], *out('logistic-run')[3::4]]
    quote('logistic-read', '30 to 43 errors, an accuracy of 0.985', min(lines), max(lines), 1 - min(lines)/2038)
    tie('nearest-read', 'fewer errors than the neural network of rung 4', out('nearest-table')[-1] < errors(SMALL).min())
    tie('upright-read', 'comes close to resnet18', errors(f'{LEARNER}, deskewed').mean() < 1.6*errors(RESNET).mean())
    left = [errors(f'{rung}, deskewed').mean()/errors(rung).mean() for rung in (LINEAR, LEARNER, SMALL)]
    tie('upright-read', 'a third of their errors', .28 < min(left) and max(left) < .38)
    three, twenty, augmented, bent, twice, smooth, tta = out('candidates')[::2]
    tie('candidates-read', 'Augmentation, bending and nine looks seem to help', augmented < twenty and bent < augmented and tta < smooth)
    tie('candidates-read', 'twice as much seem not to', three < twenty and bent < min(smooth, twice))
    tie('flatter-read', 'no better than the rest', out('flatter')[-1] >= out('flatter')[-3])
    tie('seeds-read', 'In ten of the eleven starts not one', sorted(errors(TINY)) == [0]*10 + [1])
    tie('seeds-read', 'four networks made three errors', tta == 3 and len(errors('06, held out, nine looks')) == 4)
    tie('steps-net-read', 'a seventh of its errors', 6.5 < errors(SMALL).mean()/errors(AUGMENTED).mean() < 7.5)
    tie('steps-cnn-read', 'makes no more errors', errors('06, one epoch').mean() <= errors(SLOW).mean())
    tie('steps-cnn-read', 'in a small part of the time', quickest('06, one epoch') < quickest(SLOW)/10)
    tie('steps-cnn-read', 'from one to hardly any', .7 < errors('06, twenty epochs').mean() < 1.3 and errors(TINY).mean() < .2)
    tie('opinions-read', 'every run of rungs 1 to 5, and by none', [misread(rung, '7/3767') for rung in RUNGS] == [1, 1, 1, 1, 1, 0])
    tie('opinions-read', 'The simple models get it right without effort', all(misread(rung, '7/726') == 0 for rung in RUNGS[:4]))
    shares = [misread(f'06, {name}', '7/726') for name in ('augmented', 'bent', 'label smoothing')]
    tie('opinions-read', 'none misses it without bending, three of four do with bending, one of four with', shares == [0, 3/4, 1/4])
    tie('others-verdict', 'and worse here', others(RMSE)[37] > others(MEANS)[37])
    tie('others-verdict', 'does not help here', others(WITH_RELU).mean() > others(SMALL).mean())
    ends = [end for rung in (WITH_RELU, SMALL) for end in others(rung).agg(['min', 'max'])]
    quote('others-verdict', 'from 8 to 54 errors, where before all made 13 to 15', *ends)
    tie('others-verdict', 'far better here', others(ADAM).mean() < .3*others(SMALL).mean())
    quote('trust-read', 'in 93 of 100 cases, and is right in 85', 100*out('trust-table')[1], 100, 100*out('trust-table')[2])
    tie('time-read', 'takes seconds', took('PNG files', 14434) > 1 > 100*took('one file of tensors', 14434))
    tie('time-read', 'about a fifth of the time', .75 < took('batch_loader', 12396)/took('DataLoader of list(zip)', 12396) < .85)
    tie('time-read', 'three times *slower*', took('fused Adam, bfloat16', 256, 'tiny') > 3*took('fused Adam, float32', 256, 'tiny'))
    tie('time-read', 'thirty times *slower*', took('fused Adam, bfloat16', 64, 'resnet') > 25*took('fused Adam, float32', 64, 'resnet'))
    tie('picture-read', 'a better loss with a better learning rate', quickest(WITH_RELU) <= quickest(SMALL) and below(WITH_RELU, SMALL))
    tie('picture-read', "the largest network doesn't make the fewest errors", below(TINY, RESNET))


@pytest.mark.parametrize('name', PAGES)
def test_the_prose_says_what_was_measured(name):
    page = Page(name)
    if claims := globals().get(f'claims_of_{name}'): claims(page.out.__getitem__, page.tie, page.quote)
    page.find_untied()
    assert not page.wrong, '\n'.join(['', *page.wrong])


def test_what_was_not_measured_is_noticed():
    page = Page('02_linear_sgd')
    page.out = {}  # so that no cell explains its numbers
    page.tie('twenty-verdict', 'we have passed rung 7', True)
    page.quote('unsqueeze-verdict', '0.5044', .5045)
    page.find_untied()
    assert len(page.wrong) > 2 and 'no longer says' in page.wrong[0] and '(0.5045,)' in page.wrong[1] and "'0.9514'" in page.wrong[2]
    assert {f'claims_of_{name}' for name in PAGES} >= {name for name in globals() if name.startswith('claims_of_')}
