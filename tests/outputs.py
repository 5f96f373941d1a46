"The numbers that cells have printed"
import re

import nbformat

import course

NUMBER = re.compile(r'(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])')


def text_of(
    output, # of a cell
) -> str: # without tags, clock times, the seconds of a ladder, and the device that a tensor names
    "What an output shows"
    data = output.get('data', {'text/plain': output.get('text', '')})
    kind = next((kind for kind in ('text/markdown', 'text/html', 'text/plain') if kind in data), None)
    text = re.sub(r'<style[\s\S]*?</style>|<[^>]+>|\b\d\d:\d\d\b|, device=\'\w+:\d\'', ' ', data.get(kind, ''))
    return re.sub(r'\| [\d.]+ +\|$', '|', text, flags=re.M) if kind == 'text/markdown' else text


def numbers(text): return [float(number.replace(',', '')) for number in NUMBER.findall(text)]


def stem(notebook): return notebook.relative_to(course.NBS).with_suffix('').as_posix()


def printed(
    file, # notebook that has been run
) -> dict: # from the id of each cell of code to its numbers
    "All numbers that the cells of a notebook have printed"
    cells = [cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == 'code']
    return {cell.id: numbers(' '.join(map(text_of, cell.outputs))) for cell in cells}
