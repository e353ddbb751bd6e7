"""The commands of a class: from a platform's download to marks in the platform."""

import click

from assay.cli.classes import forgetting, grading, intake, leaving, marking, requests
from assay.cli.needing import needing


@click.group("class")
def classes() -> None:
    """From a learning platform's download to marks and feedback in the platform.

    CLASS is a folder with class.toml, the roster, the downloads as they came, and the gradebook.
    """


for command in (
    *intake.COMMANDS,
    *grading.COMMANDS,
    *marking.COMMANDS,
    *leaving.COMMANDS,
    *requests.COMMANDS,
    *forgetting.COMMANDS,
):
    classes.add_command(needing("class", command))

COMMANDS = (classes,)
