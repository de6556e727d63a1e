"""`beichen poles`: the poles of a site, their keys and what they say."""

from controller.cli.poles.app import poles_app

__all__ = ["poles_app"]
