"""One-page PDFs through the engine, as a ratio to bare WeasyPrint.

So many guardians, each with an own child and so an own PDF, through the engine to a sink. The
limits are WeasyPrint on the very same pages: a plain loop in one process, and the engine's own
share, the pages split over as many processes as it has, which do nothing else.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

sys.path.pop(0)  # this folder's http.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).parent.parent))

from flask import current_app

from bench.parts.databases import bench_app
from bench.parts.school import DUE, families
from bench.parts.sink import sink
from reportapp import clock
from reportapp.delivery import deliver, plan_due
from reportapp.extensions import db
from reportapp.rendering.page import render_html
from reportapp.rendering.workers import PdfWorkers

#: Bare WeasyPrint over some files; as safe as ours, since that costs nothing.
LOOP = """
import sys, weasyprint
from weasyprint.urls import URLFetcher
for path in sys.argv[1:]:
    page = weasyprint.HTML(string=open(path).read(), url_fetcher=URLFetcher(allowed_protocols=[]))
    page.write_pdf()
"""


def engine(number: int, folder: Path) -> tuple[float, list[str]]:
    """Seconds, and the pages as files."""
    documents = []
    original = PdfWorkers.render

    def keep(self, document):
        documents.append(document)
        return original(self, document)

    begin = time.perf_counter()
    with mock.patch.object(PdfWorkers, "render", keep):
        totals = deliver(clock.fixed(DUE))
    seconds = time.perf_counter() - begin
    assert totals["sent"] == len(documents) == number, totals
    pages = []
    for place, document in enumerate(documents):
        path = folder / f"{place}.html"
        path.write_text(render_html(document))
        pages.append(str(path))
    return seconds, pages


def bare(pages: list[str], processes: int) -> float:
    """Seconds of so many processes that share the pages."""
    begin = time.perf_counter()
    running = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", LOOP, *pages[first::processes]])
        for first in range(processes)
    ]
    assert all([process.wait() == 0 for process in running])  # noqa: C419 (waits for all)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=200)
    number = parser.parse_args().number
    with tempfile.TemporaryDirectory() as kept, sink() as (server, port):
        folder, load = Path(kept), os.getloadavg()[0]
        with bench_app(folder, f"sqlite:///{folder}/bench.db", port).app_context():
            db.create_all()
            families(number, 600, "pdf")
            plan_due(DUE)
            processes = current_app.config["PDF_WORKERS"]
            seconds, pages = engine(number, folder)
            db.session.remove()
            db.engine.dispose()
        one, share = bare(pages, 1), bare(pages, processes)
    print(f"pdf: {number} one-page PDFs, each another, mailed to {server}; load {load:.1f}")
    for words, taken in (
        ("engine", seconds),
        ("WeasyPrint, 1 process", one),
        (f"WeasyPrint, {processes} processes", share),
    ):
        print(f"   {words:24} {taken:6.2f} s  {taken * 1000 / number:6.1f} ms each")
    faster, slower = one / seconds, seconds / share
    print(f"   faster than 1 process    {faster:6.2f}  (goal 1.6: {met(faster >= 1.6)})")
    print(f"   engine to its own share  {slower:6.2f}  (goal at most 1.1: {met(slower <= 1.1)})")


def met(is_met: bool) -> str:
    return "met" if is_met else "NOT met"


if __name__ == "__main__":
    main()
