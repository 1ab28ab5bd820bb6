"""What real projects taught: short histories in our own words, each with a shape on which a review once erred.

A history is a text of files between lines ``-- file``: each is met by populated tables, as ``--history`` does it.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from pgassay.model import Report
from pgassay.workflows.review import ReviewOptions, review

# Each history and what is said of it: "file:line rule verdict certainty", in the report's order.
HISTORIES = {
    """
    -- a function is dropped where it is dropped, and not where a guard finds nothing or finds it gone
    CREATE FUNCTION fee(amount bigint, since timestamptz) RETURNS bigint LANGUAGE sql AS 'SELECT amount';
    -- file
    DROP FUNCTION IF EXISTS fee(integer, timestamptz);
    DROP FUNCTION IF EXISTS fee(bigint, timestamp with time zone);
    DROP FUNCTION IF EXISTS fee;
    """: ["2:3 dropped-function breaks-app computed"],
    """
    -- both ends of a foreign key change their types: said once, at the end that comes first
    CREATE TABLE holder (id uuid PRIMARY KEY, name text NOT NULL);
    CREATE TABLE wallet (id bigint PRIMARY KEY, holder_id uuid NOT NULL REFERENCES holder (id));
    CREATE INDEX wallet_holder_idx ON wallet (holder_id);
    -- file
    ALTER TABLE holder ALTER COLUMN id SET DATA TYPE text;
    CREATE TABLE consent (id bigint PRIMARY KEY, holder_id text);
    CREATE INDEX consent_holder_idx ON consent (holder_id);
    ALTER TABLE consent ADD CONSTRAINT consent_holder_fk FOREIGN KEY (holder_id) REFERENCES holder (id);
    -- file
    ALTER TABLE consent DROP CONSTRAINT consent_holder_fk;
    ALTER TABLE consent ADD CONSTRAINT consent_holder_fk FOREIGN KEY (holder_id) REFERENCES holder ON DELETE CASCADE;
    """: ["2:2 impossible-type-change fails proved"],
    """
    -- an INSERT of today is broken by what breaks it, and not by the first statement of the file
    CREATE TABLE issuer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
    CREATE TABLE token (id bigint PRIMARY KEY, issuer_id bigint NOT NULL REFERENCES issuer (id), symbol text NOT NULL);
    CREATE INDEX token_issuer_idx ON token (issuer_id);
    -- file
    CREATE TYPE phase AS ENUM ('draft', 'live');
    CREATE TABLE auction (id bigint PRIMARY KEY, phase phase NOT NULL);
    DROP TABLE token CASCADE;
    """: ["2:4 dropped-table loses-data proved"],
    """
    -- tables and functions that nobody created have types that are guesses: their errors prove nothing
    CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON record FOR EACH ROW EXECUTE FUNCTION bump();
    CREATE INDEX record_moment ON record (moment(modified));
    -- file
    ALTER TABLE record RENAME TO entry;
    -- file
    CREATE OR REPLACE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
    IF NEW.modified IS NULL OR moment(NEW.modified) = 7::bigint THEN NEW.modified := now(); END IF;
    RETURN NEW;
    END $$;
    DROP TRIGGER stamp ON entry;
    CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON entry FOR EACH ROW EXECUTE FUNCTION bump();
    """: ["2:2 renamed-table breaks-app computed", "1:4 blocking-index-build blocks computed"],
    """
    -- what a migration does with rows of tables that nobody created tells of the rows that we made up
    INSERT INTO audit (note, at) SELECT note, at FROM entry;
    ALTER TABLE entry ADD COLUMN title text;
    UPDATE entry SET title = d.title FROM document AS d WHERE d.id = entry.document_id;
    ALTER TABLE entry ALTER COLUMN title SET NOT NULL;
    -- file
    DO $$ DECLARE e record; BEGIN
    FOR e IN SELECT * FROM entry LOOP INSERT INTO audit (note) VALUES (e.author || e.reviewer); END LOOP;
    END $$;
    -- file
    ALTER TABLE entry ADD COLUMN size integer NOT NULL;
    """: ["3:2 required-column-added fails computed", "1:6 nullable-column-required breaks-app computed"],
    """
    -- a key is added to columns that were told to hold values by whoever adds it
    ALTER TABLE entry DROP CONSTRAINT entry_pkey;
    ALTER TABLE entry ADD PRIMARY KEY (id, kind);
    """: ["1:4 blocking-primary-key blocks computed", "1:3 dropped-constraint style computed"],
    """
    -- values that we made up are no reason to fail, nor is a seed row that takes the place of a default
    CREATE TABLE setting (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL DEFAULT 'all' UNIQUE,
    refs jsonb NOT NULL DEFAULT '[]', size integer, code text NOT NULL);
    ALTER TABLE setting ALTER COLUMN code SET DEFAULT '';
    -- file
    UPDATE setting SET size = CASE WHEN jsonb_array_length(refs) > 0 THEN code::integer END WHERE id > 990;
    INSERT INTO setting (name) VALUES ('all') ON CONFLICT (name) DO NOTHING;
    """: [],
    """
    -- a NULL in a row that we made up is no statement of the application's; one that leaves the column out is
    CREATE TABLE session (id bigint PRIMARY KEY, token text NOT NULL, refresh text, CHECK (refresh IS NULL OR id > 0));
    -- file
    DELETE FROM session WHERE refresh IS NULL;
    ALTER TABLE session ALTER COLUMN refresh SET NOT NULL;
    """: ["2:2 deleted-rows loses-data computed", "2:3 nullable-column-required breaks-app computed"],
}


def history(folder: Path, text: str) -> Report:
    for number, part in enumerate(text.split("-- file"), 1):
        (folder / f"{number}.sql").write_text("\n".join(line.strip() for line in part.splitlines()))
    return review(str(folder), ReviewOptions(history=True, rows=200))


@pytest.mark.parametrize("text", HISTORIES)
def test_history(tmp_path: Path, text: str) -> None:
    report = history(tmp_path, text)
    found = [f"{Path(f.path).stem}:{f.line} {f.rule} {f.verdict} {f.certainty}" for f in report.findings]
    assert found == HISTORIES[text], [f.message for f in report.findings]


def test_an_estimate_that_would_take_too_long_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("pgassay.rehearsal.rehearse"), "_PATIENCE", 0.2)
    report = history(
        tmp_path,
        """CREATE TABLE token (id bigint PRIMARY KEY, symbol text NOT NULL);
        CREATE TABLE pair (symbol text);
        -- file
        CREATE INDEX token_symbol_idx ON token (symbol);
        INSERT INTO pair SELECT repeat(a.symbol, 3) FROM token AS a, token AS b;
        """,
    )
    (finding,) = [f for f in report.findings if f.rule != "missing-primary-key"]
    assert finding.rule == "blocking-index-build"
    assert "estimated" not in finding.message


def test_the_copy_of_a_dropped_key_names_it_once(tmp_path: Path) -> None:
    report = history(
        tmp_path,
        """CREATE TABLE token (id bigint PRIMARY KEY, symbol text NOT NULL);
        -- file
        ALTER TABLE token DROP COLUMN id;
        """,
    )
    (finding,) = [f for f in report.findings if f.rule != "missing-primary-key"]
    assert finding.remedy is not None
    assert "AS SELECT id FROM token" in finding.remedy.sql
