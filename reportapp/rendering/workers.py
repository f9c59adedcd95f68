"""PDFs in processes of their own: layout is pure Python, which threads only make slower."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from queue import LifoQueue
from threading import Timer

from reportapp.documents import ReportDocument
from reportapp.rendering.worker import DONE, read_block, write_block

_ROOT = Path(__file__).parent.parent.parent


class TooHeavy(Exception):
    """A document that takes more time or memory to lay out than one may have; its words say so."""


class PdfWorkers:
    """Up to `number` processes, each started when it is first needed and anew when it has died.
    A document may take `seconds`. Safe to be used by several threads."""

    def __init__(self, number: int, seconds: float) -> None:
        self._seconds = seconds
        self._free: LifoQueue[_Worker | None] = LifoQueue()
        for _ in range(number):
            self._free.put(None)
        self._number = number

    def render(self, document: ReportDocument) -> bytes:
        """What `render_pdf` returns; waits for a free process. Raises TooHeavy, or RuntimeError
        with the words of what went wrong in the process."""
        block = pickle.dumps(document, pickle.HIGHEST_PROTOCOL)
        worker = self._free.get()
        try:
            # A process may die for reasons that are not the document's: it gets a second one.
            for _ in range(2):
                worker = worker or _Worker()
                answer = worker.ask(block, self._seconds)
                if answer is not None:
                    break
                worker.close()
                if worker.timed_out:
                    worker = None
                    raise TooHeavy(f"The PDF takes more than {self._seconds:g} seconds to make.")
                worker = None
            else:
                raise TooHeavy("The PDF takes more memory than there is for one.")
        finally:
            self._free.put(worker)
        if answer[:1] == DONE:
            return answer[1:]
        raise RuntimeError(answer[1:].decode())

    def close(self) -> None:
        """End the processes. Waits for those at work."""
        for worker in [self._free.get() for _ in range(self._number)]:
            if worker is not None:
                worker.close()
            self._free.put(None)


class _Worker:
    """One process. It ends by itself when this one does, since its input ends then."""

    def __init__(self) -> None:
        self.timed_out = False
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from reportapp.rendering.worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )

    def ask(self, block: bytes, seconds: float) -> bytes | None:
        """The answer; None: it has died, by itself or since its time was over."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        timer = Timer(seconds, self._give_up)
        timer.start()
        try:
            write_block(self.process.stdin, block)  # type: ignore[arg-type]
            return read_block(self.process.stdout)  # type: ignore[arg-type]
        except OSError:
            return None
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        self.timed_out = True
        self.process.kill()

    def close(self) -> None:
        self.process.kill()
        with self.process:  # closes the pipes and waits
            pass
