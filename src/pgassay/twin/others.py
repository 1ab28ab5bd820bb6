"""Values of the types that are neither scalar nor text: uuid, json, bytes, networks, geometry, extensions' types."""

from __future__ import annotations

import re
from collections.abc import Callable

from pgassay.model import literal
from pgassay.twin.facts import Facts
from pgassay.twin.flavours import byte_length
from pgassay.twin.values import PLENTY, Values, chosen

_Render = Callable[[str, int], str]

# {k} is a whole number from 0, {s} a salt, {t} the type as written.
_TEMPLATES: dict[str, tuple[int, str]] = {
    "uuid": (PLENTY, "md5(({k})::text || '/{s}')::uuid"),
    "inet": (2**23, "('10.0.0.0'::inet + ({k}))"),
    "cidr": (2**23, "(host('10.0.0.0'::inet + ({k})))::cidr"),
    "macaddr": (PLENTY >> 4, "lpad(to_hex({k}), 12, '0')::macaddr"),
    "macaddr8": (PLENTY, "lpad(to_hex({k}), 16, '0')::macaddr8"),
    "xml": (PLENTY, "('<v n=\"' || ({k}) || '\"/>')::xml"),
    "tsvector": (PLENTY, "('word' || ({k}) || ' row')::tsvector"),
    "tsquery": (PLENTY, "('word' || ({k}))::tsquery"),
    "point": (PLENTY, "point(({k})::float8, ({k}) % 90)"),
    "line": (PLENTY, "line(point(({k})::float8, 0), point(({k})::float8, 1))"),
    "lseg": (PLENTY, "lseg(point(({k})::float8, 0), point(({k})::float8, 1))"),
    "box": (PLENTY, "box(point(({k}) * 2, 0), point(({k}) * 2 + 1, 1))"),
    "path": (PLENTY, "('((' || ({k}) || ',0),(1,1))')::path"),
    "polygon": (PLENTY, "polygon(box(point(({k}) * 2, 0), point(({k}) * 2 + 1, 1)))"),
    "circle": (PLENTY, "circle(point(({k}) * 3, 0), 1)"),
    "hstore": (PLENTY, "('n=>' || ({k}))::{t}"),
    "ltree": (PLENTY, "('top.n' || ({k}))::{t}"),
    "lquery": (PLENTY, "('top.n' || ({k}))::{t}"),
    "cube": (PLENTY, "('(' || ({k}) || ')')::{t}"),
    "isbn": (1, "'978-0-393-04002-9'::{t}"),
    "pg_lsn": (2**31, "('0/' || to_hex({k}))::pg_lsn"),
    "xid": (2**31, "({k})::text::xid"),
    "xid8": (2**31, "({k})::text::xid8"),
    "cid": (2**31, "({k})::text::cid"),
    "tid": (2**15, "('(' || ({k}) || ',1)')::tid"),
    "char": (64, 'chr((48 + ({k}) % 64)::integer)::"char"'),
    "jsonpath": (PLENTY, "('$.n' || ({k}))::jsonpath"),
    "regclass": (1, "'pg_class'::regclass"),
    "regtype": (1, "'integer'::regtype"),
    "regproc": (1, "'pg_backend_pid'::regproc"),
    "regrole": (1, "current_user::regrole"),
    "regnamespace": (1, "'pg_catalog'::regnamespace"),
    "regconfig": (1, "'simple'::regconfig"),
    "txid_snapshot": (PLENTY >> 2, "(({k}) + 1 || ':' || ({k}) + 1 || ':')::txid_snapshot"),
    "pg_snapshot": (PLENTY >> 2, "(({k}) + 1 || ':' || ({k}) + 1 || ':')::pg_snapshot"),
    "geometry": (PLENTY, "('SRID=4326;POINT(' || ({k}) % 180 || ' ' || ({k}) % 90 || ')')::{t}"),
    "geography": (PLENTY, "('SRID=4326;POINT(' || ({k}) % 180 || ' ' || ({k}) % 90 || ')')::{t}"),
}


def other_values(name: str, base: str, type_text: str, facts: Facts) -> Values | None:
    """Values of a type by its bare name, or None where nothing is known of it."""
    size, render = PLENTY, None
    if base == "boolean":
        return chosen(tuple(b for b in ("true", "false") if b not in facts.excluded), type_text)
    if base in _TEMPLATES:
        size, template = _TEMPLATES[base]
        return Values(size, lambda k, _count, salt: template.format(k=k, s=salt, t=type_text))
    if base in {"json", "jsonb"}:
        render = _json(name, base, facts)
    elif base == "bytea":
        render = _bytes(name, facts)
        size = PLENTY if (facts.most or 32) >= 8 else 256 ** (facts.most or 1)
    elif base in {"bit", "bit varying"}:
        width = int(found[1]) if (found := re.search(r"\((\d+)\)", type_text)) else 1 if base == "bit" else 16
        size, render = 2 ** min(width, 48), _bits(base, width)
    elif base in {"vector", "halfvec"}:
        dimensions = int(found[1]) if (found := re.search(r"\((\d+)\)", type_text)) else 3
        render = _vector(dimensions, type_text)
    if render is None:
        return None
    made = render
    return Values(size, lambda k, _count, salt: made(k, salt))


def _json(name: str, base: str, facts: Facts) -> _Render:
    del name
    match facts.json:
        case "array":
            return lambda k, _s: f"{base}_build_array({k})"
        case "string":
            return lambda k, _s: f"to_{base}(({k})::text)"
        case "number":
            return lambda k, _s: f"to_{base}({k})"
        case "boolean":
            return lambda k, _s: f"to_{base}(({k}) % 2 = 0)"
        case "null":
            return lambda _k, _s: f"'null'::{base}"
    more = "".join(f", {literal(key)}, 'v' || ({{k}})" for key in dict.fromkeys(facts.keys))
    return lambda k, _s: f"{base}_build_object('n', {k}{more.replace('{k}', k)})"


def _bytes(name: str, facts: Facts) -> _Render:
    usual = byte_length(name)
    length = max(facts.least, min(usual, facts.most if facts.most is not None else usual))

    def render(k: str, salt: int) -> str:
        if length < 8:
            digits = f"lpad(to_hex(({k}) & {256**length - 1}), {2 * length}, '0')" if length else "''"
        else:
            blocks = " || ".join(f"md5(({k})::text || '/{salt + n}')" for n in range(-(-length // 16)))
            digits = f"substr({blocks}, 1, {2 * length})"
        return f"decode({digits}, 'hex')"

    return render


def _bits(base: str, width: int) -> _Render:
    if width <= 64:
        return lambda k, _s: f"({k})::bigint::bit({width})"
    return lambda k, _s: f"('{'0' * (width - 64)}' || ({k})::bigint::bit(64)::text)::{base}({width})"


def _vector(dimensions: int, type_text: str) -> _Render:
    return lambda k, _s: f"('[' || repeat(({k}) % 97 || ',', {dimensions - 1}) || ({k}) || ']')::{type_text}"
