"""Ending one connection of a ROUTER: libzmq has no call for it, but the kernel has.

libzmq stamps each message with the file descriptor of the TCP socket that it came through. shutdown(2) on that socket
is to libzmq as if the peer had gone: it forgets the connection, and not a byte more goes out. The socket's inode tells
whether the descriptor still stands for the same connection, because descriptors are used again.
"""

from __future__ import annotations

import contextlib
import os
import socket
from dataclasses import dataclass

import zmq


@dataclass(frozen=True, slots=True)
class Link:
    """The TCP socket of one connection."""

    descriptor: int
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
        return Link(descriptor, os.fstat(descriptor).st_ino)
    except OSError:
        return None


def cut(link: Link) -> bool:
    """End the connection; False when it has ended by itself."""
    try:
        descriptor = os.dup(link.descriptor)
    except OSError:
        return False
    with socket.socket(fileno=descriptor) as connection:
        if os.fstat(descriptor).st_ino != link.inode:
            return False
        with contextlib.suppress(OSError):  # the peer was faster
            connection.shutdown(socket.SHUT_RDWR)
    return True
