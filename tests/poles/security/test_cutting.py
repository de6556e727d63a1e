"""Ending one TCP connection by its file descriptor, which may stand for something else by then."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from poles.wire.cutting import cut, link_at


@pytest.fixture
def both() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as near:
        far, _ = server.accept()
        with far:
            yield near, far


def test_a_connection_that_is_cut_is_over_for_both_sides(both: tuple[socket.socket, socket.socket]) -> None:
    near, far = both
    link = link_at(far.fileno())
    assert link is not None
    assert cut(link)
    assert near.recv(1) == b""
    assert far.recv(1) == b""
    with pytest.raises(OSError, match="Broken pipe"):
        far.send(b"x")


def test_a_descriptor_that_stands_for_something_else_by_now_is_left_alone(
    both: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    near, far = both
    with socket.create_server(("127.0.0.1", 0)) as other:
        gone = link_at(other.fileno())
        assert gone is not None
        for replacement in (far.fileno(), os.open(tmp_path, os.O_RDONLY), os.open(tmp_path / "f", os.O_CREAT)):
            os.dup2(replacement, other.fileno())
            assert not cut(gone)
            if replacement != far.fileno():
                os.close(replacement)
    assert not cut(gone)  # nothing is there any more
    near.send(b"x")
    assert far.recv(1) == b"x"


def test_files_are_no_connections(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    assert link_at(descriptor) is None
    os.close(descriptor)
    assert link_at(descriptor) is None
