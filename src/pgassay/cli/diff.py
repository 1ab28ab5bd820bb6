"""``pgassay diff``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pgassay.cli.output import check_writable, emit, save, width
from pgassay.cli.progress import progress


def _renames(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for value in values:
        old, equals, new = value.partition("=")
        if not equals or not old.strip() or not new.strip():
            raise click.BadParameter(f"{value!r} is not of the form OLD=NEW, such as token.symbol=token.ticker.")
        pairs.append((old.strip(), new.strip()))
    return tuple(pairs)


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option(
    "--format", "style", type=click.Choice(["text", "json", "sql"]), default="text", show_default=True,
    help="How to report.",
)  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to a file.")
@click.option("--reverse", is_flag=True, help="The SQL that turns B into A.")
@click.option(
    "--rename", "renames", multiple=True, callback=_renames, metavar="OLD=NEW",
    help="A table, TABLE.COLUMN or ENUM.LABEL that was renamed; may be repeated.",
)  # fmt: skip
@click.option(
    "--drop", "drops", multiple=True, metavar="NAME", help="One that is really to be dropped; may be repeated."
)
@click.option(
    "--decisions", metavar="FILE", help="Both in a file, as YAML or JSON: 'renames' (old: new) and 'drops' (a list)."
)
@click.option(
    "--kind", metavar="KIND", help="What the project is (drizzle, alembic, dbmate …) instead of looking at it."
)
@click.option("--allow-code", is_flag=True, help="Let the project's own code run (Alembic, export:FOLDER).")
@click.option(
    "--postgres-version", type=click.IntRange(9, 99), metavar="N", help="Major version of the scratch server."
)
@click.option("--postgres-bin", metavar="DIR", help="Folder with the programs of the scratch server.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
@click.option("-v", "--verbose", is_flag=True, help="A line a step where there is no terminal.")
def diff(style: str, output: Path | None, quiet: bool, verbose: bool, **options: Any) -> int:
    """Write the SQL that turns schema A into schema B, and try it on a scratch server.

    A and B are each a database (postgresql://…, which is only read), a project or its folder of migrations, which are
    replayed, a .sql file, or export:FOLDER, which is what 'drizzle-kit export' prints there (needs --allow-code).
    'pgassay diff PROJECT postgresql://…' shows how far a database has drifted from its migrations.

    The SQL stands in the order of dependencies. What it destroys is named. Renames are never guessed: where a table,
    column or enum label went and one of equal shape came, the SQL waits until --rename or --drop says which it was.

    Ends with 0 where the schemas are equal, with 1 where they differ, with 2 where they cannot be compared.
    """
    from pgassay.report import difference as report
    from pgassay.workflows.diff import DiffOptions
    from pgassay.workflows.diff import diff as run

    if output is not None:
        check_writable(output)
    with progress(quiet=quiet, verbose=verbose, colour=True) as show:
        found = run(DiffOptions(**options), show)
    made, proof = found.difference, found.proof
    match style:
        case "json":
            words = report.diff_json(found.before, found.after, found.changes, made, proof, found.notes)
        case "sql":
            if made.decisions:
                from pgassay.errors import UsageError

                answers = ", ".join(f"--rename {d.old}={d.new[0]} or --drop {d.old}" for d in made.decisions)
                raise UsageError("renamed, or dropped and added? The SQL waits for an answer", hint=answers)
            words = report.diff_sql(made, proof)
        case _:
            words = report.diff_text(found.changes, made, proof, found.notes, width=width())
    if output is not None:
        save(output, words)
    else:
        emit(words, encoding=None if style == "text" else "utf-8")
    return 1 if found.changes else 0
