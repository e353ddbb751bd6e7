"""Delete a person or a term, and prove it."""

import json
import sys
from pathlib import Path

import click

from assay.cli.classes.console import say, table
from assay.cli.classes.options import NEEDS_PERSON, folder_argument, open_class
from assay.cli.options import json_option
from assay.words import counted


@click.command()
@folder_argument
@click.argument("who", required=False)
@click.option("--term", is_flag=True, help="Everybody, the groups, and all files of the class.")
@click.option("--older-than", metavar="DAYS", type=click.FloatRange(0), help="Who is idle so long.")
@json_option
def forget(
    folder: Path, who: str | None, term: bool, older_than: float | None, as_json: bool
) -> None:
    """Delete all there is of a person, and search every table and file for what is left.

    Their rows leave the roster, the groups and class.toml too; a download is written again without
    them. Exits with status 3 if something is left: a person looks at it. Nothing is forgotten while
    another command uses the class or the course's store.
    """
    from assay.classroom import forgetting

    if [who is not None, term, older_than is not None].count(True) != 1:
        raise click.UsageError("name WHO, or give `--term` or `--older-than`, one of them")
    room = open_class(folder, alone=True)
    if who is not None:
        done = forgetting.person(room, who)
    elif older_than is not None:
        done = forgetting.older_than(room, older_than)
    else:
        done = forgetting.term(room)
    if as_json:
        left = [{"word": one.word, "where": one.where} for one in done.left]
        click.echo(json.dumps({**done.__dict__, "left": left}, indent=1))
    else:
        for file in done.files:
            say(f"deleted: {file}")
        table(["left", "where"], [(one.word, one.where) for one in done.left])
        for word in done.ordinary:
            say(f"an ordinary word too, and searched for as a whole field, cell or name: {word}")
        for word in done.shared:
            say(f"names somebody else of the class too, and was not searched for: {word}")
        number = counted(len(done.searched) + len(done.ordinary), "word")
        remains = counted(len(done.left), "place") if done.left else "nothing"
        say(
            f"{counted(done.people, 'person', 'people')} forgotten; {number} searched for in every "
            f"table and file: {remains} is left"
        )
    sys.exit(NEEDS_PERSON if done.left else 0)


COMMANDS = (forget,)
