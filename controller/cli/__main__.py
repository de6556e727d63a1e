"""`python -m controller.cli` is `beichen`."""

from controller.cli.app import main

main()
