"""The verbs of `beichen airspace` in one language."""

from __future__ import annotations

from cyclopts import App

from airspace.reasons import Lang
from controller.cli.airspace import words
from controller.cli.airspace.charts import export, import_, list_, remove, show
from controller.cli.airspace.place import at
from controller.cli.airspace.routes import check, explain


def airspace_app(lang: Lang) -> App:
    """The verbs with their help in one language."""
    app = App(name="airspace", help=words.HELP.text(lang))
    app.command(import_, name="import", help=words.HELP_IMPORT.text(lang))
    app.command(list_, name="list", help=words.HELP_LIST.text(lang))
    app.command(show, help=words.HELP_SHOW.text(lang))
    app.command(at, help=words.HELP_AT.text(lang))
    app.command(check, help=words.HELP_CHECK.text(lang))
    app.command(explain, help=words.HELP_EXPLAIN.text(lang))
    app.command(remove, help=words.HELP_REMOVE.text(lang))
    app.command(export, help=words.HELP_EXPORT.text(lang))
    return app
