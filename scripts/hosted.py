"""On Colab and Kaggle, in place of `make`: add to their Python what the course needs, and leave their torch as it is.

The first cell of every notebook runs this where `mnist37` cannot be imported.
"""
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KEEP = 'torch', 'torchvision', 'numpy'  # made for the GPU there, or already in use by the kernel


def pins():
    "Requirements that hold what is installed of `KEEP` at its version"
    found = []
    for name in KEEP:
        try: found.append(f'{name}=={version(name)}')
        except PackageNotFoundError: pass
    return found


def main():
    print('Installing what the course needs; this happens once.', flush=True)
    subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--editable', str(ROOT), *pins()], check=True)
    sys.path.insert(0, str(ROOT))  # the kernel that is running does not see an editable installation


if __name__ == '__main__': main()
