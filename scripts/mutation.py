"""Test the tests: change the package in small ways, one at a time, and see whether a test fails: `make mutation`.

mutmut makes the changes, in a copy in `mutants/`, and can be stopped: it goes on where it was. What it does and which tests it
runs stands in pyproject.toml. A change that no test notices must stand in evidence/survivors.csv, with the reason why none could.
"""
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd

from course import ROOT

SURVIVORS = ROOT/'evidence'/'survivors.csv'
MUTMUT = Path(sys.executable).with_name('mutmut')
NOTICED = {'killed', 'timeout'}


def mutmut(*arguments): return subprocess.run([MUTMUT, *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def verdicts():
    "What mutmut says of every change, by its name"
    return dict(re.findall(r'^ +(\S+): (.+)$', mutmut('results', '--all', 'true'), re.M))


def change(name):
    "The line that a change of mutmut's replaces, and by what"
    lines = [line[1:].strip() for line in mutmut('show', name).splitlines() if re.match(r'[-+](?![-+])', line)]
    return lines[0], lines[-1]


def main():
    subprocess.run([MUTMUT, 'run'], cwd=ROOT, check=True)
    found = verdicts()
    print(pd.Series(Counter((name.split('.')[1], verdict) for name, verdict in found.items())).unstack(fill_value=0))
    known = pd.read_csv(SURVIVORS)
    explained = {(row.line, row.instead): row.reason for row in known.itertuples()}
    alive = {change(name): name for name, verdict in found.items() if verdict not in NOTICED}
    news = [(name.split('__mutmut')[0].split('.', 1)[1], *lines) for lines, name in alive.items() if lines not in explained]
    gone = [lines for lines in explained if lines not in alive]
    for function, line, instead in news: print(f'\n{function}: no test notices\n    {line}\n    {instead}')
    for line, instead in gone: print(f'\n{SURVIVORS.name} explains what is noticed by now, or is no more:\n    {line}\n    {instead}')
    if news or gone: sys.exit(f'\n{len(news)} changes without an explanation, {len(gone)} explanations without a change')
    print(f'\n{len(found)} changes; all are noticed but {len(alive)}, and {SURVIVORS.name} explains why')


if __name__ == '__main__': main()
