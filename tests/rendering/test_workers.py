"""PDFs made in processes of their own: the same bytes, and no process is trusted to live."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from reportapp.rendering import render_pdf, workers
from reportapp.rendering.workers import PdfWorkers, TooHeavy
from tests.rendering.documents import document as create_document


@pytest.fixture
def pool():
    pool = PdfWorkers(2, 60)
    yield pool
    pool.close()


def processes(pool) -> list[int]:
    """The process ids of the workers that are free now."""
    return [each.process.pid for each in pool._free.queue if each is not None]


def test_a_pdf_is_the_same_as_without_a_process_and_no_process_starts_before_it_is_needed(pool):
    assert processes(pool) == []
    document = create_document()
    assert pool.render(document) == render_pdf(document)
    assert len(processes(pool)) == 1


def test_a_process_that_died_is_replaced_without_anybody_noticing(pool):
    document = create_document()
    before = pool.render(document)
    (first,) = processes(pool)
    os.kill(first, signal.SIGKILL)
    assert pool.render(document) == before
    assert processes(pool) != [first]


def test_a_document_that_takes_too_long_is_given_up_and_the_next_one_is_made(pool, monkeypatch):
    pool.render(create_document())
    pool._seconds = 0.001
    with pytest.raises(TooHeavy, match=r"more than 0\.001 seconds"):
        pool.render(create_document())
    pool._seconds = 60
    assert pool.render(create_document()).startswith(b"%PDF")


def test_a_document_that_kills_two_processes_is_too_heavy(pool, monkeypatch):
    monkeypatch.setattr(workers._Worker, "ask", lambda self, block, seconds: None)
    with pytest.raises(TooHeavy, match="memory"):
        pool.render(create_document())
    assert processes(pool) == []


def test_an_error_in_the_process_is_told_and_the_process_goes_on(pool):
    pool.render(create_document())
    (first,) = processes(pool)
    with pytest.raises(RuntimeError, match="AttributeError"):
        pool.render("no document")
    assert processes(pool) == [first]


def test_several_threads_share_the_processes(pool):
    documents = [create_document(title=f"Report {n}") for n in range(6)]
    with ThreadPoolExecutor(4) as threads:
        files = list(threads.map(pool.render, documents))
    assert files == [render_pdf(document) for document in documents]
    assert len(processes(pool)) == 2
