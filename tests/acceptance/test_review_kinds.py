"""Whole projects, one of every kind: the exact findings, at their places, by each runner's own behaviour."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.reviews import review, write

TABLE = "CREATE TABLE holder (id bigint PRIMARY KEY, name text NOT NULL, memo text);\n"
INDEX = "CREATE INDEX holder_name ON holder (name);\n"
BUILD = "CREATE INDEX CONCURRENTLY holder_name ON holder (name);\n"
REQUIRED = "ALTER TABLE holder ADD COLUMN country integer NOT NULL;\n"
DROP = "ALTER TABLE holder DROP COLUMN memo;\n"


def journal(*tags: str) -> str:
    entries = [{"idx": i, "version": "7", "when": 1000 + i, "tag": t, "breakpoints": True} for i, t in enumerate(tags)]
    return json.dumps({"version": "7", "dialect": "postgresql", "entries": entries}, indent=2)


ALEMBIC = '''"""{name}"""
from alembic import op
import sqlalchemy as sa

revision = "{revision}"
down_revision = {before}


def upgrade() -> None:
    {up}


def downgrade() -> None:
    pass
'''
ENV = """from alembic import context

context.configure(url="postgresql://", dialect_name="postgresql", literal_binds=True)
with context.begin_transaction():
    context.run_migrations()
