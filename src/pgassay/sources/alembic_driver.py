"""Runs in the project's own Python, never in ours: prints every Alembic revision as SQL, without a database.

``python alembic_driver.py RESULT`` with the request on standard input; the answer is a JSON file, so that whatever the
project prints is out of the way. Written for Python 3.8 and Alembic 1.7 and later.
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any


class Recorder:
    """Alembic's output buffer: keeps each piece with the line of the revision's file that made it.

    What no frame of that file made (BEGIN, COMMIT, the version table) is the runner's own and is left out.
    """

    def __init__(self) -> None:
        self.path = ""
        self.pieces: list[tuple[int, str]] = []

    def begin(self, path: str) -> None:
        self.path, self.pieces = path, []

    def write(self, text: str) -> int:
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != self.path:
            frame = frame.f_back
        if frame is not None and text.strip():
            self.pieces.append((frame.f_lineno, text.strip()))
        return len(text)

    def flush(self) -> None:
        """Nothing to do."""


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Every revision in the order of an upgrade, both ways."""
    # This file's folder must not hide the project's modules, nor Alembic itself.
    sys.path.pop(0)
    try:
        from alembic.config import Config
        from alembic.runtime.environment import EnvironmentContext
        from alembic.script import ScriptDirectory
    except ImportError as error:
        return {"missing": str(error)}

    config = Config(request["ini"]) if request["ini"] else Config()
    if not request["ini"]:
        sys.path.insert(0, ".")
    if not config.get_main_option("script_location"):
        config.set_main_option("script_location", request["scripts"].replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", request["url"])
    script = ScriptDirectory.from_config(config)
    recorder = Recorder()
    answer: dict[str, Any] = {
        "revisions": [],
        "per_migration": False,
        "transactional": True,
        "heads": script.get_heads(),
    }

    def configure(*arguments: Any, **options: Any) -> None:
        options["literal_binds"] = True
        options["dialect_opts"] = {**(options.get("dialect_opts") or {}), "paramstyle": "named"}
        if not any(options.get(name) for name in ("url", "dialect_name", "connection")):
            options["url"] = request["url"]
        EnvironmentContext.configure(environment, *arguments, **options)

    def write_down(_: Any, context: Any) -> list[Any]:
        answer["dialect"] = context.dialect.name
        answer["per_migration"] = bool(context._transaction_per_migration)
        answer["transactional"] = bool(context.impl.transactional_ddl)
        answer["table"] = [context.version_table_schema, context.version_table]
        if not answer["revisions"]:
            keep_parameters(context.connection)
            render_json()
            for step in script._upgrade_revs("heads", None):  # type: ignore[arg-type]
                answer["revisions"].append(both_ways(step.revision, recorder))
        return []

    environment: Any = EnvironmentContext(
        config, script, fn=write_down, as_sql=True, output_buffer=recorder, destination_rev="heads"
    )
    environment.configure = configure  # what env.py calls as context.configure()
    with environment:
        script.run_env()
    return answer


def keep_parameters(connection: Any) -> None:
    """``op.get_bind().execute(statement, parameters)`` as statements that hold them: offline mode would print NULL."""
    plain = connection.execute

    def execute(statement: Any, parameters: Any = None, **_: Any) -> Any:
        result = None
        for values in parameters if isinstance(parameters, (list, tuple)) else [parameters or {}]:
            if not values:
                result = plain(statement)
            elif hasattr(statement, "bindparams"):
                result = plain(statement.bindparams(**values))
            else:
                result = plain(statement.values(values))
        return result

    connection.execute = execute


def render_json() -> None:
    """JSON values as literals, which SQLAlchemy itself does not print."""
    from sqlalchemy import types

    def literal(_: Any, __: Any) -> Any:
        return lambda value: "'" + json.dumps(value).replace("'", "''") + "'"

    if types.JSON.literal_processor is types.TypeEngine.literal_processor:
        types.JSON.literal_processor = literal  # type: ignore[method-assign, assignment]


def both_ways(revision: Any, recorder: Recorder) -> dict[str, Any]:
    """One revision's statements up and down; a part that needs a database is named instead."""
    module = revision.module
    entry: dict[str, Any] = {"revision": revision.revision, "path": module.__file__, "failed": {}}
    for way in ("upgrade", "downgrade"):
        recorder.begin(module.__file__)
        function = getattr(module, way, None)
        try:
            if function is not None:
                function()
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            line = next((f.lineno for f in reversed(frames) if f.filename == module.__file__), 1)
            entry["failed"][way] = [line, f"{type(error).__name__}: {error}"]
        entry[way] = recorder.pieces
    return entry


if __name__ == "__main__":
    try:
        found = main(json.loads(sys.stdin.read()))
    except BaseException as error:
        last = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
        place = [last[-1].filename, last[-1].lineno] if last else ["", 0]
        found = {"error": f"{type(error).__name__}: {error}", "place": place, "trace": traceback.format_exc()}
    with open(sys.argv[1], "w", encoding="utf-8") as stream:  # noqa: PTH123 (as plain as can be)
        json.dump(found, stream)
