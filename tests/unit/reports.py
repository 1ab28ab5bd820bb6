"""Hand-built reports for the tests of every format."""

from __future__ import annotations

from pgassay.model import (
    Certainty,
    Evidence,
    FileFacts,
    Finding,
    ProjectFacts,
    Remedy,
    Report,
    ServerFacts,
    Skipped,
    Verdict,
)

PROJECT = ProjectFacts(
    kind="drizzle", path="drizzle", runner="drizzle-kit", migrations=8, pending=2, why="newer than origin/main"
)
SERVER = ServerFacts(version="18.3", source="embedded")

REQUIRED = Finding(
    rule="required-column-added",
    verdict=Verdict.FAILS,
    certainty=Certainty.PROVED,
    path="drizzle/0006_kyc.sql",
    line=3,
    statement='ALTER TABLE "holders" ADD COLUMN "kyc_level" integer NOT NULL;',
    message="holders.kyc_level is added as NOT NULL without a default: it fails as soon as holders has a row.",
    subject="holders.kyc_level",
    remedy=Remedy(
        sql="ALTER TABLE holders ADD COLUMN kyc_level integer;\n"
        "UPDATE holders SET kyc_level = 0 WHERE kyc_level IS NULL;\n"
        "ALTER TABLE holders ADD CONSTRAINT holders_kyc_level_not_null CHECK (kyc_level IS NOT NULL) NOT VALID;",
        verified=True,
    ),
    evidence=(
        Evidence(
            kind="error",
            text='column "kyc_level" of relation "holders" contains null values (SQLSTATE 23502)',
            data={"sqlstate": "23502"},
        ),
    ),
)
INDEX = Finding(
    rule="blocking-index-build",
    verdict=Verdict.BLOCKS,
    certainty=Certainty.COMPUTED,
    path="drizzle/0007_index.sql",
    line=1,
    statement="CREATE INDEX transfers_block_idx\n    ON transfers (block_number);",
    message="CREATE INDEX transfers_block_idx locks transfers against writes while it builds.",
    subject="transfers",
    remedy=Remedy(sql="CREATE INDEX CONCURRENTLY transfers_block_idx ON transfers (block_number);", note="alone"),
    evidence=(
        Evidence(kind="lock", text="SHARE on transfers held for 3.2 ms", data={"held_ms": 3.2, "table": "transfers"}),
        Evidence(kind="time", text="about 4.1 s at 1,000,000 rows", data={"estimated_ms": 4100, "at_rows": 1_000_000}),
    ),
)
EXPOSED = Finding(
    rule="table-without-policy",
    verdict=Verdict.EXPOSES,
    certainty=Certainty.PRESUMED,
    path="drizzle/0007_index.sql",
    line=4,
    statement="ALTER TABLE holders DISABLE ROW LEVEL SECURITY;",
    message="holders is readable across tenants.",
    subject="holders",
)
SKIP = Skipped(
    path="drizzle/0007_index.sql", line=9, statement="CREATE EXTENSION postgis;", reason="postgis is not available"
)


def clean() -> Report:
    """A run with nothing to say."""
    files = tuple(FileFacts(path=f"drizzle/000{n}.sql", statements=4, worst=None, findings=0, ms=1.5) for n in range(3))
    return Report(project=PROJECT, server=SERVER, files=files, findings=(), rows=1_000, seconds=0.9, probed=12)


def mixed() -> Report:
    """A run with findings of three verdicts, a skipped statement, a note and a suppression."""
    return Report(
        project=PROJECT,
        server=SERVER,
        files=(
            FileFacts(path="drizzle/0005_init.sql", statements=5, worst=None, findings=0, ms=2.0),
            FileFacts(path="drizzle/0006_kyc.sql", statements=2, worst=Verdict.FAILS, findings=1, ms=12.0),
            FileFacts(path="drizzle/0007_index.sql", statements=3, worst=Verdict.BLOCKS, findings=2, ms=1250.0),
        ),
        findings=(REQUIRED, INDEX, EXPOSED),
        skipped=(SKIP,),
        notes=("production's row counts are not known; 1,000,000 rows assumed",),
        suppressed=(INDEX,),
        rows=1_000,
        seconds=2.4,
        probed=40,
    )


def static() -> Report:
    """A run without a server."""
    return Report(
        project=PROJECT,
        server=ServerFacts(version=None, source="static"),
        files=(FileFacts(path="drizzle/0007_index.sql", statements=3, worst=Verdict.EXPOSES, findings=1),),
        findings=(EXPOSED,),
        seconds=0.01,
    )
