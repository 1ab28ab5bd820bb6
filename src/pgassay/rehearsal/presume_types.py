"""From hints to a type: what a column that nobody declared most likely is."""

from __future__ import annotations

import re

from pgassay.sql.usage_objects import ARGUMENT, DECLARED, WEAK, Column

_SERIALS = {
    "serial": "integer",
    "serial4": "integer",
    "bigserial": "bigint",
    "serial8": "bigint",
    "smallserial": "smallint",
    "serial2": "smallint",
}
_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")

# The usual names of columns; the first that fits counts.
_NAMES = (
    (r"(?:.*_)?id|.*Id|.*ID|pk", "bigint"),
    (r".*(?:_at|_on|At|_time|timestamp)|ts|created|updated|deleted|modified", "timestamptz"),
    (r"date|.*(?:_date|Date)|birthday|dob", "date"),
    (r"(?:is|has|can|should|was|allow|enable|use)_.*|(?:is|has|can)[A-Z].*|.*(?:_enabled|_verified|_deleted|_flag)"
     r"|(?:active|enabled|verified|deleted|archived|published|disabled|visible|approved|completed|done|hidden|public)",
     "boolean"),
    (r"block|block_number|blockNumber|nonce|.*_block|.*_bytes|sequence|gas|gas_used", "bigint"),
    (r".*(?:_count|_qty|Count|_index|_no|_number|_num|_order|_rank|_level)"
     r"|count|quantity|qty|position|age|rank|year|month|day|hour|version|priority|rating|score|size|level|stock|attempts"
     r"|retries|points|views|likes|port|order|sort_order|weight|duration|decimals|log_index|chain_id", "integer"),
    (r"(?:.*_)?(?:amount|balance|supply|wei|shares)|.*(?:Amount|Balance|Supply)", "numeric(78,0)"),
    (r"(?:.*_)?(?:price|total|subtotal|cost|fee|tax|salary|discount|rate|revenue)|.*(?:Price|Total|Cost)",
     "numeric(12,2)"),
    (r"lat|latitude|lng|lon|longitude", "double precision"),
    (r"uuid|guid|.*_uuid|.*_guid", "uuid"),
    (r"metadata|meta|payload|settings|config|attributes|properties|preferences|options|raw_data|json|.*_json|.*_meta"
     r"|.*_data|.*Json|.*_payload", "jsonb"),
    (r"tags|labels|roles|permissions|scopes|keywords|categories", "text[]"),
    (r"tsv|.*_tsv|search_vector|tsvector|fts", "tsvector"),
    (r"ip|ip_address|ipaddr|.*_ip", "inet"),
)  # fmt: skip


def by_name(name: str) -> str:
    """The type that columns of such a name usually have."""
    return next((type for pattern, type in _NAMES if re.fullmatch(pattern, name)), "text")


def declared(type: str) -> str:
    """A declared type without the serial shorthand."""
    return _SERIALS.get(type.lower(), type)


def resolve(column: Column) -> str:
    """The type of a column: declared, else by the surest hint of all columns that share its type, else by its name."""
    if column.type is not None:
        return declared(column.type)
    group = _group(column)
    known = next((c for c in group if c.type is not None), None)
    hints = [h for c in group for h in c.hints]
    if known is not None and known.type is not None:
        hints.append((DECLARED, declared(known.type)))
    hints.sort(key=lambda h: -h[0])
    weight, best = hints[0] if hints else (0, "")
    literals = [text for c in group for text in c.literals]
    if weight > ARGUMENT:
        return best if weight >= DECLARED else _fits(best, literals)
    becoming = next((c for c in group if c.becomes), None)
    said = (
        becoming is not None and becoming.cast and (weight == ARGUMENT or any(c.numbers or c.literals for c in group))
    )
    if becoming is not None and becoming.becomes is not None and not said:
        before = _before(becoming.becomes, becoming.cast)
        if before:
            return before
    if best and weight == ARGUMENT and best not in ("numeric", "text"):
        return best
    named = next((t for c in group if (t := by_name(c.name)) != "text"), "text")
    return _guess(named, best, weight, literals, [n for c in group for n in c.numbers], column.default)


