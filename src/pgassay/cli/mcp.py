"""``pgassay mcp``."""

from __future__ import annotations

from pathlib import Path

import click

from pgassay.errors import ConnectionProblem, UsageError


@click.command()
@click.option(
    "--project", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path(), metavar="DIR",
    help="The only folder that tools may name paths in.  [the current one]",
)  # fmt: skip
@click.option(
    "--database", envvar="PGASSAY_DATABASE", metavar="URL",
    help="The only database that tools may read; also from PGASSAY_DATABASE.",
)  # fmt: skip
@click.option(
    "--allow-powerful-role", "powerful", is_flag=True,
    help="Accept a role of the database that is a superuser, owns tables or may write. It is still only read.",
)  # fmt: skip
@click.option("--http", is_flag=True, help="Streamable HTTP on this machine instead of standard input and output.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="A loopback address.")
@click.option("--port", type=click.IntRange(0, 65535), default=8931, show_default=True, metavar="N",
              help="0 for any free one.")  # fmt: skip
@click.option("--timeout", type=click.IntRange(1, 86_400), default=300, show_default=True, metavar="SECONDS",
              help="Longest time for one call.")  # fmt: skip
@click.option("--kind", metavar="KIND", help="What the project is, instead of looking at it.")
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (needed for Alembic).")
@click.option(
    "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
def mcp(
    project: Path,
    database: str | None,
    powerful: bool,
    http: bool,
    host: str,
    port: int,
    timeout: int,
    kind: str | None,
    allow_code: bool,
    postgres_version: int | None,
    postgres_bin: str | None,
) -> None:
    """Serve pgassay's verbs as tools to coding agents (Model Context Protocol).

    Over HTTP a client needs the token in PGASSAY_MCP_TOKEN, or the one that is printed where none is set. What an agent
    may reach is said here: one project, one database, whose role may only read. SQL that an agent sends runs on scratch
    servers alone. Needs: pip install 'pgassay[mcp]'.
    """
    try:
        from pgassay.mcp.server import build
        from pgassay.mcp.serving import serve_http, serve_stdio
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("pgassay"):
            raise
        raise UsageError(f"{error.name} is not installed", hint="pip install 'pgassay[mcp]'") from None
    from pgassay.mcp.jobs import refuse_powerful
    from pgassay.mcp.roots import Roots

    if database:
        try:
            refuse_powerful(database, allow=powerful)
        except ConnectionProblem as error:  # it may come back; each call looks again
            click.echo(f"pgassay: {error}", err=True)
    roots = Roots(
        project=project.resolve(), database=database or None, kind=kind, allow_code=allow_code,
        allow_powerful=powerful, timeout=float(timeout), postgres_version=postgres_version, postgres_bin=postgres_bin,
    )  # fmt: skip
    server = build(roots)
    if http:
        import os

        token = os.environ.get("PGASSAY_MCP_TOKEN") or None
        serve_http(server, host=host, port=port, token=token, say=lambda words: click.echo(words, err=True))
    else:
        serve_stdio(server)
