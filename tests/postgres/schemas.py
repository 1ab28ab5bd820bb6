# ruff: noqa: E501 -- the choices of a statement stand in one line
"""Made-up schemas with every kind of object, for laws about catalogs.

A schema is what a seed, or hypothesis, decides at each of some 150 choices. A relative of it decides most of them in the
same way, so that two of them differ here and there, in everything that can differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

ROLES = ("reader", "writer")


class Schema:
    """The choices of a seed; where ``like`` is given, most are those of that seed."""

    def __init__(self, seed: int, like: int | None = None, change: float = 0.25) -> None:
        self.seed, self.like, self.change = seed, like, change

    def pick(self, key: str, options: Sequence[T]) -> T:
        """One of the options, always the same for this key."""
        own = Random(f"{self.seed}/{key}")
        if self.like is not None and own.random() > self.change:
            own = Random(f"{self.like}/{key}")
        return own.choice(options)

    def maybe(self, key: str, chance: float = 0.5) -> bool:
        """Whether, with this chance."""
        return self.pick(key, range(100)) >= 100 - chance * 100

    def comment(self, target: str) -> Iterator[str]:
        """Perhaps a comment."""
        if self.maybe(f"comment {target}", 0.3):
            yield f"COMMENT ON {target} IS '{self.pick(f'words of {target}', ['one', 'another'])}'".replace(
                "n'o", "n''o"
            )

    def grants(self, target: str, privileges: Sequence[str]) -> Iterator[str]:
        """Perhaps privileges."""
        for role in (*ROLES, "PUBLIC"):
            if self.maybe(f"grant {target} {role}", 0.2):
                option = " WITH GRANT OPTION" if role == "writer" and self.maybe(f"option {target}") else ""
                yield f"GRANT {self.pick(f'what {target} {role}', privileges)} ON {target} TO {role}{option}"

    def statements(self) -> list[str]:
        """The schema as SQL, for an empty database."""
        found: list[str] = []
        for part in PARTS:
            found += part(self)
        return found

    @property
    def home(self) -> str:
        """The schema of most types and routines."""
        return "app" if self.maybe("app", 0.8) else "public"


class Drawn(Schema):
    """Choices that ``draw(n)`` makes, a number below n; those of a relative are mostly ``near``'s, but for ``change``
    percent."""

    def __init__(self, draw: Callable[[int], int], near: Drawn | None = None, change: int = 0) -> None:
        self.draw, self.near, self.change = draw, near, change
        self.drawn: dict[tuple[str, int], int] = {}

    def number(self, key: str, below: int) -> int:
        """What was drawn for a choice, or is now."""
        if (key, below) not in self.drawn:
            same = self.near is not None and self.draw(100) < 100 - self.change
            self.drawn[key, below] = self.near.number(key, below) if same and self.near else self.draw(below)
        return self.drawn[key, below]

    def pick(self, key: str, options: Sequence[T]) -> T:
        """One of the options, always the same for this key."""
        return options[self.number(key, len(options))]


def foundations(s: Schema) -> Iterator[str]:
    """Schemas and extensions."""
    if s.maybe("app", 0.8):
        yield "CREATE SCHEMA app"
        yield from s.comment("SCHEMA app")
        yield from s.grants("SCHEMA app", ["USAGE", "CREATE"])
    if s.maybe("spare", 0.3):
        yield 'CREATE SCHEMA "Spare one"'
    if s.maybe("trigrams", 0.3):
        yield "CREATE EXTENSION pg_trgm SCHEMA public"
    if s.maybe("collation"):
        yield f"CREATE COLLATION public.plain (PROVIDER = libc, LOCALE = '{s.pick('locale', ['C', 'POSIX'])}')"


def kinds(s: Schema) -> Iterator[str]:
    """Enums, domains, composites, ranges."""
    h = s.home
    labels = [
        "'open', 'done'",
        "'open', 'held', 'done'",
        "'new', 'open', 'done', 'gone'",
        "'done', 'open'",
        "'open', 'shut'",
    ]
    yield f"CREATE TYPE {h}.status AS ENUM ({s.pick('labels', labels)})"
    yield from s.comment(f"TYPE {h}.status")
    yield from s.grants(f"TYPE {h}.status", ["USAGE"])
    if s.maybe("usage"):
        yield f"REVOKE USAGE ON TYPE {h}.status FROM PUBLIC"
    yield f"CREATE DOMAIN {h}.amount AS {s.pick('amount', ['numeric(78,0)', 'numeric(78,0)', 'numeric(20,2)', 'bigint'])}"
    if s.maybe("amount check"):
        yield f"ALTER DOMAIN {h}.amount ADD CONSTRAINT positive CHECK (VALUE {s.pick('sign', ['>= 0', '> 0', '<> 7'])})"
    if s.maybe("amount valid", 0.2):
        yield f"ALTER DOMAIN {h}.amount ADD CONSTRAINT later CHECK (VALUE < 1000) NOT VALID"
    if s.maybe("amount default"):
        yield f"ALTER DOMAIN {h}.amount SET DEFAULT {s.pick('amount start', [1, 2])}"
    yield from s.comment(f"DOMAIN {h}.amount")
    if s.maybe("state", 0.7):
        yield f"CREATE DOMAIN {h}.state AS {h}.status" + (" NOT NULL" if s.maybe("state needed", 0.3) else "")
        if s.maybe("state check"):
            yield f"ALTER DOMAIN {h}.state ADD CONSTRAINT opened CHECK (VALUE <> 'open')"
    fields = [
        "x int, y text",
        "x int, y text, z date",
        "y text, x int",
        "x bigint, y text",
        f"x int, s {h}.status",
        "x int",
    ]
    yield f"CREATE TYPE {h}.pair AS ({s.pick('fields', fields)})"
    yield from s.comment(f"TYPE {h}.pair")
    yield from s.comment(f"COLUMN {h}.pair.x")
    if s.maybe("span", 0.6):
        yield f"CREATE TYPE {h}.span AS RANGE (SUBTYPE = {s.pick('subtype', ['int', 'numeric', 'date'])})"
        yield from s.comment(f"TYPE {h}.span")


def counters(s: Schema) -> Iterator[str]:
    """Sequences of their own."""
    if s.maybe("ticket", 0.7):
        options = s.pick(
            "ticket options", ["", "AS smallint", "INCREMENT 5", "START 7 MINVALUE 3 MAXVALUE 900 CYCLE", "CACHE 9"]
        )
        yield f"CREATE SEQUENCE public.ticket {options}"
        yield from s.comment("SEQUENCE public.ticket")
        yield from s.grants("SEQUENCE public.ticket", ["USAGE", "SELECT", "USAGE, UPDATE"])


def routines(s: Schema) -> Iterator[str]:
    """Functions, procedures and aggregates that need no table."""
    h = s.home
    body = s.pick("score", ["'SELECT $1 + 1'", "'SELECT $1 + 2'", "$$SELECT abs($1) -- it's; fine$$"])
    yield f"CREATE FUNCTION {h}.score(n int) RETURNS {s.pick('score result', ['int', 'int', 'bigint'])} LANGUAGE sql IMMUTABLE AS {body}"
    yield from s.comment(f"FUNCTION {h}.score(int)")
    if s.maybe("private score", 0.4):
        yield f"REVOKE EXECUTE ON FUNCTION {h}.score(int) FROM PUBLIC"
        yield from s.grants(f"FUNCTION {h}.score(int)", ["EXECUTE"])
    if s.maybe("overload"):
        yield f"CREATE FUNCTION {h}.score(n text, m int DEFAULT {s.pick('m', [1, 2])}) RETURNS int LANGUAGE sql AS 'SELECT 1'"
    if s.maybe("of status"):
        yield f"CREATE FUNCTION {h}.worse(a {h}.status) RETURNS {h}.status LANGUAGE sql STABLE AS 'SELECT $1'"
    word = s.pick("touch", ["NEW", "OLD"])
    yield f"CREATE FUNCTION {h}.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN {word}; END$$"
    if s.maybe("procedure"):
        kind = s.pick("proc kind", ["PROCEDURE", "FUNCTION"])
        result = "" if kind == "PROCEDURE" else " RETURNS void"
        yield f"CREATE {kind} {h}.tidy(a int){result} LANGUAGE plpgsql AS 'BEGIN END'"
        yield from s.comment(f"{kind} {h}.tidy(int)")
    if s.maybe("aggregate"):
        yield (
            f"CREATE AGGREGATE {h}.total(int) (SFUNC = int4pl, STYPE = int"
            f"{s.pick('initial', ['', ', INITCOND = 0', ', INITCOND = 5'])})".replace("= 0", "= '0'").replace(
                "= 5", "= '5'"
            )
        )
    if s.maybe("operator", 0.4):
        yield f"CREATE FUNCTION {h}.near(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT abs($1 - $2) < 2'"
        yield (
            f"CREATE OPERATOR {h}.~~~ (FUNCTION = {h}.near, LEFTARG = int, RIGHTARG = int"
            f"{s.pick('commutator', ['', f', COMMUTATOR = OPERATOR({h}.~~~)'])})"
        )
    if s.maybe("cast", 0.4):
        yield f"CREATE FUNCTION {h}.as_int({h}.status) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'"
        yield f"CREATE CAST ({h}.status AS int) WITH FUNCTION {h}.as_int({h}.status){s.pick('cast how', ['', ' AS ASSIGNMENT'])}"


KEYS = [
    "PRIMARY KEY (id)", "PRIMARY KEY (id)", "UNIQUE (id)", "UNIQUE (id) DEFERRABLE INITIALLY DEFERRED",
    "PRIMARY KEY (id) INCLUDE (name)",
]  # fmt: skip


def referable(s: Schema) -> bool:
    """Whether a foreign key can point to accounts."""
    return "DEFERRABLE" not in s.pick("key", KEYS) and not s.maybe("unlogged", 0.2)


def account(s: Schema) -> Iterator[str]:
    """A table with columns of all kinds."""
    h = s.home
    keys = [
        "id bigint",
        "id serial",
        "id bigint GENERATED ALWAYS AS IDENTITY",
        "id int GENERATED BY DEFAULT AS IDENTITY (START 5)",
    ]
    columns = [s.pick("id", keys) + " NOT NULL"]
    collation = s.pick(
        "collation of name",
        ["", ' COLLATE "C"', " COLLATE public.plain"] if s.maybe("collation") else ["", ' COLLATE "C"'],
    )
    columns.append(
        f"name {s.pick('name', ['text', 'varchar(40)', 'varchar(80)'])}{collation}{s.pick('name default', ['', ' DEFAULT initcap(current_user::text)', ' NOT NULL'])}"
    )
    columns.append(
        f"status {s.pick('status', [f'{h}.status', f'{h}.status', 'text'])}{s.pick('status default', ['', ' DEFAULT ' + chr(39) + 'open' + chr(39)])}"
    )
    columns.append(
        f"balance {s.pick('balance', [f'{h}.amount', 'numeric(78,0)', 'bigint'])}{s.pick('balance default', ['', ' DEFAULT 0', f' DEFAULT {h}.score(3)'])}"
    )
    if s.maybe("pair column", 0.6):
        columns.append(f"place {h}.pair")
    if s.maybe("history"):
        columns.append(f"history {h}.status[]")
    if s.maybe("state", 0.7) and s.maybe("state column"):
        columns.append(f"state {h}.state")
    if s.maybe("span", 0.6) and s.maybe("span column"):
        columns.append(f"term {h}.span")
    if s.maybe("ticket", 0.7) and s.maybe("ticket column"):
        columns.append("ticket bigint DEFAULT nextval('public.ticket')")
    size = s.pick("size", ["", "id * 2", "id * 3", f"{h}.score(id::int)"])
    if size:
        columns.append(f"size bigint GENERATED ALWAYS AS ({size}) STORED")
    unlogged = "UNLOGGED " if s.maybe("unlogged", 0.2) else ""
    options = s.pick(
        "options",
        [
            "",
            " WITH (fillfactor = 70)",
            " WITH (fillfactor = 80, autovacuum_enabled = off, toast.autovacuum_enabled = off)",
        ],
    )
    yield f"CREATE {unlogged}TABLE public.account ({', '.join(columns)}){options}"
    if s.maybe("ticket", 0.7) and s.maybe("ticket column") and s.maybe("ticket owned"):
        yield "ALTER SEQUENCE public.ticket OWNED BY public.account.ticket"
    if s.maybe("storage", 0.3):
        yield f"ALTER TABLE public.account ALTER name SET STORAGE {s.pick('name storage', ['EXTERNAL', 'MAIN'])}, ALTER name SET COMPRESSION pglz"
    if s.maybe("statistics", 0.3):
        yield f"ALTER TABLE public.account ALTER name SET STATISTICS {s.pick('target', [50, 500])}, ALTER id SET (n_distinct = -1)"
    key = s.pick("key", KEYS)
    yield f"ALTER TABLE public.account ADD CONSTRAINT account_key {key}"
    yield from s.comment("CONSTRAINT account_key ON public.account")
    if s.maybe("check"):
        valid = " NOT VALID" if s.maybe("check valid", 0.3) else ""
        check = s.pick("check text", [f"{h}.score(length(name)) > 1", "length(name) > 3 OR id > 3", "name <> ''"])
        yield f"ALTER TABLE public.account ADD CONSTRAINT sound CHECK ({check}){valid}"
    if s.maybe("exclusion", 0.3):
        yield "ALTER TABLE public.account ADD CONSTRAINT apart EXCLUDE USING btree (name WITH =) WHERE (id > 3)"
    for name, definition in [
        ("by_name", ["(name)", "(name DESC NULLS LAST)", "(lower(name))", "(name text_pattern_ops) WHERE id > 3"]),
        ("by_status", ["(status)", "(status) WHERE status = 'open'", "(id) INCLUDE (balance)"]),
    ]:
        if s.maybe(name, 0.7):
            yield f"CREATE {'UNIQUE ' if s.maybe(f'unique {name}', 0.3) else ''}INDEX {name} ON public.account {s.pick(f'index {name}', definition)}"
            yield from s.comment(f"INDEX public.{name}")
    if s.maybe("clustered", 0.2):
        yield "ALTER TABLE public.account CLUSTER ON account_key"
    if s.maybe("identity full", 0.3):
        yield "ALTER TABLE public.account REPLICA IDENTITY FULL"
    if s.maybe("row security", 0.4):
        yield "ALTER TABLE public.account ENABLE ROW LEVEL SECURITY"
    if s.maybe("forced", 0.3):
        yield "ALTER TABLE public.account FORCE ROW LEVEL SECURITY"
    if s.maybe("policy"):
        clause = s.pick(
            "clause",
            [
                "USING (id > 3)",
                "FOR SELECT USING (status = 'open')",
                "AS RESTRICTIVE FOR INSERT TO writer WITH CHECK (id > 2)",
            ],
        )
        yield f"CREATE POLICY mine ON public.account {clause}"
        yield from s.comment("POLICY mine ON public.account")
    if s.maybe("trigger"):
        when = s.pick("when", ["BEFORE UPDATE", "AFTER INSERT", "BEFORE UPDATE OF name", "BEFORE INSERT OR UPDATE"])
        yield f"CREATE TRIGGER touched {when} ON public.account FOR EACH ROW EXECUTE FUNCTION {h}.touch()"
        if s.maybe("trigger off", 0.3):
            yield f"ALTER TABLE public.account {s.pick('trigger state', ['DISABLE', 'ENABLE ALWAYS'])} TRIGGER touched"
        yield from s.comment("TRIGGER touched ON public.account")
    if s.maybe("rule", 0.3):
        yield f"CREATE RULE quiet AS ON DELETE TO public.account {s.pick('rule', ['DO INSTEAD NOTHING', 'WHERE old.id > 3 DO INSTEAD NOTHING'])}"
    if s.maybe("statistic", 0.4):
        yield f"CREATE STATISTICS public.related{s.pick('statistic kind', ['', ' (ndistinct)'])} ON name, id FROM public.account"
        yield from s.comment("STATISTICS public.related")
    yield from s.comment("TABLE public.account")
    yield from s.comment("COLUMN public.account.name")
    yield from s.grants("TABLE public.account", ["SELECT", "INSERT, UPDATE", "SELECT (id, name), UPDATE (name)"])


def entry(s: Schema) -> Iterator[str]:
    """A table that refers to others, and is referred to."""
    h = s.home
    if not s.maybe("entry", 0.8):
        return
    extra = s.pick(
        "entry extra", ["", ", note text", ", note varchar(20) DEFAULT 'x'", f", kind {h}.status DEFAULT 'open'"]
    )
    yield f"CREATE TABLE public.entry (id {s.pick('entry id', ['int', 'bigint'])} PRIMARY KEY, account {s.pick('account type', ['bigint', 'int'])}, above {s.pick('entry id', ['int', 'bigint'])}{extra})"
    action = s.pick(
        "action", ["", " ON DELETE CASCADE", " ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED", " NOT VALID"]
    )
    if referable(s):
        yield f"ALTER TABLE public.entry ADD CONSTRAINT entry_account FOREIGN KEY (account) REFERENCES public.account (id){action}"
    if s.maybe("self"):
        yield "ALTER TABLE public.entry ADD CONSTRAINT entry_above FOREIGN KEY (above) REFERENCES public.entry"
    if s.maybe("circle", 0.3):
        yield "ALTER TABLE public.account ADD COLUMN last_entry bigint REFERENCES public.entry"
    if s.maybe("counted"):
        yield f"CREATE FUNCTION {h}.counted(a bigint) RETURNS bigint LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM public.entry WHERE account = a; END"
    if s.maybe("of row", 0.3):
        yield f"CREATE FUNCTION {h}.shown(e public.entry) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text'"
        if s.maybe("row check"):
            yield f"ALTER TABLE public.entry ADD CONSTRAINT shown CHECK ({h}.shown(entry.*) <> '')"


def events(s: Schema) -> Iterator[str]:
    """Partitions."""
    h = s.home
    if not s.maybe("events", 0.8):
        return
    kind = s.pick("event kind", ["RANGE (block)", "RANGE (block)", "RANGE (block)", "LIST (block)"])
    extra = s.pick(
        "event extra", ["", ", topic text", ", topic text NOT NULL DEFAULT 'x'", ", topic varchar(66), seen date"]
    )
    yield f"CREATE TABLE public.event (block {s.pick('block', ['bigint', 'bigint', 'int'])} NOT NULL, index int NOT NULL{extra}) PARTITION BY {kind}"
    if s.maybe("event key", 0.7):
        yield "ALTER TABLE public.event ADD PRIMARY KEY (block, index)"
    if s.maybe("event index"):
        yield f"CREATE INDEX event_place ON public.event {s.pick('event index on', ['(index)', '(index, block)'])}"
    if s.maybe("event check"):
        yield f"ALTER TABLE public.event ADD CONSTRAINT not_below CHECK (block >= {s.pick('floor', [0, 1])})"
    if s.maybe("event reference", 0.3) and referable(s):
        yield "ALTER TABLE public.event ADD CONSTRAINT of_account FOREIGN KEY (index) REFERENCES public.account (id)"
    ranged = kind.startswith("RANGE")
    bounds = {
        "event_1": "FROM (0) TO (100)" if ranged else "IN (1, 2)",
        "event_2": s.pick("second bound", ["FROM (100) TO (200)", "FROM (100) TO (300)"]) if ranged else "IN (3)",
    }
    for name, bound in bounds.items():
        if s.maybe(f"has {name}", 0.8):
            below = s.pick("below", ["", "", " PARTITION BY HASH (index)"]) if name == "event_2" else ""
            yield f"CREATE TABLE public.{name} PARTITION OF public.event FOR VALUES {bound}{below}"
            if below:
                yield f"CREATE TABLE public.{name}_a PARTITION OF public.{name} FOR VALUES WITH (MODULUS 1, REMAINDER 0)"
            if s.maybe(f"detached {name}", 0.2):
                yield f"ALTER TABLE public.event DETACH PARTITION public.{name}"
            if s.maybe(f"own index {name}", 0.3):
                yield f"CREATE INDEX {name}_own ON public.{name} (index DESC)"
            if s.maybe(f"own default {name}", 0.2):
                yield f"ALTER TABLE public.{name} ALTER index SET DEFAULT 4"
            yield from s.comment(f"TABLE public.{name}")
            yield from s.grants(f"TABLE public.{name}", ["SELECT"])
    if s.maybe("rest", 0.3):
        yield "CREATE TABLE public.event_rest PARTITION OF public.event DEFAULT"
    if s.maybe("event trigger"):
        yield f"CREATE TRIGGER event_touched AFTER INSERT ON public.event FOR EACH ROW EXECUTE FUNCTION {h}.touch()"
    yield from s.comment("COLUMN public.event.index")


def families(s: Schema) -> Iterator[str]:
    """Inheritance, typed tables."""
    h = s.home
    if s.maybe("family"):
        yield f"CREATE TABLE public.base (a int{s.pick('base a', ['', ' NOT NULL', ' DEFAULT 3'])}, b {s.pick('base b', ['text', 'varchar(9)'])}{s.pick('base check', ['', ', CONSTRAINT fair CHECK (a > 0)'])})"
        if s.maybe("child", 0.8):
            inherits = " INHERITS (public.base)" if s.maybe("inherits", 0.7) else ""
            own = "c int" if inherits else "a int, b text, c int"
            yield f"CREATE TABLE public.child ({own}){inherits}"
    if s.maybe("typed", 0.4):
        yield f"CREATE TABLE public.typed OF {h}.pair"


def views(s: Schema) -> Iterator[str]:
    """Views, one on another, and materialised ones."""
    if s.maybe("view", 0.8):
        columns = s.pick(
            "view columns", ["id, name", "id, name, status", "id, name::text AS name, balance", "name, id"]
        )
        options = s.pick(
            "view options",
            ["", " WITH (security_invoker = true)", " WITH (security_barrier = true, check_option = local)"],
        )
        yield f"CREATE VIEW public.open_accounts{options} AS SELECT {columns} FROM public.account{s.pick('view where', ['', ' WHERE id > 3'])}"
        yield from s.comment("VIEW public.open_accounts")
        yield from s.comment("COLUMN public.open_accounts.name")
        yield from s.grants("TABLE public.open_accounts", ["SELECT", "SELECT, INSERT"])
        if s.maybe("view default", 0.3):
            yield "ALTER VIEW public.open_accounts ALTER COLUMN name SET DEFAULT 'nobody'"
        if s.maybe("second view", 0.7):
            body = s.pick(
                "second",
                ["SELECT v.id, v.name FROM public.open_accounts v", "SELECT v.*, 1 AS one FROM public.open_accounts v"],
            )
            yield f"CREATE VIEW public.names AS {body}"
            if s.maybe("view rule", 0.4):
                yield "CREATE RULE put AS ON INSERT TO public.names DO INSTEAD NOTHING"
        if s.maybe("stored", 0.6):
            data = s.pick("data", ["", " WITH NO DATA"])
            yield f"CREATE MATERIALIZED VIEW public.stored AS SELECT id, count(*) AS n FROM public.open_accounts GROUP BY id{data}"
            if s.maybe("stored index"):
                yield f"CREATE {s.pick('stored unique', ['', 'UNIQUE '])}INDEX stored_id ON public.stored (id)"
            yield from s.grants("TABLE public.stored", ["SELECT"])


def others(s: Schema) -> Iterator[str]:
    """Publications, text search, default privileges."""
    if s.maybe("publication", 0.4) and not s.maybe("unlogged", 0.2):
        yield f"CREATE PUBLICATION changes FOR TABLE public.account{s.pick('published', ['', ' (id)', ' WHERE (id > 3)'])}"
    if s.maybe("search", 0.4):
        yield f"CREATE TEXT SEARCH CONFIGURATION public.words (COPY = {s.pick('copied', ['simple', 'english'])})"
        if s.maybe("dictionary"):
            yield "CREATE TEXT SEARCH DICTIONARY public.plain_words (TEMPLATE = simple, STOPWORDS = english)"
            yield "ALTER TEXT SEARCH CONFIGURATION public.words ALTER MAPPING FOR word WITH public.plain_words"
    if s.maybe("default privileges", 0.3):
        yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public {s.pick('defaults', ['GRANT SELECT ON TABLES TO reader', 'GRANT USAGE ON SEQUENCES TO writer'])}"
    if s.maybe("foreign", 0.4):
        yield f"CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere{s.pick('server options', ['', ' OPTIONS (a ' + chr(39) + 'b' + chr(39) + ')'])}"
        yield f"CREATE FOREIGN TABLE public.remote (a int{s.pick('remote', ['', ' NOT NULL', ', b text'])}) SERVER elsewhere"
        yield from s.comment("FOREIGN TABLE public.remote")


PARTS: tuple[Callable[[Schema], Iterator[str]], ...] = (
    foundations, kinds, counters, routines, account, entry, events, families, views, others,
)  # fmt: skip
