"""The command line: `beichen`."""

from controller.cli.app import main

__all__ = ["main"]
