"""`beichen sim`: the simulator's verbs, one file each."""

from __future__ import annotations

from cyclopts import App

from airspace.reasons import Lang
from controller.cli import words
from controller.cli.sim.ardupilot import HELP as HELP_ARDUPILOT
from controller.cli.sim.ardupilot import ardupilot
from controller.cli.sim.city import city
from controller.cli.sim.drones import HELP as HELP_DRONES
from controller.cli.sim.drones import drones
from controller.cli.sim.explore import HELP as HELP_EXPLORE
from controller.cli.sim.explore import explore_days
from controller.cli.sim.run import HELP as HELP_RUN
from controller.cli.sim.run import run_scenarios


def sim_app(lang: Lang) -> App:
    """The verb with its parts, its help in one language."""
    app = App(name="sim", help=words.HELP_SIM.text(lang))
    app.command(city, help=words.HELP_CITY.text(lang))
    app.command(drones, help=HELP_DRONES.text(lang))
    app.command(ardupilot, help=HELP_ARDUPILOT.text(lang))
    app.command(explore_days, name="explore", help=HELP_EXPLORE.text(lang))
    app.command(run_scenarios, name="run", help=HELP_RUN.text(lang))
    return app
