"""A group of commands as its help shows it."""

import click

WHOLE = 1_000
"""Characters that no first sentence has."""


class InOrder(click.Group):
    """Lists its commands in the order in which people need them, each with its whole first sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names as they were added."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list; click itself would cut what does not fit into a line."""
        rows = [
            (name, self.commands[name].get_short_help_str(WHOLE))
            for name in self.list_commands(ctx)
            if not self.commands[name].hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
