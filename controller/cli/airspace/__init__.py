"""`beichen airspace`: charts in and out of the register, and questions about the air of a site."""

from controller.cli.airspace.app import airspace_app

__all__ = ["airspace_app"]
