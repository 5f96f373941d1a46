"""Write the set to hand out, to build/student: the first page and the lessons without their outputs, the
pages to play with, and no solutions.

    python -m scripts.teachers.student
"""
import re
import shutil

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor

from scripts.readers.course import NBS, NOTEBOOKS, ROOT

STUDENT = ROOT/'build'/'student'
LINK = re.compile(r'(?<!!)\[([^\]]+)\]\((?!https:)([^()#\s]+)(?:#(?:[^()\s]|\([^()\s]*\))*)?\)')  # to a file of the course
LEFT_OUT = 'solutions', 'internals-heading', 'internals', 'teachers-heading', 'teachers'  # cells of the first page


def unlink(source):
    "`source` without the links to what isn't handed out; their text stays"
    names = {notebook.name for notebook in NOTEBOOKS}
    def is_there(target): return target in names or target.startswith(('images/', 'site/'))
    return LINK.sub(lambda link: link[0] if is_there(link[2]) else link[1], source.replace('](../site/', '](site/'))


def for_students(nb):
    "`nb` without outputs, and without what leads to solutions"
    nb, _ = ClearOutputPreprocessor().preprocess(nb, {})
    nb.cells = [cell for cell in nb.cells if cell.id not in LEFT_OUT]
    for cell in nb.cells:
        if cell.cell_type == 'markdown': cell.source = unlink(cell.source)
        if cell.id.startswith('links-'): cell.source = ' · '.join(part for part in cell.source.split(' · ') if part.startswith('['))
    return nb


def main(folder=STUDENT):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(NBS/'images', folder/'images')
    shutil.copytree(ROOT/'site', folder/'site', ignore=shutil.ignore_patterns('source', 'sphinx'))
    for notebook in NOTEBOOKS: nbformat.write(for_students(nbformat.read(notebook, as_version=4)), folder/notebook.name)
    print(f'{len(NOTEBOOKS)} notebooks are in {folder}')


if __name__ == '__main__': main()
