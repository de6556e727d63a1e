"""Ending one connection of a ROUTER: libzmq has no call for it, but the kernel has.

libzmq stamps each message with the file descriptor of the TCP socket that it came through. shutdown(2) on that socket
is to libzmq as if the peer had gone: it forgets the connection, and not a byte more goes out. The socket's inode tells
whether the descriptor still stands for the same connection, because descriptors are used again.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from dataclasses import dataclass

import zmq


@dataclass(frozen=True, slots=True)
class Link:
    """The TCP socket of one connection."""

    descriptor: int
    device: int
    inode: int


def link_of(frame: zmq.Frame) -> Link | None:
    """The connection that a message came through; None when it has ended already."""
    try:
        return link_at(int(frame.get(zmq.SRCFD)))
    except zmq.ZMQError:
        return None


def link_at(descriptor: int) -> Link | None:
    """The connection at a file descriptor; None when it has ended already."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return Link(descriptor, found.st_dev, found.st_ino) if stat.S_ISSOCK(found.st_mode) else None


def cut(link: Link) -> bool:
    """End the connection; False when it has ended by itself."""
    try:
        descriptor = os.dup(link.descriptor)
    except OSError:
        return False
    try:
        # libzmq closes and opens files in a thread of its own; what was duplicated stays what it is
        found = os.fstat(descriptor)
        if (found.st_dev, found.st_ino) != (link.device, link.inode):
            return False
        with socket.socket(fileno=os.dup(descriptor)) as connection, contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)  # the peer may be faster
    finally:
        os.close(descriptor)
    return True
