"""Two columns side by side, which a trigger keeps equal, so that both versions of an application run.

A renamed column gets a shadow with the new name. The column itself keeps its indexes, constraints and place: in the
end the shadow goes and the column takes its name. A column whose type changes gets a second one, which takes its name
in one short transaction and its indexes and constraints with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgassay.catalog import Table
from pgassay.catalog.model import Column, Constraint, Index
from pgassay.migrate.plan.constraints import required, validated
from pgassay.migrate.plan.indexes import names, renamed, temporary
from pgassay.migrate.plan.model import PlanStep, Rewritten, Scene, Twins, batch
from pgassay.model import Name, literal, quote
from pgassay.model.actions import AlterType, Rename
from pgassay.sql.expressions import columns_of, parse_expression
from pgassay.sql.reshape import constraint, expression, index

_WIDER = {("smallint", "integer"), ("smallint", "bigint"), ("integer", "bigint"), ("integer", "numeric"),
          ("bigint", "numeric"), ("real", "double precision")}  # fmt: skip


def renamed_column(scene: Scene, action: Rename) -> Rewritten | None:
    """RENAME COLUMN: a shadow with the new name until the old application is gone."""
    if action.kind != "column" or action.within is None or not scene.stands(action.within):
        return None
    table = scene.table(action.within)
    column = table.column(action.old.name) if table else None
    if table is None or column is None or not _simple(scene, table, column):
        return None
    old, new, name = column.name, action.new, table.name
    o, n = quote(old), quote(new)
    trigger, function = sync_names(table, old)
    body = f"""\
  IF TG_OP = 'INSERT' THEN
    IF new.{n} IS NULL THEN new.{n} := new.{o}; ELSE new.{o} := new.{n}; END IF;
  ELSIF new.{n} IS DISTINCT FROM old.{n} AND new.{o} IS NOT DISTINCT FROM old.{o} THEN
    new.{o} := new.{n};
  ELSE
    new.{n} := new.{o};
  END IF;"""
    undo = (f"DROP TRIGGER IF EXISTS {trigger} ON {name}", f"DROP FUNCTION IF EXISTS {function}()",
            f"ALTER TABLE {name} DROP COLUMN IF EXISTS {n}")  # fmt: skip
    steps = [
        scene.step(
            f"expand {name.name} {new}", f"ALTER TABLE {name} ADD COLUMN {n} {column.type}{_collation(column)}",
            *_privileges(table, old, new), *sync_trigger(name, trigger, function, body),
            why=f"{new} stands beside {old}, and a trigger keeps them equal whichever of them is written",
            back=undo, locks=(name,),
        ),
        scene.step(
            f"backfill {name.name} {new}",
            batch(f"UPDATE {name} SET {n} = {o} WHERE {n} IS DISTINCT FROM {o}"),
            phase="backfill", mode="batch", back=(), why="the rows of today, in batches",
        ),
    ]  # fmt: skip
    taken = names(scene, name)
    for each in (i for i in table.indexes if old in _index_columns(i)):
        made = temporary(each.name, taken)
        taken |= {made}
        sql = index(each.definition, name=made, columns={old: new})
        steps.append(_built(scene, sql, name, made, f"the new application's queries by {new} need an index too"))
    steps.append(
        scene.step(
            f"contract {name.name} {old}", f"DROP TRIGGER {trigger} ON {name}", f"DROP FUNCTION {function}()",
            f"ALTER TABLE {name} DROP COLUMN {n}", f"ALTER TABLE {name} RENAME COLUMN {o} TO {n}",
            phase="contract", locks=(name,),
            why=f"nothing uses {old} any more: the column itself, with its indexes and constraints, takes the name",
        )
    )  # fmt: skip
    twins = Twins(table=name, old=old, new=new, forth=o, back=n, origin=scene.number)
    return Rewritten(steps=steps, twins=[twins], notes=list(_remarks(table, old)))


def retyped(scene: Scene, action: AlterType) -> Rewritten | None:
    """ALTER COLUMN … TYPE that rewrites the table: a second column, and names swapped in a short transaction."""
    table, made = scene.table(action.table), scene.after(action.table)
    was = table.column(action.column) if table else None
    now = made.column(action.column) if made else None
    if table is None or made is None or was is None or now is None or not scene.stands(action.table):
        return None
    if not (scene.works or any(w.kind == "rewrite" for w in scene.seen.observed.work)):
        return None
    if not _simple(scene, table, was) or table.kind != "table" or _in_others_way(scene, table, was.name):
        return None
    if any(was.name in _index_columns(i) and i.exclusion for i in table.indexes):
        return None
    return _Retyping(scene, table, made, was, now, action).rewritten()


class _Retyping:
    def __init__(self, scene: Scene, table: Table, made: Table, was: Column, now: Column, action: AlterType) -> None:
        self.scene, self.table, self.made, self.was, self.now = scene, table, made, was, now
        self.name = table.name
        columns = {c.name for c in table.columns}
        self.old = was.name
        self.new = temporary(was.name, frozenset(columns))
        self.kept = next(n for n in (f"{was.name[:58]}_old{i or ''}" for i in range(99)) if n not in columns)
        self.trigger, self.function = sync_names(table, was.name)
        # Assigned as ALTER TYPE would: a value that does not fit is refused, where an explicit cast would cut it short.
        self.forth = action.using or quote(self.old)
        self.converted = action.using or f"{quote(self.old)}::{now.type}"
        self.indexes: list[tuple[Index, str]] = []
        self.rules: list[tuple[Constraint, str]] = []
        self.pointing: list[tuple[Name, str, str]] = []  # foreign keys of others: table, name, name beside it

    def rewritten(self) -> Rewritten:
        twins = Twins(
            table=self.name, old=self.old, new=self.new, forth=self.forth,
            back=f"{quote(self.new)}::{self.was.type}", kept=self.kept, origin=self.scene.number,
        )  # fmt: skip
        steps = [*self._expand(), *self._filled(), self._switch(), self._contract()]
        notes = [*_remarks(self.table, self.old), f"{self.name}.{self.old} becomes the last column of its table"]
        if (self.was.base, self.now.base) not in _WIDER:
            notes.append(
                f"a value of {self.name}.{self.old} that {self.now.type} cannot hold stops the backfill: nothing is"
                " switched, nothing is lost"
            )
        return Rewritten(steps=steps, twins=[twins], notes=notes)

    def _expand(self) -> Iterator[PlanStep]:
        scene, name, n = self.scene, self.name, quote(self.new)
        on_row = expression(self.forth, {c.name: c.name for c in self.table.columns}, row="new")
        body = f"  new.{n} := {on_row};"
        if (self.was.base, self.now.base) not in _WIDER:
            body = f"""\
  BEGIN
    new.{n} := {on_row};
  EXCEPTION WHEN others THEN
    new.{n} := NULL;  -- a value that the new type cannot hold must not stop the old application
  END;"""
        yield scene.step(
            f"expand {name.name} {self.old}",
            f"ALTER TABLE {name} ADD COLUMN {n} {self.now.type}{_collation(self.now)}",
            *_privileges(self.table, self.old, self.new), *sync_trigger(name, self.trigger, self.function, body),
            why=f"a change of type rewrites {name} while nobody can read it: a second column takes the values as they"
            " come",
            back=(f"DROP TRIGGER IF EXISTS {self.trigger} ON {name}", f"DROP FUNCTION IF EXISTS {self.function}()",
                  f"ALTER TABLE {name} DROP COLUMN IF EXISTS {n}"),
            locks=(name,),
        )  # fmt: skip

    def _filled(self) -> Iterator[PlanStep]:
        scene, name, n = self.scene, self.name, quote(self.new)
        yield scene.step(
            f"backfill {name.name} {self.old}",
            batch(f"UPDATE {name} SET {n} = {self.forth} WHERE {n} IS DISTINCT FROM ({self.converted})"),
            phase="backfill", mode="batch", back=(), why="the rows of today, in batches",
        )  # fmt: skip
        if self.was.not_null:
            yield from required(scene, name, self.new, "backfill")
        taken, swap = names(scene, name), {self.old: self.new}
        wanted = {i.name: i for i in self.made.indexes}
        for each in self.table.indexes:
            target = wanted.get(each.name)
            if target is None or self.old not in _index_columns(each):
                continue
            tmp = temporary(each.name, taken)
            taken |= {tmp}
            self.indexes.append((each, tmp))
            sql = index(target.definition, name=tmp, columns=swap)
            yield _built(scene, sql, name, tmp, f"{each.name} on the new column", "backfill")
        rules = {c.name: c for c in self.made.constraints}
        for rule in self.table.constraints:
            target_rule = rules.get(rule.name)
            if target_rule is None or rule.kind not in ("check", "foreign key") or self.old not in _named(rule):
                continue
            tmp = temporary(rule.name, taken)
            taken |= {tmp}
            self.rules.append((rule, tmp))
            text = f"ALTER TABLE {name} ADD CONSTRAINT {quote(rule.name)} {target_rule.definition}"
            yield scene.step(
                f"add {tmp}", constraint(text, name=tmp, columns=swap, validated=False), phase="backfill",
                locks=(name, *([rule.references] if rule.references else ())),
                back=(f"ALTER TABLE {name} DROP CONSTRAINT IF EXISTS {quote(tmp)}",),
                why=f"{rule.name} on the new column",
            )  # fmt: skip
            if target_rule.validated:
                yield scene.step(
                    f"validate {tmp}", f"ALTER TABLE {name} VALIDATE CONSTRAINT {quote(tmp)}", phase="backfill",
                    back=(), why="reads the rows while writes go on",
                )  # fmt: skip
        yield from self._pointed(taken)

    def _pointed(self, taken: frozenset[str]) -> Iterator[PlanStep]:
        """Foreign keys of other tables, once more, to the new column."""
        for other in self.scene.seen.after.tables:
            for key in other.foreign_keys:
                if key.references != self.name or key.referenced_columns != (self.old,) or other.name == self.name:
                    continue
                tmp = temporary(key.name, taken)
                taken |= {tmp}
                self.pointing.append((other.name, key.name, tmp))
                text = f"ALTER TABLE {other.name} ADD CONSTRAINT {quote(key.name)} {key.definition}"
                sql = constraint(text, name=tmp, referenced={self.old: self.new}, validated=False)
                yield from validated(self.scene, sql, tmp, other.name, (other.name, self.name), "backfill")

    def _identity(self) -> list[str]:
        """The new column counts on where the old one stands."""
        after = self.scene.seen.after.sequences
        sequence = next((s for s in after if s.owned_by == (self.name, self.old) and s.identity), None)
        if self.was.identity is None or sequence is None:
            return []
        name, o, n = self.name, quote(self.old), quote(self.new)
        kind = "ALWAYS" if self.was.identity == "always" else "BY DEFAULT"
        options = (
            f"SEQUENCE NAME {sequence.name} START WITH {sequence.start} INCREMENT BY {sequence.increment}"
            f" MINVALUE {sequence.minimum} MAXVALUE {sequence.maximum} CACHE {sequence.cache}"
            f"{' CYCLE' if sequence.cycle else ''}"
        )
        own = literal(str(sequence.name))
        return [
            f"""\