"""

PROJECTS: dict[str, tuple[dict[str, str], tuple[str, ...], set[str]]] = {
    "dbmate": (
        {
            "db/migrations/20250101000000_holder.sql": f"-- migrate:up\n{TABLE}\n-- migrate:down\nDROP TABLE holder;\n",
            "db/migrations/20250102000000_name.sql": f"-- migrate:up\n{INDEX}\n-- migrate:down\n",
            "db/migrations/20250103000000_free.sql": "-- migrate:up transaction:false\n"
            "CREATE INDEX CONCURRENTLY holder_memo ON holder (memo);\n-- migrate:down\n",
        },
        (),
        {"blocks blocking-index-build db/migrations/20250102000000_name.sql:2"},
    ),
    "goose": (
        {
            "migrations/00001_holder.sql": f"-- +goose Up\n{TABLE}-- +goose Down\nDROP TABLE holder;\n",
            "migrations/00002_country.sql": "-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN PERFORM 1; END $$;\n"
            f"-- +goose StatementEnd\n{REQUIRED}",
            "migrations/00003_name.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n{BUILD}",
        },
        (),
        {"fails required-column-added migrations/00002_country.sql:5"},
    ),
    "golang-migrate": (
        {
            "migrations/1_holder.up.sql": TABLE,
            "migrations/1_holder.down.sql": "DROP TABLE holder;",
            "migrations/2_memo.up.sql": f"\n{DROP}",
            "migrations/10_name.up.sql": BUILD,
            "migrations/11_both.up.sql": f"{BUILD.replace('holder_name', 'other')}SELECT 1;\n",
        },
        (),
        {
            "loses-data dropped-column migrations/2_memo.up.sql:2",
            "fails concurrently-in-transaction migrations/11_both.up.sql:1",
        },
    ),
    "flyway": (
        {
            "sql/V1__holder.sql": TABLE,
            "sql/V2__name.sql": BUILD,
            "sql/V3__mixed.sql": f"SELECT 1;\n{BUILD.replace('holder_name', 'other')}",
            "sql/R__names.sql": "CREATE OR REPLACE VIEW names AS SELECT name FROM holder;\n",
        },
        (),
        {"fails concurrently-in-transaction sql/V3__mixed.sql:2"},
    ),
    "sqitch": (
        {
            "sqitch.plan": "%syntax-version=1.0.0\n%project=app\n\nholder 2025-01-01T00:00:00Z A <a@b> # one\n"
            "rename [holder] 2025-01-02T00:00:00Z A <a@b> # two\n",
            "deploy/holder.sql": f"-- Deploy app:holder\nBEGIN;\n{TABLE}COMMIT;\n",
            "deploy/rename.sql": "BEGIN;\nALTER TABLE holder RENAME COLUMN name TO title;\nCOMMIT;\n",
            "revert/holder.sql": "DROP TABLE holder;",
        },
        (),
        {"breaks-app renamed-column deploy/rename.sql:2"},
    ),
    "prisma": (
        {
            "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
            "prisma/migrations/20250101000000_holder/migration.sql": f"-- CreateTable\n{TABLE}",
            "prisma/migrations/20250102000000_country/migration.sql": f"-- AlterTable\n{REQUIRED}\n{INDEX}",
        },
        (),
        {
            "fails required-column-added prisma/migrations/20250102000000_country/migration.sql:2",
            "blocks blocking-index-build prisma/migrations/20250102000000_country/migration.sql:4",
        },
    ),
    "supabase": (
        {
            "supabase/migrations/20250101000000_holder.sql": TABLE + "ALTER TABLE holder ENABLE ROW LEVEL SECURITY;\n"
            "CREATE POLICY own ON holder TO authenticated USING (true);\n",
            "supabase/migrations/20250102000000_memo.sql": DROP,
        },
        (),
        {"loses-data dropped-column supabase/migrations/20250102000000_memo.sql:1"},
    ),
    "drizzle": (
        {
            "drizzle.config.ts": 'export default { dialect: "postgresql", out: "./drizzle" };\n',
            "drizzle/meta/_journal.json": journal("0000_holder", "0001_two"),
            "drizzle/0000_holder.sql": TABLE,
            "drizzle/0001_two.sql": f"{REQUIRED.strip()}--> statement-breakpoint\n{BUILD}",
        },
        (),
        {
            "fails required-column-added drizzle/0001_two.sql:1",
            "fails concurrently-in-transaction drizzle/0001_two.sql:2",
        },
    ),
    "drizzle-v1": (
        {
            "drizzle/20250101000000_holder/migration.sql": TABLE,
            "drizzle/20250101000000_holder/snapshot.json": "{}",
            "drizzle/20250102000000_memo/migration.sql": DROP,
            "drizzle/20250102000000_memo/snapshot.json": "{}",
        },
        (),
        {"loses-data dropped-column drizzle/20250102000000_memo/migration.sql:1"},
    ),
    "sql": (
        {
            "2_country.sql": REQUIRED,
            "10_own.sql": f"BEGIN;\n{INDEX}COMMIT;\n",
            "1_holder.sql": TABLE,
            "1_holder.down.sql": "DROP TABLE holder;",
        },
        (),
        {"fails required-column-added 2_country.sql:1", "blocks blocking-index-build 10_own.sql:2"},
    ),
    "alembic": (
        {
            "alembic.ini": "[alembic]\nscript_location = migrations\n",
            "migrations/env.py": ENV,
            "migrations/versions/a_holder.py": ALEMBIC.format(
                name="holder", revision="a", before=None, up=f'op.execute("""{TABLE}""")'
            ),
            "migrations/versions/b_name.py": ALEMBIC.format(
                name="name", revision="b", before="'a'",
                up='op.create_index("holder_name", "holder", ["name"])\n'
                '    op.add_column("holder", sa.Column("country", sa.Integer(), nullable=False))',
            ),
        },
        ("--allow-code",),
        {
            "blocks blocking-index-build migrations/versions/b_name.py:10",
            "fails required-column-added migrations/versions/b_name.py:11",
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", PROJECTS)
def test_a_project_of_every_kind(tmp_path: Path, kind: str) -> None:
    files, options, expected = PROJECTS[kind]
    seen = review(write(tmp_path, files), "--history", "--rows", "50", *options)
    assert seen.report["project"]["kind"] == kind
    assert seen.findings == expected
    assert seen.skipped == {}
    assert seen.code == 1
    assert all(f["certainty"] == "proved" for f in seen.report["findings"] if f["verdict"] not in ("slows", "style"))


def test_standard_input_that_alters_what_nobody_created(tmp_path: Path) -> None:
    seen = review(tmp_path, "-", stdin=REQUIRED + INDEX)
    assert seen.findings == {"fails required-column-added -:1", "blocks blocking-index-build -:2"}
    assert {f["certainty"] for f in seen.report["findings"]} == {"computed"}
    assert any("holder" in note and note.startswith("assumed: ") for note in seen.report["notes"])
    assert (seen.report["project"]["kind"], seen.report["project"]["pending"]) == ("stdin", 1)


def test_one_file_in_the_middle_of_a_history(tmp_path: Path) -> None:
    write(tmp_path, {"0042_amounts.sql": (
        "ALTER TABLE transfer ALTER COLUMN amount TYPE numeric(78,0);\n"
        "ALTER TABLE transfer ADD CONSTRAINT transfer_token FOREIGN KEY (token_id) REFERENCES token (id);\n"
        "CREATE TABLE batch (id bigint PRIMARY KEY, transfer_id bigint REFERENCES transfer (id));\n"
        "CREATE INDEX batch_transfer ON batch (transfer_id);\n"
    )})  # fmt: skip
    seen = review(tmp_path, "0042_amounts.sql")
    assert {"blocks rewriting-type-change 0042_amounts.sql:1", "blocks validating-foreign-key 0042_amounts.sql:2"} <= (
        seen.findings
    )
    assert not any(words.endswith((":3", ":4")) and "blocking-index" in words for words in seen.findings)
    assert "proved" not in {f["certainty"] for f in seen.report["findings"] if f["verdict"] == "blocks"}