def _guess(named: str, best: str, weight: int, literals: list[str], numbers: list[str], default: bool) -> str:
    if best == "text" and weight >= ARGUMENT:
        return "text"
    if literals:
        if all(_fit(named, text) for text in literals) and named != "text":
            return named
        for pattern, type in ((_UUID, "uuid"), (_MOMENT, "timestamptz"), (_DATE, "date")):
            if all(pattern.match(text) for text in literals):
                return type
        if all(text.lstrip()[:2] in ('{"', "{}", "[]", "[{", '["') for text in literals):
            return "text[]" if set(literals) == {"{}"} and named == "text[]" else "jsonb"
        if numbers:
            return "numeric"
        return "text"
    if best == "numeric" or numbers:
        if named.startswith(_NUMBERS):
            return named
        if any("." in n for n in numbers):
            return "numeric"
        if any(abs(int(n)) > 2**31 - 1 for n in numbers):
            return "bigint"
        return "integer" if numbers else "numeric"
    if weight >= WEAK and best and named == "text" and not default:
        return best
    return named


def _fit(type: str, text: str) -> bool:
    base = type.split("(")[0]
    if base in ("smallint", "integer", "bigint"):
        return re.fullmatch(r"\s*-?\d+\s*", text) is not None
    if base in _NUMBERS:
        return _NUMBER.match(text.strip()) is not None
    match base:
        case "uuid":
            return _UUID.match(text) is not None
        case "timestamptz" | "timestamp" | "date":
            return re.match(r"\d{4}-\d\d|now\b|-?infinity|epoch|today|yesterday", text) is not None
        case "boolean":
            return text.lower() in {"t", "f", "true", "false", "yes", "no", "on", "off", "1", "0", "y", "n"}
        case "json" | "jsonb":
            return text.lstrip()[:1] in {"{", "[", '"'} or text in {"null", "true", "false"}
        case "inet":
            return re.match(r"[\d.:a-fA-F/]+\Z", text) is not None
    if type.endswith("[]"):
        return text.startswith("{") and not text.startswith('{"')
    return base == "text"


def _fits(type: str, literals: list[str]) -> str:
    plain = type.split("(")[0] in {*_NUMBERS, "uuid", "timestamptz", "timestamp", "date", "boolean"}
    return "text" if plain and any(not _fit(type, text) for text in literals) else type


def _group(column: Column) -> list[Column]:
    found, waiting = [column], list(column.peers)
    while waiting:
        other = waiting.pop(0)
        if other not in found:
            found.append(other)
            waiting += other.peers
    return found


def _before(after: str, cast: bool) -> str | None:
    """What ``ALTER COLUMN … TYPE after`` most likely starts from: another type that converts to it."""
    base, _, modifier = after.partition("(")
    if after.endswith("[]"):
        return "text" if cast else "text[]" if after != "text[]" else "varchar[]"
    if cast and base not in {"text", "varchar", "char"}:
        return {"timestamptz": "timestamp", "timestamp": "timestamptz", "date": "timestamptz"}.get(base, "text")
    if base == "numeric":
        scale = modifier.rstrip(")").partition(",")[2].strip()
        return "bigint" if modifier and scale in ("", "0") else "numeric" if modifier else "bigint"
    return {
        "bigint": "integer",
        "integer": "smallint",
        "smallint": "integer",
        "text": "varchar(255)",
        "varchar": "text" if modifier else "varchar(255)",
        "char": "text",
        "timestamptz": "timestamp",
        "timestamp": "timestamptz",
        "date": "timestamptz",
        "time": "timestamp",
        "double precision": "real",
        "real": "double precision",
        "jsonb": "json",
        "json": "jsonb",
        "inet": "cidr",
        "interval": "time",
        "money": "numeric",
        "citext": "text",
    }.get(base, "text")


def a_default(type: str, name: str, labels: list[str]) -> str:
    """Some default for a column of this type, as SQL."""
    base = type.split("(")[0]
    if labels:
        return f"'{labels[0]}'"
    if type.endswith("[]"):
        return "'{}'"
    if base in _NUMBERS:
        return "0"
    known = {
        "boolean": "false",
        "timestamptz": "now()",
        "timestamp": "now()",
        "date": "current_date",
        "time": "localtime",
        "interval": "'0'",
        "uuid": "gen_random_uuid()",
        "json": "'{}'",
        "jsonb": "'{}'",
        "bytea": "'\\x'",
        "inet": "'127.0.0.1'",
    }
    return known.get(base, "''" if name != "id" else "gen_random_uuid()::text")