DO $switch$
DECLARE
  last bigint := pg_sequence_last_value({own}::regclass);  -- NULL where nothing was taken yet
BEGIN
  ALTER TABLE {name} ALTER COLUMN {o} DROP IDENTITY;
  ALTER TABLE {name} ALTER COLUMN {n} ADD GENERATED {kind} AS IDENTITY ({options});
  PERFORM setval({own}, coalesce(last, {sequence.start}), last IS NOT NULL);
END
$switch$"""
        ]

    def _switch(self) -> PlanStep:
        name, o, n, k = self.name, quote(self.old), quote(self.new), quote(self.kept)
        sql = [f"DROP TRIGGER {self.trigger} ON {name}"]
        keys = [r for r in self.table.constraints if r.kind in ("primary key", "unique") and self.old in r.columns]
        sql += self._identity()
        sql += [f"ALTER TABLE {other} DROP CONSTRAINT {quote(key)}" for other, key, _ in self.pointing]
        sql += [f"ALTER TABLE {name} DROP CONSTRAINT {quote(r.name)}" for r in keys]
        sql += [f"ALTER TABLE {name} ALTER COLUMN {o} DROP NOT NULL"] if self.was.not_null else []
        sql += [f"ALTER TABLE {name} RENAME COLUMN {o} TO {k}", f"ALTER TABLE {name} RENAME COLUMN {n} TO {o}"]
        if self.was.default is not None:
            sql.append(f"ALTER TABLE {name} ALTER COLUMN {k} DROP DEFAULT")
        if self.now.default is not None:
            sql.append(f"ALTER TABLE {name} ALTER COLUMN {o} SET DEFAULT {self.now.default}")
        if self.was.owned_sequence is not None and self.was.identity is None:
            sql.append(f"ALTER SEQUENCE {self.was.owned_sequence} OWNED BY {name}.{o}")
        by_name = {i.name: tmp for i, tmp in self.indexes}
        for rule in keys:
            sql.append(self._use(rule, by_name[rule.index or rule.name]))
        held = {r.index or r.name for r in keys}
        for each, tmp in self.indexes:
            if each.name not in held:
                sql += [f"DROP INDEX {name.named(each.name)}", renamed(name, tmp, each.name)]
        for other, key, tmp in self.pointing:
            sql.append(f"ALTER TABLE {other} RENAME CONSTRAINT {quote(tmp)} TO {quote(key)}")
        back = f"""\
  BEGIN
    new.{k} := new.{o};
  EXCEPTION WHEN others THEN
    new.{k} := NULL;  -- a value that only the new type holds
  END;"""
        sql += sync_trigger(name, self.trigger, self.function, back, replace=True)
        return self.scene.step(
            f"switch {name.name} {self.old}", *sql, phase="switch",
            locks=(name, *(other for other, _, _ in self.pointing)),
            why=f"names change places: no row is read. {self.kept} goes on taking every value that it can hold",
        )  # fmt: skip

    def _use(self, rule: Constraint, tmp: str) -> str:
        kind = "PRIMARY KEY" if rule.kind == "primary key" else "UNIQUE"
        when = " DEFERRABLE" * rule.deferrable + " INITIALLY DEFERRED" * rule.deferred
        return f"ALTER TABLE {self.name} ADD CONSTRAINT {quote(rule.name)} {kind} USING INDEX {quote(tmp)}{when}"

    def _contract(self) -> PlanStep:
        name = self.name
        return self.scene.step(
            f"contract {name.name} {self.old}", f"DROP TRIGGER {self.trigger} ON {name}",
            f"DROP FUNCTION {self.function}()",
            *(f"ALTER TABLE {name} DROP CONSTRAINT IF EXISTS {quote(rule.name)}" for rule, _ in self.rules),
            f"ALTER TABLE {name} DROP COLUMN {quote(self.kept)}",
            *(f"ALTER TABLE {name} RENAME CONSTRAINT {quote(tmp)} TO {quote(rule.name)}" for rule, tmp in self.rules),
            phase="contract", locks=(name,), why=f"the old values of {self.old} are of no more use",
        )  # fmt: skip


# What both have in common


def sync_names(table: Table, column: str) -> tuple[str, Name]:
    """A trigger that fires after all others (they fire in the order of their names), and its function."""
    word = f"{table.name.name}_{column}"[:54]
    return quote(f"zz_{word}_sync"), table.name.named(f"{word}_sync")


def sync_trigger(table: Name, trigger: str, function: Name, body: str, *, replace: bool = False) -> tuple[str, ...]:
    word = "CREATE OR REPLACE" if replace else "CREATE"
    return (
        f"{word} FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $sync$\nBEGIN\n{body}\n"
        "  RETURN new;\nEND\n$sync$",
        f"CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()",
    )


def _collation(column: Column) -> str:
    return f" COLLATE {column.collation}" if column.collation else ""


def _privileges(table: Table, old: str, new: str) -> Iterator[str]:
    """The rights on the column alone, for the one beside it too."""
    for grant in table.grants:
        if old in grant.columns:
            who = "PUBLIC" if grant.grantee == "PUBLIC" else quote(grant.grantee)
            rights = ", ".join(f"{p} ({quote(new)})" for p in grant.privileges)
            yield f"GRANT {rights} ON {table.name} TO {who}" + " WITH GRANT OPTION" * grant.grantable


def _built(scene: Scene, sql: str, table: Name, name: str, why: str, phase: str = "backfill") -> PlanStep:
    return scene.step(
        f"build {name}", sql, mode="alone", phase=phase, why=why,  # type: ignore[arg-type]
        back=(f"DROP INDEX CONCURRENTLY IF EXISTS {table.named(name)}",),
    )  # fmt: skip


def _simple(scene: Scene, table: Table, column: Column) -> bool:
    """Whether a trigger can hold another column equal to this one."""
    key = re.search(rf'(?<![\w"]){re.escape(quote(column.name))}(?![\w"])', table.partition_key or "")
    indexed = any(column.name in _index_columns(i) for i in table.indexes)
    partitioned = table.kind == "partitioned table" and not indexed
    related = not (table.kind == "table" or partitioned) or table.partition_of or table.inherits
    parts = [t for t in scene.seen.before.tables if t.partition_of == table.name]
    below = any(t.kind != "table" or any(column.name in _index_columns(i) for i in t.indexes) for t in parts)
    children = below or any(table.name in t.inherits and t.partition_of is None for t in scene.seen.before.tables)
    return not (column.generated or key or related or children or column.inherited)


def _in_others_way(scene: Scene, table: Table, column: str) -> bool:
    """Whether policies, columns that are computed or keys of several columns stand on a column."""
    others = any(
        k.references == table.name
        and column in k.referenced_columns
        and (len(k.referenced_columns) > 1 or t.name == table.name or t.kind != "table" or not k.validated)
        for t in scene.seen.before.tables
        for k in t.foreign_keys
    )
    texts = [p.using or "" for p in table.policies] + [p.check or "" for p in table.policies]
    texts += [c.expression or "" for c in table.columns if c.generated]
    texts += [s.definition for s in scene.seen.before.statistics if s.table == table.name]
    return others or any(re.search(rf"\b{re.escape(column)}\b", text) for text in texts)


def _index_columns(each: Index) -> set[str]:
    found = {c for c in each.columns if c} | set(each.include)
    for text in (*each.keys, each.where or ""):
        found |= set(columns_of(parse_expression(text))) if text else set()
    return found


def _named(rule: Constraint) -> set[str]:
    return set(rule.columns) | set(columns_of(parse_expression(rule.expression))) if rule.expression else set(
        rule.columns
    )  # fmt: skip


def _remarks(table: Table, column: str) -> Iterator[str]:
    if table.triggers:
        which = ", ".join(t.name for t in table.triggers)
        yield f"the backfill of {table.name} fires its triggers ({which}) once for each row"
    if any(re.search(rf"\bOF\b[^()]*\b{re.escape(column)}\b", t.definition) for t in table.triggers):
        yield f"a trigger of {table.name} fires on UPDATE OF {column}: writes to the column beside it do not fire it"
