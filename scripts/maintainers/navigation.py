"""Write what all notebooks have in common: links to their neighbors at head and foot, and the first cell to run.

    python -m scripts.maintainers.navigation
"""
import os
from pathlib import Path

import nbformat

from scripts.readers.course import BONUS, INDEX, INTERNALS, NBS, NOTEBOOKS, SOLUTIONS, TEACHING

GROUPS = [NOTEBOOKS, BONUS, SOLUTIONS, [TEACHING], INTERNALS]  # neighbors in reading order
ENVIRONMENT = 'from mnist37.environment import check_environment; check_environment()'


def path_between(source, target):
    "Relative path from the notebook `source` to `target`, with slashes on every system"
    return Path(os.path.relpath(target, source.parent)).as_posix()


def title(notebook):
    "The notebook's heading, with its number if it has one"
    number, heading = notebook.stem[:2], nbformat.read(notebook, as_version=4).cells[0].source.splitlines()[0].removeprefix('# ')
    return f'{number} {heading}' if number.isdigit() else heading


def links(notebook):
    "Markdown links from `notebook` to its neighbors, the first page, and from a lesson to its solutions and back"
    group = next(group for group in GROUPS if notebook in group)
    place, twin = group.index(notebook), NBS/notebook.name if notebook in SOLUTIONS else NBS/'solutions'/notebook.name
    targets = []
    if place > 0 and group[place - 1] != INDEX: targets.append((f'← {title(group[place - 1])}', group[place - 1]))
    if notebook != INDEX: targets.append(('Home', INDEX))
    if twin.exists(): targets.append(('Lesson' if notebook in SOLUTIONS else 'Solutions', twin))
    if place + 1 < len(group): targets.append((f'{title(group[place + 1])} →', group[place + 1]))
    return ' · '.join(f'[{text}]({path_between(notebook, target)})' for text, target in targets)


def put(nb, cell, place):
    "Put `cell` at `place`, in place of the cell with its id if there is one, whose outputs it then keeps"
    old = next((old for old in nb.cells if old.id == cell.id), None)
    if old: old.source = cell.source
    else: nb.cells.insert(place, cell)


def furnished(notebook):
    "`notebook` with its common cells up to date"
    nb = nbformat.read(notebook, as_version=4)
    put(nb, nbformat.v4.new_markdown_cell(links(notebook), id='links-head'), 1)
    put(nb, nbformat.v4.new_markdown_cell(links(notebook), id='links-foot'), len(nb.cells))
    first_code = next((i for i, cell in enumerate(nb.cells) if cell.cell_type == 'code'), None)
    if first_code is not None: put(nb, nbformat.v4.new_code_cell(ENVIRONMENT, id='environment-check'), first_code)
    return nb


if __name__ == '__main__':
    for group in GROUPS:
        for notebook in group: nbformat.write(furnished(notebook), notebook)
