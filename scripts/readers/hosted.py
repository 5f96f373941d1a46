"""On Colab and Kaggle, in place of `make`: add to their Python what the course needs, and leave their torch as it is.

The first page says how to run it there. Anywhere else it only says what to do.
"""
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOSTS = 'COLAB_RELEASE_TAG', 'KAGGLE_KERNEL_RUN_TYPE'  # environment variables that are set there
KEEP = 'torch', 'torchvision', 'numpy'  # made for the GPU there, or already in use by the kernel


def pins():
    "Requirements that hold what is installed of `KEEP` at its version"
    found = []
    for name in KEEP:
        try: found.append(f'{name}=={version(name)}')
        except PackageNotFoundError: pass
    return found


def main():
    if not any(host in os.environ for host in HOSTS):
        raise ModuleNotFoundError(f'mnist37 is not installed in {sys.executable}. Choose the Python in .venv as the kernel of this '
                                  f'notebook; if there is no .venv yet, type in a terminal, in {ROOT}: make course')
    print('Installing what the course needs; this happens once.', flush=True)
    subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--editable', str(ROOT), *pins()], check=True)
    sys.path.insert(0, str(ROOT))  # the kernel that is running does not see an editable installation
    sys.modules.pop('mnist37', None)  # a folder of that name may have been taken for the package


if __name__ == '__main__': main()
