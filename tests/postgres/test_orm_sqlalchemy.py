"""SQLAlchemy models written from a catalog make the same catalog again."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from pgassay.catalog import compare, read
from pgassay.report.orm.sqlalchemy import sqlalchemy_models
from pgassay.server import Connection, Server

sqlalchemy = pytest.importorskip("sqlalchemy")

SCHEMA = Path(__file__).with_name("test_orm_schema.sql").read_text(encoding="utf-8")


def imported(folder: Path, text: str) -> Any:
    """The module of that text, as Python imports it."""
    name = f"models_{folder.name}"
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_the_models_make_the_same_catalog(server: Server, connection: Connection, tmp_path: Path) -> None:
    connection.run(SCHEMA)
    before = read(connection)
    models = imported(tmp_path, sqlalchemy_models(before))
    with server.database() as name:
        engine = sqlalchemy.create_engine(
            "postgresql+pg8000://app_owner@/" + name,
            connect_args={"unix_sock": f"{server.sockets}/.s.PGSQL.{server.port}"},
            poolclass=sqlalchemy.pool.NullPool,
        )
        with engine.begin() as session:
            models.Base.metadata.create_all(session)
        engine.dispose()
        with server.connect(name) as other:
            after = read(other)
    assert [str(change) for change in compare(before, after)] == []
