"""Every measured number in the prose, and every 'better', is what a cell has printed or the evidence says.

To quote a number, add a line to `CLAIMS`: the cell, its words, and where they stand. `out` gives the numbers that a cell has
printed, by its id; `errors` the errors of a rung over its seeds. What comes back is either the numbers of the quoted words,
which must agree to the last digit that is quoted, or whether the words are true. That the stored outputs are those of a fresh
run is for test_repeatable.py.
"""
import math
import os
import re
import sys
from functools import cache
from inspect import signature

import nbformat
import numpy as np
import pytest
import torch

import course
import evidence
import outputs
from evidence import errors_of as errors
from mnist37.tiny_cnn import tiny_learner
from outputs import NUMBER, stem

@cache
def cells(page):
    "Sources of the cells of a notebook by id, or README.md as a single one"
    if page == 'README': return {'README': (course.ROOT/'README.md').read_text(encoding='utf-8')}
    return {cell.id: cell.source for cell in nbformat.read(course.NBS/f'{page}.ipynb', as_version=4).cells}


def places(words, text):
    "Where `words` stand in `text`, whatever its line breaks"
    return [found.span() for found in re.finditer(r'\s+'.join(map(re.escape, words.split())), text)]


@cache
def stored(page): return outputs.printed(course.NBS/f'{page}.ipynb')


def printed(page, cell): return stored(page)[cell]


def rung(n):
    "Errors, parameters and seconds of the n-th rung in the ladder that 05 stores"
    nb = nbformat.read(course.NBS/'05_resnet18.ipynb', as_version=4)
    table = next(cell for cell in nb.cells if cell.id == 'ladder').outputs[0].data['text/markdown']
    _, _, _, errors, parameters, _, seconds = [cell.strip().replace(',', '') for cell in table.splitlines()[n + 1].strip('|').split('|')]
    return int(errors.split()[0]), int(parameters), float(seconds)


def sure_and_right(page='05_resnet18'):
    "Of the answers that resnet18 was sure of, the share of right ones"
    (wrong, right), (right_3s, wrong_3s, _, wrong_7s, right_7s) = printed(page, 'sure'), printed(page, 'confusion')[3:]
    sure_and_right, sure_and_wrong = right*(right_3s + right_7s), wrong*(wrong_3s + wrong_7s)
    return sure_and_right/(sure_and_right + sure_and_wrong)


def below(some, others):
    "Whether one is better than the other from every seed"
    return errors(some).max() < errors(others).min()


@cache
def seconds(*notebooks):
    table = evidence.load(evidence.NOTEBOOKS).set_index('notebook').seconds
    return int(sum(table[name] for name in notebooks))


@cache
def gigabytes(folder):
    return sum(os.lstat(os.path.join(place, name)).st_blocks*512 for place, _, names in os.walk(folder) for name in names)/1e9


def room_on_linux():
    "Of the environment, where it is the one that README speaks of"
    return gigabytes(sys.prefix) if sys.platform == 'linux' and torch.version.cuda and sys.prefix.endswith('.venv') else 7


def quickest(rung):
    "Seconds of the quickest run of a rung"
    table = evidence.load()
    return table[table.rung == rung].seconds.min()


def of_others(rung):
    "Errors of a rung on the images of other hands, run by run"
    table = evidence.load()
    return table[table.rung == rung].others.astype(int)


def others(rung): return of_others(rung).mean()


def candidate(name):
    "Errors of a candidate of 06 on the images held out, of all seeds"
    table = evidence.load()
    return table[table.rung == f'06, held out, {name}'].held_out.astype(int).sum()


def misread(rung, image):
    "Share of the runs of a rung that misread an image"
    table = evidence.load()
    return table[table.rung == rung].misread.str.split().map(lambda names: image in names).mean()


def upright(rung): return errors(f'{rung}, deskewed').mean()


@cache
def confusion(): return evidence.load(course.ROOT/'evidence'/'ten_digits.csv').query('seed == 37').set_index(['digit', 'read_as']).images


def confused(digit, answer): return int(confusion()[digit, answer])


def took(how, images, step='a step of resnet18'):
    "Seconds according to evidence/speed.csv; of a step, that of `step`"
    table = evidence.load(course.ROOT/'evidence'/'speed.csv')
    return table[(table.how == how) & (table.images == images) & (table.what.eq(step) | ~table.what.str.startswith('a step'))].seconds.item()


def slower(images, step):
    "How many times a step takes longer with numbers of 16 bits"
    return took('fused Adam, bfloat16', images, step)/took('fused Adam, float32', images, step)


def saved(images): return took('Adam, float32', images)/took('fused Adam, float32', images)


def search(): return evidence.load(course.ROOT/'evidence'/'search.csv')


def by_change(change): return search().set_index('change').nine_looks[change]


def lines(out):
    "Validation errors of every straight line that 06 looks at"
    return [errors(rung).mean() for rung in ('02_linear_sgd', '03_basic_optim')] + out('least-squares-solve')[1:] + out('logistic-run')[4::5]


