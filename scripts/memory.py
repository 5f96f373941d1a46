"The most memory that a process and its children have held at one time, and an end to them all"
from contextlib import suppress
from threading import Event, Thread
from time import thread_time

import psutil


def held(process):
    "Bytes that `process` and its children hold now; pages that they share are counted once, where the system can tell"
    total = 0
    for p in [process, *process.children(recursive=True)]:
        try: memory = p.memory_full_info()
        except psutil.Error: continue  # it has ended meanwhile
        total += getattr(memory, 'pss', memory.uss)
    return total


class PeakMemory:
    "Looks at a process again and again, from `watch` on to the end of the `with` block, which takes it a fiftieth of a core at the most"
    def __init__(self): self.mib, self.process, self.stopped, self.thread = 0, None, Event(), None

    def watch(self,
        pid:int, # process to watch
    ):
        "Begin; afterwards `mib` is the most seen so far, in MiB"
        self.process, self.thread = psutil.Process(pid), Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        pause = 0  # the first look is at once, however soon the process ends
        while not self.stopped.wait(pause) or pause == 0:
            began = thread_time()
            try: self.mib = max(self.mib, round(held(self.process)/2**20))
            except psutil.Error: return
            pause = max(.1, 50*(thread_time() - began))

    def kill(self):
        "End the process and its children at once, if there is one"
        with suppress(psutil.Error):
            for p in [*self.process.children(recursive=True), self.process] if self.process else []: p.kill()

    def __enter__(self): return self

    def __exit__(self, *error):
        self.stopped.set()
        if self.thread: self.thread.join()
