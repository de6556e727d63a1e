"""The verbs of `beichen poles` in one language."""

from __future__ import annotations

from cyclopts import App

from airspace.reasons import Lang
from controller.cli.poles import words
from controller.cli.poles.agent import agent
from controller.cli.poles.conform import HELP as HELP_CONFORM
from controller.cli.poles.conform import conform
from controller.cli.poles.enrol import enrol, list_
from controller.cli.poles.keys import doors, export, history, make, renew, renew_server, revoke
from controller.cli.poles.order import acknowledge, command, desired, respond
from controller.cli.poles.serve import serve
from controller.cli.poles.show import show
from controller.cli.poles.simulate import simulate
from controller.cli.poles.watch import watch


def poles_app(lang: Lang) -> App:
    """The verbs with their help in one language."""
    app = App(name="poles", help=words.HELP.text(lang))
    app.command(enrol, help=words.HELP_ENROL.text(lang))
    app.command(list_, name="list", help=words.HELP_LIST.text(lang))
    app.command(serve, help=words.HELP_SERVE.text(lang))
    app.command(watch, help=words.HELP_WATCH.text(lang))
    app.command(show, help=words.HELP_SHOW.text(lang))
    app.command(command, help=words.HELP_COMMAND.text(lang))
    app.command(desired, help=words.HELP_DESIRED.text(lang))
    app.command(acknowledge, help=words.HELP_ACKNOWLEDGE.text(lang))
    app.command(respond, help=words.HELP_RESPOND.text(lang))
    app.command(simulate, help=words.HELP_SIMULATE.text(lang))
    app.command(agent, help=words.HELP_AGENT.text(lang))
    app.command(conform, help=HELP_CONFORM.text(lang))
    app.command(keys_app(lang))
    return app


def keys_app(lang: Lang) -> App:
    """The verbs of `beichen poles keys` with their help in one language."""
    app = App(name="keys", help=words.HELP_KEYS.text(lang))
    app.command(make, help=words.HELP_MAKE.text(lang))
    app.command(history, help=words.HELP_HISTORY.text(lang))
    app.command(revoke, help=words.HELP_REVOKE.text(lang))
    app.command(renew, help=words.HELP_RENEW.text(lang))
    app.command(renew_server, name="renew-server", help=words.HELP_RENEW_SERVER.text(lang))
    app.command(doors, help=words.HELP_DOORS.text(lang))
    app.command(export, help=words.HELP_EXPORT.text(lang))
    return app