WITH_RELU, TWO_LINEAR, ONE_LINEAR = (f'04, cross-entropy at 0.5{name}' for name in ('', ', two linear layers', ', one linear layer'))
BY_ADAM = '06, simple_net by Adam, batches of 64'
AUGMENTED = f'{BY_ADAM}, augmented'
UPRIGHT = evidence.UPRIGHT
CHAIN = ['three epochs', 'twenty epochs', 'augmented', 'bent', 'label smoothing', 'nine looks']
CANDIDATES = ['three epochs', 'twenty epochs', 'augmented', 'bent', 'twice as much', 'label smoothing', 'nine looks']
SHOWN = ['01_pixel_similarity', '01, RMSE', '02_linear_sgd', '03_basic_optim', '04_simple_net', WITH_RELU, '05_resnet18', '05, lr 0.01',
         BY_ADAM, AUGMENTED, '06, twenty epochs', '06_tiny_cnn']
LESSONS = [stem(notebook) for notebook in course.NOTEBOOKS]
CLAIMS = {
    'README': [
        ('README', 'answered better or said more simply', lambda out: below('02_linear_sgd', '01_pixel_similarity') and below('05_resnet18', '04_simple_net')),
        ('README', 'it is hardly better than rung 3', lambda out: abs(errors('04_simple_net').mean() - errors('03_basic_optim').mean()) < 2),
        ('README', 'what makes it much better', lambda out: errors(WITH_RELU).mean() < .6*errors('04_simple_net').mean()),
        ('README', 'means over eleven random starts, six for resnet18', lambda out: {len(errors(stem(lesson))) for lesson in course.LESSONS if '05' not in stem(lesson)} == {11} and len(errors('05_resnet18')) == 6),
        ('README', 'in about seven minutes', lambda out: 6 < seconds(*LESSONS)/60 < 8),
        ('README', '`.venv` takes 7 GB', lambda out: room_on_linux()),
    ],
    'index': [
        ('title', 'most of them better or more simply than the one before', lambda out: below('02_linear_sgd', '01_pixel_similarity') and below('05_resnet18', '04_simple_net')),
        ('what', 'a tiny one that does better than the large one', lambda out: below('06_tiny_cnn', '05_resnet18')),
        ('need', '7 GB of disk', lambda out: room_on_linux()),
    ],
    '01_pixel_similarity': [
        ('ladder-opening', 'most answer it better', lambda out: below('02_linear_sgd', '01_pixel_similarity') and below('05_resnet18', '04_simple_net')),
        ('ladder-opening', 'thirty times as many numbers', lambda out: round(printed('04_simple_net', 'count')[0]/785) == 30),
        ('ladder-opening', 'more than eleven million numbers', lambda out: 11e6 < rung(5)[1] < 12e6),
        ('ladder-opening', 'a third of the errors', lambda out: .25 < errors('05_resnet18').mean()/errors('04_simple_net').mean() < .37),
        ('ladder-opening', 'the fewest errors', lambda out: all(below('06_tiny_cnn', rung) for rung in evidence.RECIPES if ',' not in rung and rung != '06_tiny_cnn')),
        ('counts-intro', 'about equally frequent', lambda out: .95 < out('counts')[0]/out('counts')[1] < 1.05),
        ('stack-intro', '6,131 small tensors', lambda out: out('counts')[0]),
        ('uint8-trap', '3 - 7 is not -4', lambda out: out('uint8-wraps') == [252]),
        ('ink-intro', 'A 3 takes more ink than a 7', lambda out: out('ink')[0] > out('ink')[1]),
        ('ink-verdict', 'Better than always answering *7*, but still poor', lambda out: out('constant')[0] < out('ink-accuracy')[0] < .8),
        ('cancel', 'almost zero', lambda out: abs(out('a-3')[0]) < .01),
        ('distances-verdict', 'By both measures this 3 is closer to the mean 3', lambda out: out('distances-to-3')[0] < out('distances-to-7')[0] and out('distances-to-3')[1] < out('distances-to-7')[1]),
        ('two-averages', 'one 3 in twelve is not', lambda out: round(1/(1 - out('accuracy')[0])) == 12),
        ('two-averages', 'Nearly every 7', lambda out: out('accuracy')[1] > .98),
        ('two-averages-choice', '99 of 2,038', lambda out: out('errors')),
        ('how-sure', 'half a percentage point', lambda out: round(out('standard-error')[0], 3) == .005),
        ('train-accuracy-intro', 'do better there. This one does not', lambda out: out('train-accuracy')[0] < out('two-averages-code')[1]),
        ('blank-why', 'The 7s are recognised better than before, the 3s much worse', lambda out: out('ink-of-errors')[1] > out('accuracy')[1] and out('ink-of-errors')[0] < out('accuracy')[0] - .05),
        ('faint-errors-intro', 'thin 3s are missed most', lambda out: out('faint-errors') == sorted(out('faint-errors'))),
        ('shift-why', 'more than double the errors in either direction', lambda out: all(1 - moved > 2*(1 - out('shift-table')[10]) for moved in (out('shift-table')[7], out('shift-table')[13]))),
        ('rmse-intro', 'Does RMSE do better', lambda out: below('01, RMSE', '01_pixel_similarity')),
        ('rmse-paired-intro', 'Fewer errors, and not by chance alone', lambda out: (out('rmse-paired')[0] - out('rmse-paired')[1])/math.sqrt(sum(out('rmse-paired'))) > 3),
        ('record-intro', 'because it did better', lambda out: below('01, RMSE', '01_pixel_similarity')),
        ('record-intro', '69 errors', lambda out: out('rmse-accuracy')[1]),
        ('learned', '19 images in 20', lambda out: round(20*out('two-averages-code')[1]) == 19),
        ('questionnaire', '3 - 7 is 252', lambda out: [3, 7, *out('uint8-wraps')]),
        ('questionnaire', 'right for half of the images', lambda out: round(out('constant')[0], 1) == .5),
    ],
    '02_linear_sgd': [
        ('data-skips', 'the slope at 3 comes out as 20', lambda out: [3, *out('data-wrong')]),
        ('step-5', 'over ten thousand', lambda out: 10_000 < -out('step-4-code')[0] < 15_000),
        ('step-6', 'The loss has fallen', lambda out: out('step-5-code')[0] < out('step-3-code')[0]),
        ('crawl-why', 'over two hundred times as strongly as along b', lambda out: 200 < out('curvature')[0]/out('curvature')[1] < 300),
        ('crawl-why', 'over a hundred times as strongly as along c', lambda out: 100 < out('curvature')[1]/out('curvature')[2] < 200),
        ('crawl-why', 'below 4e-5', lambda out: 3e-5 < 2/out('curvature')[0] < 4e-5),
        ('crawl-why', 'tens of thousands of steps', lambda out: 10_000 < 1/(out('curvature')[2]*2/out('curvature')[0]) < 100_000),
        ('crawl-why', 'of the same size', lambda out: max(out('rescale')) < 5*min(out('rescale'))),
        ('rescale-run', 'fifty thousand times as large', lambda out: .5/1e-5 == pytest.approx(50_000)),
        ('rescale-run', 'it can do no better', lambda out: abs(out('rescale-code')[0] - out('rescale-code')[1]) < .001),
        ('metric-intro', 'Many pixels are blank', lambda out: out('dead-pixels')[0] > 100),
        ('nudge-why', 'Not one image changes sides', lambda out: out('nudge')[0] == out('nudge')[1]),
        ('twenty-verdict', 'mean absolute difference (0.9514) and RMSE (0.9661)', lambda out: [printed('01_pixel_similarity', 'two-averages-code')[1], printed('01_pixel_similarity', 'rmse-accuracy')[0]]),
        ('twenty-verdict', 'we have passed rung 1', lambda out: out('twenty')[-1] > printed('01_pixel_similarity', 'rmse-accuracy')[0]),
        ('twenty-verdict', 'faster or better', lambda out: below('05_resnet18', '02_linear_sgd')),
        ('saturation-verdict', 'most scores are where the sigmoid is flat', lambda out: out('saturation')[1] > .5),
        ('saturation-verdict', 'With small ones all are where it is steep', lambda out: out('saturation')[4:6] == [0, 0]),
        ('saturation-verdict', 'as good after one epoch as the other after more than ten', lambda out: out('first-epochs')[0] > out('first-epochs')[1]),
        ('sorted-verdict', 'calls everything a 3 (0.4956', lambda out: [3, 1 - errors('02, sorted, one epoch').mean()/2038]),
        ('sorted-verdict', 'After its first epoch at lr 1, the sorted run calls everything a 3', lambda out: errors('02, sorted, one epoch').eq(1028).all()),
        ('sorted-verdict', 'lags behind', lambda out: below('02, nothing left out', '02, sorted')),
        ('sorted-verdict', 'it never gets out', lambda out: errors('02, sorted, lr 10, ten epochs').eq(1028).all()),
        ('unsqueeze-verdict', '0.5044', lambda out: out('unsqueeze-train')[-1]),
        ('zero-verdict', 'It is worse', lambda out: below('02, nothing left out', '02, without clearing the gradient')),
        ('no-sigmoid-verdict', 'runs away below zero', lambda out: out('no-sigmoid')[-1] < -1000),
        ('no-sigmoid-verdict', 'the accuracy stands still', lambda out: len(set(out('no-sigmoid')[:5])) == 1),
        ('cosine', 'nearly the same', lambda out: out('no-sigmoid-means')[0] > .999),
        ('lr-sweep-verdict', 'rates of 1 to 10 do best', lambda out: min(out('lr-sweep')[i] for i in (13, 16)) > max(out('lr-sweep')[i] for i in (4, 7, 10, 19))),
        ('lr-sweep-verdict', 'first steps of hundredths', lambda out: .005 < out('gradient-size')[-1] < .05),
        ('lr-sweep-verdict', 'From large weights the gradients are smaller, and larger rates pay', lambda out: out('gradient-size')[1] < out('gradient-size')[3] and out('lr-sweep')[18] == max(out('lr-sweep')[i] for i in (3, 6, 9, 12, 15, 18))),
        ('lr-sweep-verdict', 'half a dozen images', lambda out: 4 <= .002*2038 <= .003*2038 <= 7),
        ('batch-size-verdict', 'The more steps, the farther', lambda out: out('batch-size')[2] < out('batch-size')[6] < out('batch-size')[10]),
        ('batch-size-verdict', 'cost hardly more time', lambda out: out('batch-size')[7] < 2*out('batch-size')[3]),
        ('batch-size-verdict', 'many times as long', lambda out: out('batch-size')[11] > 10*out('batch-size')[7]),
        ('notes-compare', 'ended within a standard error of that', lambda out: abs(out('twenty')[-1] - .9744) < math.sqrt(.9744*(1 - .9744)/2038)),
        ('questionnaire', 'more than twenty thousand times as strongly', lambda out: 20_000 < out('curvature')[0]/out('curvature')[2] < 30_000),
    ],
    '03_basic_optim': [
        ('fit-table', 'measured on the validation set', lambda out: out('fit-weighted')[0] == pytest.approx(out('fit')[3], abs=1e-6)),
        ('valley-intro', 'ends about where the plain optimizer\'s does (on the right)', lambda out: abs(out('momentum-proof-code')[0] - out('momentum-proof-code')[1]) < .003),
        ('recorder-read', 'At first the training loss is the higher one', lambda out: out('recorder')[1] > out('recorder')[2]),
        ('recorder-read', 'later it is the lower one', lambda out: out('recorder')[-3] < out('recorder')[-2]),
        ('rung-why', '36 errors', lambda out: rung(3)[0]),
        ('rung-why', 'moves them by an image or two', lambda out: all(errors(rung).max() - errors(rung).min() <= 4 for rung in ('02_linear_sgd', '03_basic_optim'))),
    ],
    '04_simple_net': [
        ('collapse-intro', 'thirty times as many parameters', lambda out: round(out('count')[0]/out('count')[1]) == 30),
        ('count-intro', 'Thirty times as many parameters', lambda out: round(out('count')[0]/out('count')[1]) == 30),
        ('xor-relu', 'It does not find it from every random start', lambda out: 0 < out('xor-starts')[0] < 20),
        ('notes-intro', '35 errors', lambda out: (1 - out('final')[0])*2038),
        ('honest-intro', '36 errors', lambda out: rung(3)[0]),
        ('no-relu-verdict', 'No difference worth the name', lambda out: abs(errors('04, as in the notes').mean() - errors('04, as in the notes without ReLU').mean()) < 2),
        ('no-relu-verdict', 'it is not 35 again', lambda out: out('no-relu-run')[0] != 35),
        ('ce-def', '2.3 more for every time', lambda out: math.log(10)),
        ('ce-verdict', 'neither the loss alone nor the rate alone makes a difference', lambda out: max(abs(out('ce-run')[i] - out('ce-run')[i + 1]) for i in (1, 4, 7)) <= 3 < out('ce-run')[11] - out('ce-run')[10]),
        ('ce-moral', 'about half the errors of the linear models', lambda out: all(.4 < errors(WITH_RELU).mean()/errors(linear).mean() < .62 for linear in (TWO_LINEAR, ONE_LINEAR))),
        ('ce-moral', 'from each of the three starts', lambda out: below(WITH_RELU, TWO_LINEAR) and below(WITH_RELU, ONE_LINEAR)),
        ('ce-moral', 'vary more from start to start', lambda out: errors(TWO_LINEAR).std() > 2*errors(ONE_LINEAR).std()),
        ('width-sweep-verdict', 'the network is no better than a linear model', lambda out: out('width-sweep')[2] > errors(ONE_LINEAR).mean() - 2),
        ('width-sweep-verdict', 'more width means fewer errors on the whole', lambda out: out('width-sweep')[14] < out('width-sweep')[8] < out('width-sweep')[2]),
        ('close-intro', 'It is no better than rung 3', lambda out: abs(errors('04_simple_net').mean() - errors('03_basic_optim').mean()) < 2),
        ('close-intro', 'by about fifteen errors', lambda out: 13 < errors('04_simple_net').mean() - errors(WITH_RELU).mean() < 18),
        ('questionnaire', '23,581', lambda out: out('count')[0]),
        ('questionnaire', 'as many errors with it as without', lambda out: abs(errors('04, as in the notes').mean() - errors('04, as in the notes without ReLU').mean()) < 2),
    ],
    '05_resnet18': [
        ('ladder-opening', '11.7 million parameters', lambda out: rung(5)[1]/1e6),
        ('where-params', '11.7 million parameters', lambda out: rung(5)[1]/1e6),
        ('where-params', 'Mostly in the last stage', lambda out: out('shapes-table')[23] > .7*rung(5)[1]),
        ('fit-read', 'The training loss is the higher one', lambda out: out('fit')[1] > out('fit')[2]),
        ('keep-intro', 'four bytes for every parameter', lambda out: out('keep')[0] == pytest.approx(out('keep')[1], rel=.01)),
        ('misread-judge', 'On this page most are 3s taken for 7s', lambda out: out('confusion')[4] > out('confusion')[6]),
        ('sure-verdict', 'it was sure more often than not', lambda out: out('sure')[0] > .5),
        ('sure-verdict', 'more than 99 in 100 are right', lambda out: sure_and_right() > .99),
        ('toolkit', 'about 19 errors', lambda out: errors(WITH_RELU).mean()),
        ('toolkit', 'more errors or fewer', lambda out: errors('05_resnet18').nunique() > 3),
        ('toolkit', 'with seeds 0 to 4 we counted 10, 7, 16, 14 and 11', lambda out: [0, 4, *errors('05_resnet18')[range(5)]]),
        ('ladder-verdict', 'nearly two thirds of the errors', lambda out: .6 < 1 - errors('02_linear_sgd').mean()/99 < .667),
        ('ladder-verdict', 'for a second of computing', lambda out: .5 < rung(2)[2] < 2),
        ('ladder-verdict', 'most of what is left', lambda out: errors('05_resnet18').max() < .5*errors('04_simple_net').min()),
        ('ladder-verdict', 'five hundred times the parameters', lambda out: round(rung(5)[1]/rung(4)[1], -2) == 500),
        ('ladder-verdict', 'ten to twenty times the time', lambda out: 10 < rung(5)[2]/rung(4)[2] < 20),
        ('learned', 'a few thousand parameters that makes fewer errors than this one', lambda out: printed('06_tiny_cnn', 'net-ratio')[0] < 10_000 and below('06_tiny_cnn', '05_resnet18')),
        ('questionnaire', '11.7 million parameters', lambda out: rung(5)[1]/1e6),
        ('questionnaire', 'more than 90 % sure of most', lambda out: out('sure')[0] > .5),
        ('questionnaire', 'more than 99 in 100 are right', lambda out: sure_and_right() > .99),
        ('questionnaire', 'resnet18 makes fewer errors than <code>simple_net</code>', lambda out: below('05_resnet18', '04_simple_net')),
        ('questionnaire', 'about 19 errors', lambda out: errors(WITH_RELU).mean()),
    ],
    '06_tiny_cnn': [
        ('title', '6,650 parameters', lambda out: out('net-ratio')[0]),
        ('title', 'better than resnet18 with its 11.7 million, in less time', lambda out: below('06_tiny_cnn', '05_resnet18') and quickest('06_tiny_cnn') < quickest('05_resnet18')),
        ('ladder-opening', 'about 11 of the 2,038 images', lambda out: [errors('05_resnet18').mean(), 2038]),
        ('ladder-opening', 'after two minutes of training', lambda out: 100 < quickest('05_resnet18') < 140),
        ('ladder-opening', 'leaves hardly an error', lambda out: errors('06_tiny_cnn').median() == 0),
        ('line-intro', '35 to 36 errors', lambda out: sorted(errors(rung).mean() for rung in ('02_linear_sgd', '03_basic_optim'))),
        ('logistic-read', 'every training image is right', lambda out: out('logistic-run')[-2] == 0),
        ('logistic-read', 'the validation images do not gain by it, on the contrary', lambda out: out('logistic-run')[-1] > out('logistic-run')[4]),
        ('logistic-read', 'make 30 to 43 errors', lambda out: [min(lines(out)), max(lines(out))]),
        ('logistic-read', 'the one with 30 was met on the way, not at the end', lambda out: out('logistic-run')[4] == 30 < out('logistic-run')[-1]),
        ('logistic-read', 'an accuracy of 0.985 at the best', lambda out: 1 - min(lines(out))/2038),
        ('nearest-read', 'fewer errors than the neural network of rung 4', lambda out: out('nearest-table')[-1] < errors('04_simple_net').min()),
        ('upright-read', 'Every mean falls', lambda out: all(upright(rung) < errors(rung).mean() for rung in UPRIGHT)),
        ('nearest-read', 'three of them for the upright digits', lambda out: all(len(errors(f'{rung}, deskewed')) == 3 for rung in UPRIGHT)),
        ('upright-read', 'left with a third of their errors', lambda out: all(.28 < upright(rung)/errors(rung).mean() < .38 for rung in ('02_linear_sgd', '03_basic_optim', '04_simple_net'))),
        ('upright-read', 'as good as resnet18 is', lambda out: abs(upright('03_basic_optim') - errors('05_resnet18').mean()) < 2),
        ('net-count', 'Not even a third of the parameters of rung 4', lambda out: out('net-ratio')[0] < out('net-ratio')[1]/3),
        ('net-count', 'one for every 1,760', lambda out: out('net-ratio')[2]),
        ('learner-intro', 'for .975 for the 3 and .025 for the 7', lambda out: signature(tiny_learner).parameters['label_smoothing'].default == 2*.025),
        ('search-intro', 'Some forty recipes', lambda out: 38 <= len(search()) <= 42),
        ('search-read', 'twenty epochs alone nearly halve the errors, and so does label smoothing alone', lambda out: all(.5 < by_change(name)/by_change('as it is') < .56 for name in ('20 epochs', 'label smoothing 0.1'))),
        ('search-read', 'less than a third of the errors that the search began with', lambda out: search().nine_looks.min() < search().nine_looks.iloc[0]/3),
        ('search-read', 'the best of 41', lambda out: len(search())),
        ('candidates-read', 'Augmentation, bending and nine looks seem to help; twenty epochs, label smoothing and changing the images twice as much seem not to', lambda out: [candidate(b) < candidate(a) for a, b in zip(CHAIN, CHAIN[1:])] == [False, True, True, False, True] and candidate('twice as much') > candidate('bent')),
        ('candidates-read', '10 or 5 or 8 may be luck', lambda out: [candidate('augmented'), candidate('bent'), candidate('label smoothing')]),
        ('candidates-read', 'which has the fewest errors here as well', lambda out: candidate('nine looks') < min(map(candidate, CANDIDATES[:-1]))),
        ('candidates-read', 'neither has an error on them', lambda out: sum(errors(f'06, held out, {name}').sum() for name in CANDIDATES[-2:]) == 0),
        ('flatter-read', 'little more than half the errors', lambda out: .5 < out('flatter')[-2]/out('flatter')[-4] < .65),
        ('flatter-read', 'not better than the rest at all', lambda out: out('flatter')[-1] >= out('flatter')[-3]),
        ('seeds-read', 'In ten of the eleven starts not one of the 2,038 images is misread', lambda out: len(errors('06_tiny_cnn')) == 11 and errors('06_tiny_cnn').eq(0).sum() == 10),
        ('seeds-read', 'in the other one a single image is', lambda out: errors('06_tiny_cnn').max() == 1),
        ('seeds-read', 'little more than half the time of an epoch of resnet18', lambda out: .5 < quickest('06_tiny_cnn')/quickest('05_resnet18') < .6),
        ('seeds-read', '11 of them on average', lambda out: errors('05_resnet18').mean()),
        ('seeds-read', 'about every eighth time', lambda out: round(1/.999**2038) == 8),
        ('seeds-read', 'four networks made three errors on 2,396 of them', lambda out: candidate('nine looks') == 3 and len(errors('06, held out, nine looks')) == 4),
        ('steps-net-read', 'could do far better all along', lambda out: below(AUGMENTED, '04_simple_net')),
        ('steps-net-read', 'a seventh of its errors', lambda out: round(errors('04_simple_net').mean()/errors(AUGMENTED).mean()) == 7),
        ('steps-cnn-read', 'does as well as it, after three seconds in place of two minutes', lambda out: 100 < quickest('05, lr 0.01') < 140 and abs(errors('06, one epoch').mean() - errors('05, lr 0.01').mean()) < 1 and 2 < quickest('06, one epoch') < 4),
        ('steps-cnn-read', 'together they bring the errors from one to hardly any', lambda out: errors('06, twenty epochs').mean() == pytest.approx(1, abs=.3) and errors('06_tiny_cnn').mean() < .2),
        ('opinions-read', '7/3767 is misread by every run of rungs 1 to 5, and by none of the finished tiny network', lambda out: all(misread(rung, '7/3767') == 1 for rung in evidence.RECIPES if ',' not in rung and rung != '06_tiny_cnn') and misread('06_tiny_cnn', '7/3767') == 0),
        ('opinions-read', 'so does every tiny network that saw unchanged images', lambda out: all(misread(f'06, {name}', '7/726') == 0 for name in ('one epoch', 'three epochs', 'twenty epochs'))),
        ('opinions-read', 'one in four misses it, three of four with bending, half with label smoothing', lambda out: [misread(f'06, {name}', '7/726') for name in ('augmented', 'bent', 'label smoothing')] == [1/4, 3/4, 1/2]),
        ('opinions-read', 'the simple models read it without effort', lambda out: all(misread(rung, '7/726') == 0 for rung in SHOWN[:5])),
        ('opinions-read', 'one of the eleven, whose only error it is', lambda out: misread('06_tiny_cnn', '7/726') == 1/11 and errors('06_tiny_cnn').sum() == 1),
        ('opinions-read', 'A better model can miss an image that a simpler one reads', lambda out: below('06_tiny_cnn', '02_linear_sgd') and misread('02_linear_sgd', '7/726') < misread('06_tiny_cnn', '7/726')),
        ('picture-read', 'Some steps cost nothing: a better loss with a better rate', lambda out: quickest(WITH_RELU) <= quickest('04_simple_net') and below(WITH_RELU, '04_simple_net')),
        ('picture-read', 'of which the first few pay more than the many that follow', lambda out: errors('06, one epoch').mean() - errors('06, three epochs').mean() > errors('06, three epochs').mean() - errors('06, twenty epochs').mean()),
        ('picture-read', 'the largest network stands farthest to the right, and not lowest', lambda out: all(quickest('05_resnet18') > quickest(rung) for rung in evidence.RECIPES if ',' not in rung and rung != '05_resnet18') and below('06_tiny_cnn', '05_resnet18')),
        ('others-verdict', 'misreads a larger share of these images', lambda out: sum(others(rung)/362 > errors(rung).mean()/2038 for rung in SHOWN) >= len(SHOWN) - 1),
        ('others-verdict', 'better than by mean absolute differences on the validation images, and worse here', lambda out: below('01, RMSE', '01_pixel_similarity') and others('01, RMSE') > others('01_pixel_similarity')),
        ('others-verdict', 'Cross-entropy at a rate of 0.5 halves the errors of the small network there', lambda out: errors(WITH_RELU).mean() < .55*errors('04_simple_net').mean()),
        ('others-verdict', 'does not help here', lambda out: others(WITH_RELU) > others('04_simple_net')),
        ('others-verdict', 'from 6 to 36 errors, where before all made 13 or 14', lambda out: [f(of_others(rung)) for rung in (WITH_RELU, '04_simple_net') for f in (min, max)]),
        ('others-verdict', 'far better here than anything its validation errors let us expect', lambda out: others(BY_ADAM) < .3*others('04_simple_net') and others(BY_ADAM) < .3*others(WITH_RELU)),
        ('others-verdict', 'makes the small network better still, in both places', lambda out: errors(AUGMENTED).mean() < errors(BY_ADAM).mean() and others(AUGMENTED) < others(BY_ADAM)),
        ('trust-read', 'it says that it is right in 95 of 100 cases, and is right in 80', lambda out: [100*out('trust-table')[1], 100, 100*out('trust-table')[2]]),
        ('trust-read', 'the difference is smaller', lambda out: 0 < out('trust-table')[4] - out('trust-table')[5] < out('trust-table')[1] - out('trust-table')[2]),
        ('trust-read', 'it is right more often than it says', lambda out: out('trust-table')[6] < out('trust-table')[7] and out('trust-table')[8] < out('trust-table')[9]),
        ('ten-read', 'More than 99.5 % of them are read correctly in this run', lambda out: sum(confused(i, i) for i in range(10)) > 9950),
        ('ten-read', '6s and 9s are misread most often', lambda out: set(sorted(range(10), key=lambda i: confused(i, i) - sum(confused(i, j) for j in range(10)))[:2]) == {6, 9}),
        ('ten-read', '4 and 9 are confused most', lambda out: max(((confused(i, j) + confused(j, i), i, j) for i in range(10) for j in range(i)))[1:] == (9, 4)),
        ('ten-read', 'Not one 3 is taken for a 7, and not one 7 for a 3', lambda out: confused(3, 7) == confused(7, 3) == 0),
        ('time-read', 'opening 14,434 files takes seconds, and reading the same numbers from a single file milliseconds', lambda out: took('PNG files', 14434) > 1 > 100*took('one file of tensors', 14434)),
        ('time-read', 'saves about a fifth of the time', lambda out: .15 < 1 - took('batch_loader', 12396)/took('DataLoader of list(zip)', 12396) < .25),
        ('time-read', 'bare slices save more', lambda out: all(took('slices', n) < took('batch_loader', n) for n in (2000, 6000, 12396))),
        ('time-read', 'pays most for small batches', lambda out: [saved(n) for n in (4, 16, 64)] == sorted(map(saved, (4, 16, 64)), reverse=True) and saved(64) > 1),
        ('time-read', 'more than three times *slower*', lambda out: 3 < slower(256, 'a step of tiny_cnn') < 4),
        ('time-read', 'about thirty times *slower*', lambda out: 28 < slower(64, 'a step of resnet18') < 33),
        ('ladder-verdict', 'fewer parameters than the first layer of resnet18 alone, fewer than the small network', lambda out: out('net-ratio')[0] < min(64*3*7*7, out('net-ratio')[1])),
    ],
    'solutions/01_pixel_similarity': [
        ('gained-same-ink', 'Half the ink no longer matters', lambda out: out('gain-same-ink')[1] == out('gain-same-ink')[3]),
        ('why-nearest-is-3', '25 million differences', lambda out: 12_396*2038/1e6),
        ('why-nearest-is-3', '80 GB', lambda out: round(12_396*2038*784*4/1e9, -1)),
        ('gained-nearest-is-3', 'Less than a sixth of the errors', lambda out: out('gain-nearest-is-3')[0] < errors('01_pixel_similarity').mean()/6),
    ],
    'solutions/02_linear_sgd': [
        ('why-slope', 'gives 6.01 for h = 0.01', lambda out: [out('gain-slope')[0], .01]),
        ('why-good-lr', 'from about 0.033 to 0.167', lambda out: [(1 - (.001/3)**.05)/10, (1 + (.001/3)**.05)/10]),
        ('gained-train-linear', '49 steps', lambda out: math.ceil(12_396/256)),
        ('gained-train-linear', 'they lead about as far', lambda out: abs(out('gain-train-linear')[0] - printed('02_linear_sgd', 'train-right')[3]) < .005),
    ],
    'solutions/03_basic_optim': [
        ('gained-smooth', 'the `train_loss` of the table', lambda out: out('gain-smooth')[0] == pytest.approx(printed('03_basic_optim', 'fit')[1], abs=1e-6)),
    ],
    'solutions/05_resnet18': [
        ('gained-confusion', '0.128', lambda out: sum(printed('01_pixel_similarity', 'ink'))/2),
        ('gained-residual', 'even enlarged', lambda out: out('gain-residual')[0] > 0),
        ('gained-residual', 'less than a millionth of a millionth', lambda out: out('gain-residual')[1] < -12),
    ],
}

