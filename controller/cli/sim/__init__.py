"""`beichen sim`: the simulator's verbs, one file each."""

from __future__ import annotations

from cyclopts import App

from airspace.reasons import Lang
from controller.cli import words
from controller.cli.sim.city import city


def sim_app(lang: Lang) -> App:
    """The verb with its parts, its help in one language."""
    app = App(name="sim", help=words.HELP_SIM.text(lang))
    app.command(city, help=words.HELP_CITY.text(lang))
    return app
