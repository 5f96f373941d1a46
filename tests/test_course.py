"`make course` names the cell that failed, runs the rest, and leaves the notebooks alone, whatever happens"
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import nbformat
import psutil
import pytest

from mnist37.ladder import Rung, load_rungs, save_rung
from scripts.readers import course

SOME = Rung('01_some', 'some model', 785, 1, 10, 2, 3.)
RUNG = f'from mnist37.ladder import Rung, save_rung\nsave_rung({SOME!r})'


def notebook(folder, *sources, name='01_some'):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id=f'cell-{i}') for i, source in enumerate(sources)])
    nbformat.write(nb, folder/f'{name}.ipynb')
    return folder/f'{name}.ipynb'


def first_output(folder, name): return nbformat.read(folder/'build'/'nbs'/f'{name}.ipynb', 4).cells[0].outputs[0].data['text/plain']


def test_a_run_leaves_the_notebook_alone_and_forgets_the_records_of_older_runs(tmp_path, monkeypatch):
    file, records = notebook(tmp_path, '1 + 1'), tmp_path/'build'/'records'
    before = file.read_bytes()
    monkeypatch.setenv('MNIST37_RECORDS', str(records))
    save_rung(SOME)
    course.main([file], tmp_path/'build')
    assert load_rungs(records) == [SOME]  # what is run by name leaves those of the others
    monkeypatch.setattr(course, 'NOTEBOOKS', [file])
    course.main(build=tmp_path/'build')
    assert load_rungs(records) == [] and first_output(tmp_path, '01_some') == '2' and file.read_bytes() == before


def test_a_failing_cell_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit, match='nowhere.ipynb: there is no such notebook'): course.main(['nowhere.ipynb'], tmp_path)
    with pytest.raises(SystemExit) as stop: course.main([notebook(tmp_path, 'x = 37', 'y = x\nx / 0', RUNG)], tmp_path/'build')
    assert stop.value.code == '\n1 of 1 notebooks failed:\n01_some.ipynb, cell 2 of 3 (id cell-1) failed.'  # printed; the exit status is 1
    out, err = capsys.readouterr()
    assert '01_some.ipynb, cell 2 of 3 (id cell-1) failed.\n\ny = x\nx / 0\n' in err
    assert 'ZeroDivisionError: division by zero' in err and '\x1b' not in err and 'some model' not in out
    assert 'peak_mib' not in nbformat.read(tmp_path/'build'/'nbs'/'01_some.ipynb', 4).metadata  # which says that a copy is complete


BROKEN = {'killed': ('died', 'import os, signal; os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)'),
          'left': ('died', 'import os; os._exit(0)'),
          'hung': ('timed out', 'import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass')}


def test_a_kernel_that_dies_or_hangs_is_named_and_the_rest_is_run(tmp_path, capsys, monkeypatch):
    "Killed, as by a system that runs out of memory; left by itself; deaf to the stop button"
    monkeypatch.setattr(course, 'run_notebook', partial(course.run_notebook, timeout=15))
    notebooks = [notebook(tmp_path, '1 + 1', source, name=name) for name, (_, source) in BROKEN.items()] + [notebook(tmp_path, RUNG)]
    with pytest.raises(SystemExit, match='3 of 4 notebooks failed') as stop: course.main(notebooks, tmp_path/'build')
    out, err = capsys.readouterr()
    for name, (complaint, _) in BROKEN.items():
        named = f'{name}.ipynb, cell 2 of 2 (id cell-1) failed.'
        assert named in stop.value.code and complaint in err.split(named)[1].split('ipynb, cell')[0]
        assert first_output(tmp_path, name) == '2'
    mine = [p.info['cmdline'] for p in psutil.process_iter(['ppid', 'cmdline']) if p.info['ppid'] == os.getpid()]  # a zombie's is None
    assert '| some model |' in out and not [command for command in mine if command and 'ipykernel_launcher' in command]


def in_another_process(notebooks, folder, *before, **options):
    "`make course` with `notebooks` in a process of its own, after the command `before`"
    code = f'from scripts.readers.course import *; main({[str(file) for file in notebooks]!r}, Path({str(folder/"build")!r}))'
    return subprocess.Popen([*before, sys.executable, '-c', code], cwd=folder, env={**os.environ, 'PYTHONPATH': str(course.ROOT)},
                            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no process groups to interrupt; runs on Linux and macOS')
def test_ctrl_c_stops_everything_and_the_next_run_is_clean(tmp_path):
    marker = tmp_path/'marker'
    slow = notebook(tmp_path, f'import os, time\nif not os.path.exists({str(marker)!r}):\n'
                    f'    open({str(marker)!r}, "w").write(str(os.getpid()))\n    time.sleep(60)', RUNG)
    process = in_another_process([slow, slow], tmp_path, start_new_session=True)
    while not (marker.exists() and marker.read_text()) and process.poll() is None: time.sleep(.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1 and err.endswith('\nstopped in 01_some.ipynb\n') and 'Traceback' not in err
    kernel = int(marker.read_text())
    assert not [p for p in psutil.process_iter(['status']) if p.pid == kernel and p.info['status'] != psutil.STATUS_ZOMBIE]
    assert not list((tmp_path/'build').rglob('*.partial'))
    out, err = in_another_process([slow], tmp_path).communicate(timeout=60)
    assert '| some model |' in out, err


LOOPBACK = ('import fcntl, os, socket, struct, sys\n'  # kernels talk to their notebooks over 127.0.0.1
            'fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0x41))\nos.execvp(sys.argv[1], sys.argv[1:])')
CODE = 'from mnist37 import data, linear_sgd, resnet18\nlinear_sgd.train_linear_sgd(epochs=1); resnet18.resnet18_learner(data.mnist_path())'


def test_no_network_is_needed(tmp_path, monkeypatch):
    "From the packed images to a trained model and fastai's resnet18, where there is no interface but the loopback"
    alone = ['unshare', '--net', '--map-root-user', sys.executable, '-c', LOOPBACK]
    if not shutil.which('unshare') or subprocess.run([*alone, 'true'], capture_output=True).returncode:
        pytest.skip('no network namespace may be made here; runs on Linux where `unshare` may, such as in CI')
    monkeypatch.setenv('MNIST37_DATA', str(tmp_path/'images'))
    out, err = in_another_process([notebook(tmp_path, CODE, RUNG)], tmp_path, *alone).communicate(timeout=300)
    assert '| some model |' in out and 'failed' not in err, err


def test_a_copy_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    (tmp_path/'file').touch()  # no folder can be made, which ends the course with one line
    with pytest.raises(SystemExit, match=r'^\n\[Errno .*01_some.ipynb'): course.main([notebook(tmp_path, '1 + 1')], tmp_path/'file')

    def half(file, text, encoding):
        file.write_bytes(text[:2].encode())  # the disk is full
        raise OSError(28, 'No space left on device')

    copy = tmp_path/'nbs'/'copy.ipynb'
    course.write_whole(copy, 'whole')
    monkeypatch.setattr(course.Path, 'write_text', half)
    with pytest.raises(OSError, match='No space left on device.*copy.ipynb\'$'): course.write_whole(copy, 'new')
    assert [file.read_bytes() for file in copy.parent.iterdir()] == [b'whole']


def test_measures_the_memory_of_the_kernel(tmp_path):
    small, large = [course.run_notebook(notebook(tmp_path, f'x = b"1"*{size}'), tmp_path) for size in (1, 300_000_000)]
    assert 250 < large - small < 400