# words that look measured and are not: what the notes say, definitions, questions, advice
GIVEN = [
    'the fewest and the most errors', 'call something better',
    'around 85 %', 'The notes report 0.9744', 'The notes have 0.982826', 'more than 90 % sure of this share', '90 % sure of',
    'at 0.075 it zigzags', 'To 0.978 on the digits', 'gets better by itself', 'One expects a program to do better there', 'finds better ones', 'It had better be',
    'better start', 'less than 0.001 away', 'more than 40 minutes', 'no better than one', 'Is it a better model', 'the better it looks', 'better ones gain',
    'the worse an image is misread', 'the model was worse when', 'makes it better still', 'trained on a million photographs',
    'If the network misreads fewer than ten', 'outputs are better empty', 'it will do a little worse', 'the run with the fewest validation errors', 'is the better judge',
    'Where several runs have the fewest', 'one may look better and be worse', 'A network that says "90 %"', 'seed 37, errors only', 'often do better than each of them', 'The cure is better found',
]


@pytest.mark.parametrize('page, cell, words, check', [(page, *claim) for page, claims in CLAIMS.items() for claim in claims],
                         ids=lambda part: part if isinstance(part, str) else '')
def test_what_is_said_is_what_was_measured(page, cell, words, check):
    assert places(words, cells(page)[cell]), f'{page}, cell {cell} no longer says {words!r}: change its line in CLAIMS, too'
    found = check(lambda cell: printed(page, cell))
    if isinstance(found, (bool, np.bool_)): assert found, f'{page}, cell {cell}: {words!r} is not true'
    else:
        said = [number.replace(',', '') for number in NUMBER.findall(words)]
        found = found if isinstance(found, list) else [found]
        for quoted, measured in zip(said, found, strict=True):
            digits = len(quoted.partition('.')[2])
            assert round(measured, digits) == float(quoted), f'{page}, cell {cell}: {words!r}, but measured was {measured}'


