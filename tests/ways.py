"""The ways in which logs come to be read: the numbers must not depend on them."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from books import Book

Way = Callable[[Book, dict[str, bytes]], None]


def put(book: Book, name: str, data: bytes) -> None:
    path = book.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def all_at_once(book: Book, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        put(book, name, data)
    book.catch_up()


def one_by_one_backwards(book: Book, files: dict[str, bytes]) -> None:
    for name in sorted(files, reverse=True):
        put(book, name, files[name])
        book.catch_up()


def in_pieces(book: Book, files: dict[str, bytes]) -> None:
    """Each file grows by pieces that end anywhere; costd looks after each."""
    sizes = [len(data) for data in files.values()]
    step = max(1, max(sizes, default=0) // 40)
    for end in range(step, max(sizes, default=0) + step, step):
        for name, data in files.items():
            if end - step < len(data):
                put(book, name, data[:end])
        book.catch_up()


def restarted_and_rewritten(book: Book, files: dict[str, bytes]) -> None:
    all_at_once(book, files)
    book.reopen()
    book.catch_up()
    for name, data in files.items():
        put(book, name, data[: len(data) // 2])
    book.catch_up()
    all_at_once(book, files)


def deleted_afterwards(book: Book, files: dict[str, bytes]) -> None:
    all_at_once(book, files)
    shutil.rmtree(book.root)
    book.catch_up()
    book.reopen()
    book.catch_up()


WAYS: list[Way] = [
    all_at_once,
    one_by_one_backwards,
    in_pieces,
    restarted_and_rewritten,
    deleted_afterwards,
]
