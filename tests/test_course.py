"`make course` names the cell that failed, runs the rest, and leaves the notebooks alone, whatever happens"
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from functools import partial

import nbformat
import psutil
import pytest

import course
from mnist37.ladder import Rung, load_rungs

RUNG = "from mnist37.ladder import Rung, save_rung\nsave_rung(Rung('01_some', 'some model', '0.9', 785, 1, 10, 2, 3.))"


def save_rung_to(folder): (folder/'01_some.json').write_text(json.dumps(asdict(Rung('01_some', 'some model', '0.9', 785, 1, 10, 2, 3.))))


@pytest.fixture
def notebook(tmp_path):
    "Writes a notebook with the given code cells"
    def write(*sources, name='01_some'):
        nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id=f'cell-{i}') for i, source in enumerate(sources)])
        nbformat.write(nb, tmp_path/f'{name}.ipynb')
        return tmp_path/f'{name}.ipynb'
    return write


def test_runs_in_a_fresh_kernel_and_prints_the_ladder(notebook, tmp_path, capsys, monkeypatch):
    file = notebook('1 + 1', RUNG)
    before = file.read_bytes()
    (tmp_path/'build'/'records').mkdir(parents=True)
    (tmp_path/'build'/'records'/'00_stale.json').write_text('left by an earlier run')
    monkeypatch.setattr(course, 'NOTEBOOKS', [file])
    course.main(build=tmp_path/'build')
    assert file.read_bytes() == before
    assert nbformat.read(tmp_path/'build'/'nbs'/'01_some.ipynb', 4).cells[0].outputs[0].data['text/plain'] == '2'
    assert [rung.errors for rung in load_rungs(tmp_path/'build'/'records')] == [1]
    out, err = capsys.readouterr()
    assert '| some model | 0.9       | 0.9000   | 1 of 10 | 785        | 2      | 3.00    |' in out
    assert '01_some: 100%' in err and '2/2' in err


def test_notebooks_that_are_named_leave_the_records_of_the_others(notebook, tmp_path):
    (tmp_path/'build'/'records').mkdir(parents=True)
    save_rung_to(tmp_path/'build'/'records')
    course.main([notebook('1 + 1')], tmp_path/'build')
    assert len(load_rungs(tmp_path/'build'/'records')) == 1


def test_a_notebook_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SystemExit, match='nowhere.ipynb: there is no such notebook'): course.main(['nowhere.ipynb'], tmp_path)


def test_copies_keep_their_folders(tmp_path, monkeypatch):
    "A solution has the name of its lesson"
    monkeypatch.setattr(course, 'NBS', tmp_path/'nbs')
    (tmp_path/'nbs'/'solutions').mkdir(parents=True)
    for file in (tmp_path/'nbs'/'01.ipynb', tmp_path/'nbs'/'solutions'/'01.ipynb'):
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(str(file))]), file)
        course.run_notebook(file, tmp_path/'build')
        assert nbformat.read(tmp_path/'build'/file.relative_to(tmp_path), 4).cells[0].source == str(file)