MEASURED = re.compile(r'(?<![\d.,])\d*\.\d{3,}|(?<![\d.,])[\d.,]+ (?:%|(?:errors?|seconds|minutes|milliseconds|GB|MB|million|thousand)\b)|\d+ (?:of [\d,]{4,}|in \d{2,})'
                      r'|\b(?:better|worse|fewer|fewest)\b')
HIDDEN = re.compile(r'<!-- (\w+) -->[\s\S]*?<!-- /\1 -->|```[\s\S]*?```|`[^`\n]+`|\]\([^)]*\)|<[^>]+>|^    .*$|^#+ .*$', re.M)  # made tables, code, links, headings


@pytest.mark.parametrize('page', ['README', *map(stem, course.ALL)])
def test_all_that_looks_measured_is_tied_to_a_measurement(page):
    for id, source in cells(page).items():
        if page != 'README' and nb_kind(page, id) != 'markdown' or id.startswith('links-') or id in ('map', 'glossary'): continue
        text = HIDDEN.sub(lambda match: re.sub(r'\S', ' ', match.group()), source)
        tied = [words for _, cell, words, _ in [(page, *claim) for claim in CLAIMS.get(page, [])] if cell == id] + GIVEN
        for match in MEASURED.finditer(text):
            assert any(start <= match.start() and match.end() <= end for words in tied for start, end in places(words, source)), \
                f'{page}, cell {id}: {match.group()!r} in {text[max(0, match.start() - 40):match.end() + 30]!r}. Tie it to its measurement in CLAIMS, or add its words to GIVEN'


def nb_kind(page, id): return next(cell.cell_type for cell in nbformat.read(course.NBS/f'{page}.ipynb', as_version=4).cells if cell.id == id)


def test_nothing_is_given_that_is_not_said():
    prose = '\n'.join(source for page in ['README', *map(stem, course.ALL)] for source in cells(page).values())
    assert [words for words in GIVEN if not places(words, prose)] == []


def test_times_of_the_map_were_measured():
    rows = re.findall(r'\((\w+)\.ipynb\).*\| (\d+) s \|$', cells('index')['map'], re.M)
    assert [name for name, _ in rows] == [stem(notebook) for notebook in course.LESSONS]
    for name, said in rows: assert abs(int(said) - seconds(name)) <= max(5, .15*seconds(name)), f'{name}: {seconds(name)} s'
