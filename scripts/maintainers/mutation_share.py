"Say what share of its changes of the package the last `make mutation` saw noticed, and fail if that's less than pyproject.toml asks for"
import json
import sys
import tomllib

from scripts.readers.course import ROOT

found = json.loads((ROOT/'mutants'/'mutmut-cicd-stats.json').read_text())
goal = tomllib.loads((ROOT/'pyproject.toml').read_text(encoding='utf-8'))['tool']['mnist37']['mutation_share']
share = (found['killed'] + found['timeout'])/found['total']
print(f'the tests notice {share:.1%} of the changes, and should notice {goal:.0%}')
sys.exit(share < goal)
