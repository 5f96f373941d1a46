"""Build the pages you can draw on and play with: each one file that needs nothing else, from the sources in site/source.

    python -m scripts.maintainers.pages

Modules and styles go into the page, and so does what it needs of the images and of the trained models.
"""
import base64
import json
import re

import numpy as np
import torch
import torch.nn.functional as F

from mnist37.data import load_split
from mnist37.handwriting import LIMIT
from scripts.maintainers.evidence import load
from scripts.maintainers.weights import SAMPLES, WEIGHTS, samples
from scripts.readers.course import ROOT

SITE = ROOT/'site'
SOURCE = SITE/'source'


def b64(array): return base64.b64encode(array.tobytes()).decode()


def modules(name, seen):
    "The code of a module, after that of the modules it imports, each once"
    if name in seen: return ''
    seen.add(name)
    code = (SOURCE/name).read_text(encoding='utf-8')
    imported = re.findall(r"^import .+? from '\./(.+?)';\n", code, re.M)
    code = re.sub(r"^import .+? from '.+?';\n+", '', code, flags=re.M)
    return ''.join(modules(other, seen) for other in imported) + re.sub('^export ', '', code, flags=re.M)


def build(name, data):
    "One page of plain HTML: `<link>` and `<script src>` give way to what they name, and `data` stands in the page as JSON"
    page = (SOURCE/f'{name}.html').read_text(encoding='utf-8')
    page = re.sub(r'<link rel="stylesheet" href="(.+?)">', lambda m: f'<style>\n{(SOURCE/m[1]).read_text("utf-8")}</style>', page)
    page = re.sub(r'<script type="module" src="(.+?)">', lambda m: f'<script type="module">\n{modules(m[1], set())}', page)
    return page.replace(' id="data">', ' id="data">' + json.dumps(data, separators=(',', ':')))


def packed(weights):
    "What unpack in models.js takes: the name and shape of each tensor, and all their numbers in one row"
    tensors = [(model, name, t) for model, some in weights.items() for name, t in some.items() if t.is_floating_point()]
    numbers = torch.cat([t.flatten() for *_, t in tensors]).numpy()
    return {'shapes': [(model, name, t.shape) for model, name, t in tensors], 'numbers': b64(numbers)}


def draw_data():
    shown, said = samples(), load(SAMPLES).probability
    weights = torch.load(WEIGHTS, weights_only=True)
    return {'weights': packed(weights), 'limit': LIMIT, 'pixels': b64(np.stack([image for *_, image in shown])),
            'samples': [(group, digit, p) for (group, digit, _), p in zip(shown, said, strict=True)]}


def pixels(image): return b64((255*image).round().byte().numpy())


def learning_rate_data():
    "The roller coaster of lesson 02: its readings, the first guess, and the lowest loss there is"
    torch.manual_seed(37)
    t = torch.arange(20.)
    speed = torch.randn(20)*3 + 0.75*(t - 9.5)**2 + 10
    params, powers = torch.randn(3), torch.stack([t**2, t, t**0], 1).double()
    best = torch.linalg.lstsq(powers, speed.double()[:,None]).solution
    return {'speed': speed.tolist(), 'params': params.tolist(), 'lowest': F.mse_loss(powers@best, speed.double()[:,None]).item()}


def kernel_data(): return {'three': pixels(load_split('valid')[0][0])}


def augmentation_data():
    threes, sevens = load_split('train')
    tiny = {'tiny network': torch.load(WEIGHTS, weights_only=True)['tiny network']}
    return {'images': {'3': pixels(threes[1]), '7': pixels(sevens[0])}, 'models': packed(tiny)}


PAGES = {  # page → function that gives its data
    'draw': draw_data, 'learning_rate': learning_rate_data, 'kernel': kernel_data, 'xor': dict, 'augmentation': augmentation_data,
}


def main():
    for name, data in PAGES.items():
        (SITE/f'{name}.html').write_text(build(name, data()), encoding='utf-8')


if __name__ == '__main__': main()
