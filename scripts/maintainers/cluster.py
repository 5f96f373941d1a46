"""Where `make evidence` trains side by side: on all the cores of this computer, or on a cluster that you have.

By default there's a local cluster of Dask's, with one worker of one thread for each core. If DASK_SCHEDULER_ADDRESS has the address
of a scheduler, its workers are used instead. They need this version of mnist37 installed, or they fail, and must be started anew
when it changes; what stands in scripts/ is sent to them from here. A worker does one run at a time, with all of its threads, so give
it one.
"""
import hashlib
import sys
from functools import partial
from pathlib import Path

import cloudpickle
import torch
from dask import config
from dask.utils import SerializableLock
from distributed import Client, as_completed, get_worker
from tqdm import tqdm

import mnist37
import scripts

cloudpickle.register_pickle_by_value(scripts)  # elsewhere, workers have no such folder
PROCESS = SerializableLock('mnist37')  # a run wants its worker's process alone, as there's one random state in it


def rows(result):
    "What a worker sent, if they're rows, and not the type, value and traceback of an exception"
    if isinstance(result, list): return result
    raise result[1].with_traceback(result[2]) if isinstance(result, tuple) else result


def version():
    "A digest of the package, as it's installed where this is called"
    files = sorted(Path(mnist37.__file__).parent.glob('*.py'))
    return hashlib.sha256(b''.join(file.read_bytes() for file in files)).hexdigest()


def side_by_side(work, keys):
    "For each key, as soon as that has been done: the key, and a function that gives `work(key)` or raises what the worker did"
    if not keys: return
    expected, there = version(), config.get('scheduler-address', None)
    # no limit to memory, or Dask would end workers that hold more than their share of it
    here = dict(threads_per_worker=1, memory_limit=None, dashboard_address='localhost:8787')

    def on_worker(key):  # a function in a function is sent whole
        if version() != expected: raise ValueError(f'{get_worker().address} has another version of mnist37, expected the same as here')
        with PROCESS:
            torch.set_num_threads(get_worker().state.nthreads)
            return work(key)

    # in a cluster of our own, no run waits in a worker, or it would be taken for the reason if that one dies
    with config.set({'distributed.scheduler.worker-saturation': 1.}), Client(**({} if there else here)) as client:
        threads = client.nthreads().values()
        tqdm.write(f'workers: {len(threads)}, threads: {sum(threads)}, dashboard: {client.dashboard_link}', file=sys.stderr)
        futures = dict(zip(client.map(on_worker, keys, pure=False), keys))
        for future, result in as_completed(futures, with_results=True, raise_errors=False):
            key = futures.pop(future)
            del future  # what we've got, a worker need not keep, nor another run again if that one dies
            yield key, partial(rows, result)
