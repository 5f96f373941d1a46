"""Run the course: the first page and every lesson in order, each in a fresh kernel, and print the ladder they climb.

    python -m scripts.readers.course [NOTEBOOK ...]

Notebooks that are named are run instead. Executed copies go to build/nbs, what they measured to build/records; the
notebooks themselves stay as they are. A notebook that fails is named, with its cell, and the others are run all the same.
"""
import asyncio
import os
import re
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

import nbformat
import psutil
import torch
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbconvert.filters import strip_ansi
from tqdm import tqdm

from mnist37.data import default_device, mnist_path
from mnist37.ladder import ladder_table, load_rungs

ROOT = Path(__file__).resolve().parents[2]
NBS = ROOT/'nbs'
INDEX = NBS/'index.ipynb'
LESSONS = sorted(NBS.glob('[0-9]*.ipynb'))
NOTEBOOKS = [INDEX, *LESSONS]
BONUS = [NBS/'bonus'/f'{name}.ipynb' for name in ('linear_limits', 'speed', 'distributed')]
SOLUTIONS = sorted((NBS/'solutions').glob('*.ipynb'))
TEACHING = NBS/'teaching.ipynb'
INTERNALS = [NBS/'internals'/f'{name}.ipynb' for name in ('data', 'pictures', 'photos', 'ladder', 'environment', 'check')]
ALL = [*NOTEBOOKS, *BONUS, *SOLUTIONS, TEACHING, *INTERNALS]


class CellFailed(Exception):
    "A cell raised, ran too long or lost its kernel; the message names it, with its source and traceback"


def peak_mib(
    pid:int, # a process that is running
) -> int: # MiB
    "The most memory the process has held, by Linux and Windows; elsewhere, what it holds now"
    status = Path(f'/proc/{pid}/status')
    if status.exists(): return int(re.search(r'VmHWM:\s+(\d+) kB', status.read_text())[1]) >> 10
    info = psutil.Process(pid).memory_info()
    return getattr(info, 'peak_wset', info.rss) >> 20


def kill(
    pid:int, # a process, which may have ended
):
    "End the process and its children at once"
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for p in [*process.children(recursive=True), process]: p.kill()


def run_notebook(
    notebook:Path, # the notebook to run; the file itself is not changed
    build:Path, # folder for the executed copy (in `nbs`, with its folder) and the record (in `records`)
    timeout:int=600, # seconds that one cell may take
) -> int: # the most memory that its kernel held, in MiB
    "Run `notebook` top to bottom in a fresh kernel with a progress bar; raises CellFailed at the first cell that fails"
    nb = nbformat.read(notebook, as_version=4)
    copy = build/'nbs'/(notebook.relative_to(NBS) if notebook.is_relative_to(NBS) else notebook.name)
    # the log level and the last variable keep the kernel's own remarks out of the terminal and the outputs
    client = NotebookClient(nb, timeout=timeout, kernel_name='python3', extra_arguments=['--log-level=CRITICAL'],
                            coalesce_streams=True, resources={'metadata': {'path': str(notebook.parent)}})
    env = {**os.environ, 'MNIST37_RECORDS': str(build/'records'), 'PYDEVD_DISABLE_FILE_VALIDATION': '1'}
    peak = 0

    def started(notebook):
        # nbclient would take Ctrl-C for the end of this kernel alone
        with suppress(NotImplementedError): asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)

    def executed(**_):
        nonlocal peak
        peak = peak_mib(client.km.provisioner.pid)

    client.on_notebook_start, client.on_cell_executed = started, executed
    # a terminal gets a moving bar, a log one line in ten seconds
    with tqdm(total=len(nb.cells), desc=notebook.stem, unit='cell', mininterval=.1 if sys.stderr.isatty() else 10) as bar:
        client.on_cell_start = lambda cell, cell_index: bar.update(cell_index - bar.n)
        try:
            client.execute(env=env)
            bar.update(len(nb.cells) - bar.n)
            nb.metadata['peak_mib'] = peak  # so a copy that has it ran to its end
        except (CellExecutionError, CellTimeoutError, RuntimeError) as e:  # the last if a kernel dies
            cell = nb.cells[bar.n]
            raise CellFailed(f'{notebook.name}, cell {bar.n + 1} of {len(nb.cells)} (id {cell.id}) failed.\n\n'
                             f'{cell.source}\n\n{strip_ansi(str(getattr(e, "traceback", e)))}') from None
        except KeyboardInterrupt:
            kill(client.km.provisioner.pid)
            raise
        finally: write_whole(copy, nbformat.writes(nb) + '\n')
    return peak


def write_whole(
    file:Path, # where to write; its folder is made
    text:str, # what to write
):
    "Write `text` to `file`, whole or not at all; raises OSError naming `file` if there is no room or no permission"
    partial = file.with_name(f'{file.name}.partial')
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding='utf-8')
        os.replace(partial, file)
    except OSError as e:
        with suppress(OSError): partial.unlink()
        raise OSError(e.errno, e.strerror, str(file)) from e


def main(names=(), build=ROOT/'build'):
    notebooks = [Path(name).resolve() for name in names]
    for notebook in notebooks:
        if not notebook.is_file(): sys.exit(f'{notebook}: there is no such notebook')
    if not notebooks:
        shutil.rmtree(build/'records', ignore_errors=True)
        notebooks = NOTEBOOKS
    print(f'torch {torch.__version__}, device {default_device()}, images in {mnist_path()}', flush=True)
    failed = []
    for notebook in notebooks:
        try: run_notebook(notebook, build)
        except CellFailed as e:
            print(f'\n{e}\n', file=sys.stderr, flush=True)
            failed.append(str(e).splitlines()[0])
        except KeyboardInterrupt: sys.exit(f'\nstopped in {notebook.name}')
        except OSError as e: sys.exit(f'\n{e}')
    print(f'\n{ladder_table(load_rungs(build/"records"))}\n\nThe executed notebooks are in {build/"nbs"}', flush=True)
    if failed: sys.exit(f'\n{len(failed)} of {len(notebooks)} notebooks failed:\n' + '\n'.join(failed))


if __name__ == '__main__': main(sys.argv[1:])
