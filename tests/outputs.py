"The numbers that cells have printed, and what was true or false"
import re

import nbformat

from scripts.readers import course

NUMBER = re.compile(r'(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])|\b(?:True|False)\b')
IGNORED = re.compile(r'''<style[\s\S]*?</style>|<[^>]+>|\b\d\d:\d\d\b|\bdevice='\w+:\d+'|\bindex=\d+''')


def text_of(output):
    "What an output of a cell shows, without tags, clock times, names of GPUs and the seconds of a ladder"
    data = output.get('data', {'text/plain': output.get('text', '')})
    kind = next((kind for kind in ('text/markdown', 'text/html', 'text/plain') if kind in data), None)
    text = IGNORED.sub(' ', data.get(kind, ''))
    return re.sub(r'\| [\d.]+ +\|$', '|', text, flags=re.M) if kind == 'text/markdown' else text


def numbers(text): return [float({'True': 1, 'False': 0}.get(n, n.replace(',', ''))) for n in NUMBER.findall(text)]
def stem(notebook): return notebook.relative_to(course.NBS).with_suffix('').as_posix()


def printed(file):
    "All numbers that the cells of an executed notebook have printed, by the id of the cell"
    cells = [cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == 'code']
    return {cell.id: numbers(' '.join(map(text_of, cell.outputs))) for cell in cells}
