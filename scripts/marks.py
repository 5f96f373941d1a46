"""Read the verdicts of the checks out of notebooks that were handed in, and print them, one table per lesson.

    python scripts/marks.py FOLDER

Every notebook in FOLDER and below is read as it was saved; nothing is run.
"""
import re
import sys
from pathlib import Path

import nbformat
import pandas as pd

CHECK = re.compile(r'check_(\w+)\(')
VERDICT = re.compile(r'right|wrong|not attempted')


def verdict(cell):
    "What the check in `cell` said when it was last run; 'not run' if it has no output"
    texts = [output.data.get('text/plain', '') for output in cell.outputs if output.output_type == 'execute_result']
    found = VERDICT.match(texts[0]) if texts else None
    return found.group() if found else 'not run'


def read_marks(
    folder:Path, # folder of notebooks, at any depth
) -> pd.DataFrame: # columns lesson, file, exercise, verdict; a row per check
    "The verdicts in all notebooks of `folder`; raises ValueError naming a file that is no notebook, or if there is none"
    rows = []
    for file in sorted(Path(folder).rglob('*.ipynb')):
        if '.ipynb_checkpoints' in file.parts: continue
        try: cells = nbformat.read(file, as_version=4).cells
        except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as e:
            raise ValueError(f'{file}: not a notebook ({type(e).__name__})') from e
        for cell in cells:
            check = CHECK.match(cell.source) if cell.cell_type == 'code' else None
            if check: rows.append((check[1], file, verdict(cell)))
    if not rows: raise ValueError(f'{folder}: no notebook with a check in it')
    marks = pd.DataFrame(rows, columns=['exercise', 'file', 'verdict'])
    marks['file'] = [file.relative_to(folder).as_posix() for file in marks.file]
    return marks


def main(folder):
    marks = read_marks(folder)
    exercises = marks.groupby('file').exercise.agg(tuple)
    for names in dict.fromkeys(exercises):  # the notebooks with the same exercises are one lesson
        table = marks[marks.file.isin(exercises.index[exercises == names])].pivot(index='file', columns='exercise', values='verdict')
        table = table[list(names)].assign(right=(table == 'right').sum(axis=1))
        print(f'\n{table.to_string()}')


if __name__ == '__main__':
    if len(sys.argv) != 2: sys.exit(__doc__)
    try: main(Path(sys.argv[1]))
    except ValueError as e: sys.exit(str(e))
