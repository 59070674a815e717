"""The command line: one file a verb, loaded when it is called.

Exit code 0: done; 1: a fit did not converge; 2: bad input, with one message and no traceback.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from wmassfit._version import __version__
from wmassfit.errors import WmassfitError

__all__ = ["main"]

VERBS = {
    "run": "from a recipe to the result: templates, fit, impacts, report",
    "generate": "templates from a recipe",
    "fill": "templates from events in ROOT files, in the bins of a recipe",
    "fit": "fit templates to Asimov, pseudo- or real data",
    "impacts": "where the uncertainty comes from",
    "pulls": "pulls and constraints of the nuisance parameters",
    "scan": "profile likelihood along a parameter or over two, with contours",
    "gof": "goodness of fit, whole and by channel and projection",
    "spectrum": "expected yields before and after the fit, with their uncertainty",
    "limit": "CLs, upper limits and significance of a signal",
    "toys": "pseudo-data fits and their pulls",
    "confront": "hold an m_W against the Standard Model, other measurements and new physics",
    "inspect": "what a file holds",
    "convert": "templates from one format to another",
    "report": "tables and plots of a fit",
    "combine": "fits of different data into one result",
    "unblind": "the true values of a blinded fit",
    "calibrate": "muon momentum scale and resolution from J/ψ and Z",
    "compare": "several fits side by side: shifts and differences",
    "schema": "JSON schema of recipes, for editors",
}


class _Lazy(click.Group):
    """Imports a verb's module only when it is used, so that --help stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"wmassfit.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], VERBS, n=1)
            if close:
                raise click.UsageError(f"{error.message} Did you mean {close[0]}?", ctx) from None
            raise

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except WmassfitError as error:
            click.echo(f"wmassfit: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo("wmassfit: interrupted", err=True)
            sys.exit(130)
        except BrokenPipeError:  # the reader of our output has gone: nothing is wrong
            sys.stderr.close()
            sys.exit(0)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="wmassfit")
@click.option("-v", "--verbose", count=True, help="Log what happens to standard error (-vv for details).")
def main(verbose: int) -> None:
    """Measure the W mass by template fit, and see what the result means."""
    import logging

    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("fontTools").setLevel(logging.ERROR)  # it warns of every font it makes smaller
