"""The command of the review: the page on which people mark written answers."""

import sys
from pathlib import Path

import click


@click.command()
@click.argument(
    "folder", metavar="CLASS", type=click.Path(path_type=Path, exists=True, file_okay=False)
)
@click.option("--by", "markers", multiple=True, required=True, help="A marker; one link for each.")
@click.option("--port", type=click.IntRange(1, 65535), default=8642, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--tls", nargs=2, metavar="CERT KEY", type=click.Path(path_type=Path, exists=True),
    help="Serve HTTPS by this certificate, for the host name that --behind or --host says.",
)  # fmt: skip
@click.option("--behind", metavar="URL", help="The address of a proxy that encrypts.")
def review(
    folder: Path,
    markers: tuple[str, ...],
    port: int,
    host: str,
    tls: tuple[Path, Path] | None,
    behind: str | None,
) -> None:
    """Mark the written answers of a class in the browser: one question, all answers.

    Prints a link for each marker, and serves until Ctrl-C. Each key is saved into the gradebook of
    CLASS at once. Beyond this machine it is served with --tls, or --behind a proxy, alone.
    """
    from assay.cli.classes.options import open_class
    from assay.report import safe
    from assay.review import serve

    origin = serve.origin(host, port, tls=tls is not None, behind=behind)
    server = serve.Server(open_class(folder), markers, origin, host, port, tls)
    for by, link in server.links.items():
        click.echo(f"{safe.plain(by)}  {link}")
    click.echo("Ctrl-C ends it; what is marked is saved.", err=True)
    sys.stdout.flush()
    server.run()