def test_a_failing_cell_is_named(notebook, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop: course.main([notebook('x = 37', 'y = x\nx / 0', RUNG)], tmp_path/'build')
    assert stop.value.code == '\n1 of 1 notebooks failed:\n01_some.ipynb, cell 2 of 3 (id cell-1) failed.'  # printed; the exit status is 1
    out, err = capsys.readouterr()
    assert '01_some.ipynb, cell 2 of 3 (id cell-1) failed.\n\ny = x\nx / 0\n' in err
    assert 'ZeroDivisionError: division by zero' in err and '\x1b' not in err
    assert 'some model' not in out
    assert nbformat.read(tmp_path/'build'/'nbs'/'01_some.ipynb', 4).cells[1].outputs[0].ename == 'ZeroDivisionError'


HANG = 'import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass'


def test_a_kernel_that_dies_or_hangs_is_named_and_the_rest_is_run(notebook, tmp_path, capsys, monkeypatch):
    "Killed, as by a system that runs out of memory; left by itself; deaf to the stop button"
    monkeypatch.setattr(course, 'run_notebook', partial(course.run_notebook, timeout=4))
    broken = {'killed': 'import os, signal; os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)',
              'left': 'import os; os._exit(0)', 'hung': HANG}
    notebooks = [notebook('1 + 1', source, name=name) for name, source in broken.items()] + [notebook(RUNG)]
    with pytest.raises(SystemExit) as stop: course.main(notebooks, tmp_path/'build')
    out, err = capsys.readouterr()
    assert stop.value.code.splitlines()[1:] == ['3 of 4 notebooks failed:', *(f'{name}.ipynb, cell 2 of 2 (id cell-1) failed.' for name in broken)]
    for name, complaint in (('killed', 'died'), ('left', 'died'), ('hung', 'timed out')):
        assert complaint in err.split(f'{name}.ipynb, cell 2')[1].split('ipynb, cell')[0]
        assert nbformat.read(tmp_path/'build'/'nbs'/f'{name}.ipynb', 4).cells[0].outputs[0].data['text/plain'] == '2'
    assert '| some model |' in out
    assert not [child for child in psutil.Process().children() if 'ipykernel' in ' '.join(child.cmdline())]


def wait_for(file, process):
    deadline = time.monotonic() + 60
    while not file.exists():
        assert process.poll() is None and time.monotonic() < deadline, 'it never came so far'
        time.sleep(.05)
    return file.read_text()


def in_another_process(notebooks, folder, *before, **options):
    "`make course` with `notebooks` in a process of its own, after the command `before`"
    code = f'import course; from pathlib import Path; course.main({[str(file) for file in notebooks]!r}, Path({str(folder/"build")!r}))'
    env = {**os.environ, 'PYTHONPATH': str(course.ROOT/'scripts')}
    return subprocess.Popen([*before, sys.executable, '-c', code], cwd=folder, env=env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no process groups to interrupt; runs on Linux and macOS')
def test_ctrl_c_stops_everything_and_the_next_run_is_clean(notebook, tmp_path):
    marker = tmp_path/'marker'
    slow = notebook(f'import os, time\nfrom pathlib import Path\nif not Path({str(marker)!r}).exists():\n'
                    f'    Path({str(marker)!r}).write_text(str(os.getpid()))\n    time.sleep(60)', RUNG)
    before = slow.read_bytes()
    process = in_another_process([slow, slow], tmp_path, start_new_session=True)
    kernel = int(wait_for(marker, process))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1 and err.endswith('\nstopped in 01_some.ipynb\n') and 'Traceback' not in err
    assert not psutil.pid_exists(kernel) or psutil.Process(kernel).status() == psutil.STATUS_ZOMBIE
    assert slow.read_bytes() == before and not list((tmp_path/'build').rglob('*.partial'))
    process = in_another_process([slow], tmp_path)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and '| some model |' in out, err


LOOPBACK = ('import fcntl, os, socket, struct, sys\n'  # kernels talk to their notebooks over 127.0.0.1
            'fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0x41))\nos.execvp(sys.argv[1], sys.argv[1:])')


OFFLINE = ["""
import warnings
warnings.filterwarnings('ignore', message='`torch.jit.script` is deprecated')
from fastai.basics import DataLoaders, Learner
from torch import nn
from mnist37.data import mnist_path
from mnist37.linear_sgd import batch_accuracy, batch_loader, load_xy, mnist_loss
from mnist37.resnet18 import resnet18_learner
""", """
dl = batch_loader(*load_xy('valid'), 256)
Learner(DataLoaders(dl, dl), nn.Linear(28*28, 1), loss_func=mnist_loss, metrics=batch_accuracy).fit(1, .01)
resnet18_learner(mnist_path())""", RUNG]


def test_no_network_is_needed(notebook, tmp_path, monkeypatch):
    "From the packed images to fastai's `Learner` and resnet18, where there is no interface but the loopback"
    alone = ['unshare', '--net', '--map-root-user', sys.executable, '-c', LOOPBACK]
    if not shutil.which('unshare') or subprocess.run([*alone, 'true'], capture_output=True).returncode:
        pytest.skip('no network namespace may be made here')
    reach = [sys.executable, '-c', 'import socket; socket.create_connection(("192.0.2.1", 9), timeout=5)']
    assert b'Network is unreachable' in subprocess.run([*alone, *reach], capture_output=True).stderr
    monkeypatch.setenv('MNIST37_DATA', str(tmp_path/'images'))
    process = in_another_process([notebook(*OFFLINE)], tmp_path, *alone)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0 and '| some model |' in out, err


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path/'file').touch()
    with pytest.raises(OSError, match='file') as error: course.write_whole(tmp_path/'file'/'copy.ipynb', 'text')
    assert error.value.filename == str(tmp_path/'file'/'copy.ipynb')


def test_what_was_there_stays_if_there_is_no_room(tmp_path, monkeypatch):
    course.write_whole(tmp_path/'copy.ipynb', 'whole')

    def half(file, text, encoding):
        file.write_bytes(text[:2].encode())
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(course.Path, 'write_text', half)
    with pytest.raises(OSError, match='No space left on device') as error: course.write_whole(tmp_path/'copy.ipynb', 'new')
    assert error.value.filename == str(tmp_path/'copy.ipynb')
    assert (tmp_path/'copy.ipynb').read_bytes() == b'whole' and len(list(tmp_path.iterdir())) == 1


def test_no_room_for_the_notebooks_ends_the_course_with_one_line(notebook, tmp_path):
    (tmp_path/'build').touch()
    with pytest.raises(SystemExit) as stop: course.main([notebook('1 + 1')], tmp_path/'build')
    assert stop.value.code.startswith('\n[Errno ') and str(tmp_path/'build'/'nbs'/'01_some.ipynb') in stop.value.code


def test_measures_the_memory_of_the_kernel(notebook, tmp_path):
    small = course.run_notebook(notebook('import time; time.sleep(3)'), tmp_path)
    large = course.run_notebook(notebook('import time; x = b"1"*300_000_000; time.sleep(3)'), tmp_path)
    assert 250 < large - small < 400
