"""The command line: `beichen`."""

import sys


def main() -> None:
    """Run one verb; what the verbs need takes a second to load, and Ctrl-C in it stops it as later on."""
    try:
        from controller.cli.app import main as run_verb  # noqa: PLC0415 - within reach of the line below
    except KeyboardInterrupt:
        sys.exit(1)
    run_verb()


__all__ = ["main"]
