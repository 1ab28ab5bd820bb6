"""Diagrams and the data dictionary, of a schema that a server really holds."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pgassay.catalog import Catalog, read
from pgassay.report.drawing import dictionary, mermaid, picture
from pgassay.server import Connection

SCHEMA = r"""
CREATE DOMAIN amount AS numeric(78,0) CHECK (VALUE >= 0);
CREATE TABLE tokens (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), symbol text UNIQUE, supply amount NOT NULL);
CREATE TABLE holders (token_id uuid REFERENCES tokens, account varchar(42), profile_id bigint UNIQUE REFERENCES tokens2,
  PRIMARY KEY (token_id, account));
COMMENT ON TABLE holders IS 'Who holds | what <script>alert(1)</script>.';
COMMENT ON COLUMN holders.account IS 'Lower case.';
CREATE TABLE "odd ""it"" name" (id int PRIMARY KEY, "sp ace" text, parent int REFERENCES "odd ""it"" name");
CREATE TABLE log (at timestamptz, n int) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
"""


@pytest.fixture
def catalog(connection: Connection) -> Catalog:
    connection.run("CREATE TABLE tokens2 (id bigint PRIMARY KEY)")
    connection.run(SCHEMA)
    return read(connection)


def test_mermaid_has_every_table_and_key(catalog: Catalog) -> None:
    drawn = mermaid(catalog).splitlines()
    assert drawn[0] == "erDiagram"
    assert '    "holders" }o--|| "tokens" : "token_id"' in drawn
    assert '    "holders" o|--o| "tokens2" : "profile_id"' in drawn
    assert '    "odd _it_ name" }o--o| "odd _it_ name" : "parent"' in drawn
    assert not any("log_1" in line for line in drawn)
    assert "        timestamptz at" in drawn


def test_the_picture_is_xml_with_a_line_for_each_key(catalog: Catalog) -> None:
    root = ET.fromstring(picture(catalog, 'The "register" & its <tables>'))
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}path")) == 3
    names = {t.text for t in root.findall(f"{space}text[@class='name']")}
    assert names == {"tokens", "tokens2", "holders", 'odd "it" name', "log"}


def test_no_two_boxes_of_the_picture_overlap(catalog: Catalog) -> None:
    root = ET.fromstring(picture(catalog))
    boxes = [
        tuple(float(r.attrib[a]) for a in ("x", "y", "width", "height"))
        for r in root.findall("{http://www.w3.org/2000/svg}rect[@class='box']")
    ]
    assert len(boxes) == 5
    for i, (x, y, w, h) in enumerate(boxes):
        for x2, y2, w2, h2 in boxes[i + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_the_dictionary_says_what_comments_say_and_lets_no_markup_through(catalog: Catalog) -> None:
    words = dictionary(catalog, "Register")
    assert "| `account` | `character varying(42)` |  |  | PK | Lower case. |" in words
    assert "<script>" not in words
    assert "Partitioned by `RANGE (at)`; 1 partitions." in words
    assert "`amount`" in words
