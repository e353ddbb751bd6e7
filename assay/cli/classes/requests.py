"""Requests to mark a line again, and their answers."""

from pathlib import Path

import click

from assay.cli.classes.console import say
from assay.cli.classes.options import by_option, folder_argument, open_class
from assay.words import counted


@click.command()
@folder_argument
@click.argument("who")
@click.argument("line")
@click.argument("question")
def ask(folder: Path, who: str, line: str, question: str) -> None:
    """Note a person's question on a line of their mark sheet: a request to mark it again."""
    from assay.classroom import requests

    room = open_class(folder)
    written = requests.ask(room, room.member(who), line, question)
    say(f"request {written.id}: {line}")


@click.command()
@folder_argument
@click.option("--all", "everything", is_flag=True, help="Those that are answered, too.")
def requests(folder: Path, everything: bool) -> None:
    """Show the requests to mark something again, each with the mark and its reason as they were."""
    from assay.classroom import requests as asking

    found = [one for one in asking.rows(open_class(folder)) if everything or not one.answers]
    for one in found:
        say(f"{one.number}  {one.who}  {one.line}: {one.mark}")
        say(f"   asks: {one.question}")
        for answer in one.answers:
            say(f"   {answer}")
    say(counted(len(found), "request"))


@click.command()
@folder_argument
@click.argument("request", type=click.IntRange(1))
@click.argument("text")
@by_option
def answer(folder: Path, request: int, text: str, by: str) -> None:
    """Answer a request. A mark that changes is written by `assay class mark`."""
    from assay.classroom import requests as asking

    written = asking.answer(open_class(folder), request, text, by=by)
    say(f"request {request}: answer {written.version}, by {by}")


COMMANDS = (
    ask,
    requests,
    answer,
)
