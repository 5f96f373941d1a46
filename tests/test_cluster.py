"`make evidence` on real workers: the same table whatever their number, and what's killed, fails or is stopped takes nothing with it"
import os
import signal
import subprocess
import sys
import time
from functools import partial
from threading import Thread
from unittest.mock import patch

import psutil
import pytest

from scripts.maintainers import evidence
from scripts.readers.course import ROOT

cloudpickle, config, system, distributed = [pytest.importorskip(name, reason='NOT TESTED ON WORKERS: `make test` installs Dask')
                                            for name in ('cloudpickle', 'dask.config', 'dask.system', 'distributed')]
cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers don't know this file
pytestmark = pytest.mark.slow
TIMED = '05_resnet18', 0  # that's what `make evidence` takes it for, by its name
KEYS = [TIMED, *(('short', seed) for seed in range(4)), ('long', 0), ('short', 4), ('short', 5)]


def wait(ready, seconds=120):
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline: raise TimeoutError
        time.sleep(.05)


def measure(folder, rung, seed):  # a row at once, but `long` waits for the file `go`, and `bad` fails
    with open(folder/'log', 'a') as log: print(rung, seed, os.getpid(), file=log)
    if rung == 'bad': raise ValueError('no digits today')
    if rung == 'long': wait((folder/'go').exists)
    return [{'errors': seed}]


def make_evidence(folder, keys=KEYS):
    "All of it, but with these runs, in this folder, and without notebooks"
    with patch.multiple(evidence, RUNGS=folder/'table.csv', codes=lambda: dict.fromkeys(keys, 'code'), measure=partial(measure, folder),
                        THREADS=1, NOTEBOOKS=folder/'notebooks.csv', ALL=[]): evidence.main()


def ran(folder): return [((rung, int(seed)), int(pid)) for rung, seed, pid in map(str.split, (folder/'log').read_text().splitlines())]
def table(file): return evidence.load(file).set_index(['rung', 'seed'])
def done(folder): return [*table(folder/'table.csv').index] if (folder/'table.csv').exists() else []


def wait_for_long(folder):  # until only `long` is running, and most runs are done; gives its process
    wait(lambda: len(done(folder)) >= 4 and {*dict(ran(folder))} - {*done(folder)} == {('long', 0)})
    return psutil.Process(dict(ran(folder))['long', 0])


@pytest.fixture(scope='module')
def workers():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=':0') as cluster:
        with config.set(config.collect_env({'DASK_SCHEDULER_ADDRESS': cluster.scheduler_address})): yield cluster


@pytest.mark.parametrize('fixture', ['tmp_path', 'workers'], ids=['on a cluster of its own', 'on a given one'])
def test_a_killed_worker_loses_its_run_alone_and_what_is_timed_runs_here_after_the_others(fixture, request, tmp_path, monkeypatch):
    request.getfixturevalue(fixture); monkeypatch.delenv('OMP_NUM_THREADS')
    Thread(target=lambda: (wait_for_long(tmp_path).kill(), (tmp_path/'go').touch()), daemon=True).start()
    variables = dict(os.environ)
    make_evidence(tmp_path)
    assert dict(os.environ) == variables | {'OMP_NUM_THREADS': '1'}  # for the notebooks that come next
    assert [*table(tmp_path/'table.csv').errors.items()] == [(key, key[1]) for key in KEYS]
    assert sorted(key for key, _ in ran(tmp_path)) == sorted([*KEYS, ('long', 0)])
    assert [run for run in ran(tmp_path) if run[1] == os.getpid()] == [(TIMED, os.getpid())] == ran(tmp_path)[-1:]


def test_a_run_that_fails_is_reported_and_does_not_stop_the_others(workers, tmp_path, capsys, monkeypatch):
    with pytest.raises(SystemExit, match='1 of 3 runs failed.*\nbad, 0$'): make_evidence(tmp_path, [('short', 0), ('bad', 0), TIMED])
    assert done(tmp_path) == [('short', 0), TIMED]
    assert 'bad, 0 failed.' in (err := capsys.readouterr().err) and "raise ValueError('no digits today')" in err
    monkeypatch.setattr('scripts.maintainers.cluster.version', os.getpid)  # every process has another one
    with pytest.raises(SystemExit, match='1 of 1 runs failed'): make_evidence(tmp_path, [('short', 1)])
    assert 'has another version of mnist37' in capsys.readouterr().err


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no process groups to interrupt; runs on Linux and macOS')
def test_stopped_with_workers_of_its_own_it_goes_on_with_others(workers, tmp_path):
    code = f'import sys, pathlib; sys.path.append("tests"); import test_cluster as t; t.make_evidence(pathlib.Path({str(tmp_path)!r}))'
    process = subprocess.Popen([sys.executable, '-c', code], cwd=ROOT, text=True, stderr=subprocess.PIPE, start_new_session=True)
    wait_for_long(tmp_path)
    own = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, err = process.communicate(timeout=60)
    assert evidence.STOPPED in err and process.returncode == 1
    assert f'workers: {system.CPU_COUNT}, threads: {system.CPU_COUNT}, dashboard: http://' in err
    wait(lambda: own and not [p for p in psutil.process_iter(['status']) if p in own and p.info['status'] != psutil.STATUS_ZOMBIE], 30)
    before, n = done(tmp_path), len(ran(tmp_path))
    (tmp_path/'go').touch()
    make_evidence(tmp_path)
    assert done(tmp_path) == KEYS and sorted(key for key, _ in ran(tmp_path)[n:]) == sorted({*KEYS} - {*before})
    assert {psutil.Process(pid).ppid() for key, pid in ran(tmp_path)[n:] if key != TIMED} == {os.getpid()}  # whose workers they are


def test_the_table_is_the_same_with_two_workers_and_with_one(workers, tmp_path):
    codes = {key: code for key, code in evidence.codes().items() if key[0] in ('01, RMSE', '02, sorted')}
    for n in (2, 1):
        workers.scale(n)
        wait(lambda: len(workers.scheduler.workers) == n)
        evidence.renew(tmp_path/f'{n}.csv', ['rung', 'seed'], codes, evidence.measure, evidence.start)
    one, two = [table(tmp_path/f'{n}.csv').drop(columns='seconds') for n in (1, 2)]
    assert one.equals(two) and [*one.index] == [*codes] and one.loc['01, RMSE'].threads.item() == 1
