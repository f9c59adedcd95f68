"""A document as PDF: the printable page, laid out by WeasyPrint with network and disk closed."""

from __future__ import annotations

import contextlib
import gc
import io
import warnings
from collections.abc import Iterator
from threading import Lock
from types import ModuleType
from typing import cast

from reportapp.documents import ReportDocument
from reportapp.rendering.page import render_html

#: More rows nobody reads on paper, and each cell costs ~0.45 ms; the PDF says what it leaves out.
MAX_PDF_ROWS = 2_000
#: From here on the garbage collector, which walks all layout boxes, costs a quarter of the time.
_MANY_ROWS = 500

#: Layout is pure Python: two threads together are slower than one after the other.
_ONE_AT_A_TIME = Lock()


def render_pdf(document: ReportDocument) -> bytes:
    """The report on A4: at most MAX_PDF_ROWS table rows; when there are more, it says so.

    Nothing is fetched, whatever the document's text says. Equal documents give equal bytes on
    one machine. Raises OSError when a library that WeasyPrint needs is missing
    (see `missing_pdf_library`).
    """
    html = render_html(document, max_rows=MAX_PDF_ROWS)
    rows = sum(len(section.table.rows) for section in document.sections)
    weasyprint = _weasyprint()
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols=[], allow_redirects=False)
    with _ONE_AT_A_TIME, _without_gc() if rows > _MANY_ROWS else contextlib.nullcontext():
        page = weasyprint.HTML(string=html, url_fetcher=fetcher)
        return cast(bytes, page.write_pdf())


def missing_pdf_library() -> str | None:
    """One sentence that names the library PDFs lack on this machine, or None. Takes 0.3 s once."""
    try:
        weasyprint = _weasyprint()
    except OSError as error:
        return (
            "PDF reports cannot be made: WeasyPrint needs Pango "
            f"(Debian: apt-get install libpango-1.0-0 libpangoft2-1.0-0): {error}".splitlines()[0]
        )
    if weasyprint.text.ffi.harfbuzz_subset is None:
        return (
            "PDF reports take three times as long: the library harfbuzz-subset is missing "
            "(Debian: apt-get install libharfbuzz-subset0)."
        )
    return None


def _weasyprint() -> ModuleType:
    """WeasyPrint, imported late: it takes 0.3 s, which most processes never need."""
    # It prints advice and warns when a library is missing; `missing_pdf_library` says that better.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore", DeprecationWarning)
        import weasyprint
        import weasyprint.text.ffi
        import weasyprint.urls

    return cast(ModuleType, weasyprint)


@contextlib.contextmanager
def _without_gc() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
