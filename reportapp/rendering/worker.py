"""One PDF at a time, for another process: documents come in on standard input, files go out."""

import os
import pickle
import resource
import struct
import sys
from typing import BinaryIO

from reportapp.rendering.pdf import render_pdf

#: Bytes of memory that one document may need.
MOST_MEMORY = 2 * 1024**3
#: The length of what follows, in bytes, and before an answer what it is.
LENGTH = struct.Struct(">Q")
DONE, FAILED = b"+", b"-"


def read_block(stream: BinaryIO) -> bytes | None:
    """The next block of bytes, or None at the stream's end."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    block = stream.read(length)
    return block if len(block) == length else None


def write_block(stream: BinaryIO, block: bytes) -> None:
    stream.write(LENGTH.pack(len(block)))
    stream.write(block)
    stream.flush()


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not come between the answers
    while (block := read_block(sys.stdin.buffer)) is not None:
        try:
            answer = DONE + render_pdf(pickle.loads(block))  # noqa: S301 (from our own parent)
        except MemoryError:
            return  # like a death: the parent asks a new one
        except Exception as error:
            answer = FAILED + f"{type(error).__name__}: {error}".encode()
        write_block(answers, answer)
