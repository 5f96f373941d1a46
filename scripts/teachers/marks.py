"""Read the verdicts of the checks out of notebooks that were handed in, and print them, one table per lesson.

    python -m scripts.teachers.marks FOLDER

Every notebook in FOLDER and below is read as it was saved; nothing is run. FOLDER/marks.csv gets the same, a line per exercise.
"""
import re
import sys
from pathlib import Path

import nbformat
import pandas as pd

from scripts.readers.course import LESSONS

CHECK = re.compile(r'^(?:\w+ = |print\()?check_(\w+)\(\w', re.M)
VERDICT = re.compile(r'right|wrong|not attempted')


def exercises(notebook):
    "The verdict of each check in `notebook`; 'not run' without output; raises ValueError if the file is no notebook"
    try: cells = nbformat.read(notebook, as_version=4).cells
    except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as e:
        raise ValueError(f'{notebook}: not a notebook ({type(e).__name__})') from e
    found = {}
    for cell in cells:
        check = CHECK.search(cell.source) if cell.cell_type == 'code' else None
        if not check: continue
        texts = [output.get('text') or output.get('data', {}).get('text/plain', '') for output in cell.outputs]
        verdict = VERDICT.match(texts[-1]) if texts else None
        found[check[1]] = verdict.group() if verdict else 'not run'
    return found


def read_marks(folder):
    "A table of all verdicts below `folder`, with the columns lesson, file, exercise and verdict, and a list of files that cannot be read"
    lesson_of = {exercise: lesson.stem for lesson in LESSONS for exercise in exercises(lesson)}
    rows, unreadable = [], []
    for file in sorted(Path(folder).rglob('*.ipynb')):
        if '.ipynb_checkpoints' in file.parts or not file.is_file(): continue
        try: verdicts = exercises(file)
        except ValueError as e: unreadable.append(str(e))
        else: rows += [(lesson_of.get(name, 'others'), file.relative_to(folder).as_posix(), name, said) for name, said in verdicts.items()]
    return pd.DataFrame(rows, columns=['lesson', 'file', 'exercise', 'verdict']), unreadable


def main(folder):
    if not folder.is_dir(): sys.exit(f'{folder}: not a folder')
    marks, unreadable = read_marks(folder)
    if marks.empty: sys.exit('\n'.join([f'{folder}: no notebook with a check in it', *unreadable]))
    for lesson, rows in marks.groupby('lesson'):
        order = list(dict.fromkeys(rows.exercise))
        table = rows.pivot(index='file', columns='exercise', values='verdict')[order].fillna('not run')
        print(f'\n{lesson}\n{table.assign(right=(table == "right").sum(axis=1)).to_string()}')
    marks.to_csv(folder/'marks.csv', index=False, encoding='utf-8-sig')  # so that Excel, too, reads names as they are
    if unreadable: sys.exit('\n'.join(['', *unreadable]))


if __name__ == '__main__':
    if len(sys.argv) != 2: sys.exit(__doc__)
    sys.stdout.reconfigure(encoding='utf-8')  # names of files, also where Windows would expect a code page
    main(Path(sys.argv[1]))
