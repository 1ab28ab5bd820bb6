"""What PostgreSQL's own functions take and give, and which extension brings what: hints for ``usage``.

Functions that are not listed give no hint; nothing depends on the list being complete.
"""

from __future__ import annotations


def _signatures(text: str) -> dict[str, tuple[tuple[str, ...], str]]:
    found = {}
    for line in text.strip().splitlines():
        names, _, signature = line.partition(":")
        takes, _, gives = signature.partition("->")
        arguments = tuple("" if a == "any" else a for a in takes.split())
        found.update(dict.fromkeys(names.split(), (arguments, gives.strip())))
    return found


# Name(s): argument types -> result. "any" takes anything; the result "=" is the first argument's type.
FUNCTIONS = _signatures("""
lower upper trim btrim ltrim rtrim initcap reverse md5 replace regexp_replace translate left right lpad : text -> text
rpad substr substring split_part concat_ws quote_ident quote_literal normalize repeat overlay format : text -> text
string_agg current_setting : text -> text
concat to_char : -> text
length char_length character_length octet_length strpos position ascii : text -> integer
round abs ceil ceiling floor trunc sign power sqrt mod avg ln log exp sum : numeric -> numeric
count row_number rank dense_rank nextval currval : -> bigint
setval : any bigint -> bigint
random : -> double precision
now clock_timestamp statement_timestamp transaction_timestamp : -> timestamptz
date_trunc : text timestamptz -> timestamptz
date_part : text timestamptz -> double
extract : text timestamptz -> numeric
age : timestamptz timestamptz -> interval
to_timestamp : double -> timestamptz
to_date : text text -> date
to_number : text text -> numeric
make_interval : -> interval
gen_random_uuid uuidv7 uuidv4 uuid_generate_v4 uuid_generate_v1 : -> uuid
string_to_array regexp_split_to_array : text text -> text[]
array_to_string : text[] text -> text
array_length array_position cardinality array_ndims : text[] -> integer
array_append array_remove array_replace : text[] -> =
array_cat : text[] text[] -> =
unnest : text[] -> text
to_tsvector : -> tsvector
to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery : -> tsquery
setweight : tsvector any -> tsvector
ts_rank ts_rank_cd : tsvector any -> real
bool_and bool_or every : boolean -> boolean
encode : bytea text -> text
decode : text text -> bytea
sha256 sha512 : bytea -> bytea
convert_from : bytea text -> text
convert_to : text text -> bytea
to_jsonb jsonb_build_object jsonb_build_array jsonb_agg jsonb_object_agg : -> jsonb
to_json row_to_json json_build_object json_build_array json_agg : -> json
jsonb_set jsonb_insert : jsonb text[] jsonb -> jsonb
jsonb_strip_nulls jsonb_array_elements jsonb_path_query jsonb_extract_path : jsonb -> jsonb
jsonb_typeof jsonb_array_elements_text jsonb_object_keys jsonb_extract_path_text jsonb_pretty : jsonb -> text
jsonb_array_length : jsonb -> integer
jsonb_each jsonb_each_text jsonb_to_record jsonb_to_recordset : jsonb ->
jsonb_path_exists jsonb_exists : jsonb -> boolean
json_array_elements : json -> json
json_array_elements_text : json -> text
json_array_length : json -> integer
max min lag lead first_value last_value : any -> =
""")
FUNCTIONS = {
    name: (
        tuple("double precision" if a == "double" else a for a in takes),
        gives.replace("double", "double precision"),
    )
    for name, (takes, gives) in FUNCTIONS.items()
}

EXTENSION_FUNCTIONS = {
    "uuid_generate_v4": "uuid-ossp",
    "uuid_generate_v1": "uuid-ossp",
    "gen_random_bytes": "pgcrypto",
    "gen_salt": "pgcrypto",
    "crypt": "pgcrypto",
    "digest": "pgcrypto",
    "hmac": "pgcrypto",
    "similarity": "pg_trgm",
    "word_similarity": "pg_trgm",
    "unaccent": "unaccent",
    "levenshtein": "fuzzystrmatch",
    "soundex": "fuzzystrmatch",
}

EXTENSION_TYPES = {
    "citext": "citext",
    "hstore": "hstore",
    "ltree": "ltree",
    "vector": "vector",
    "halfvec": "vector",
    "geometry": "postgis",
    "geography": "postgis",
    "cube": "cube",
    "isbn": "isn",
}


def _columns(text: str) -> dict[str, str]:
    return dict(column.split(maxsplit=1) for column in text.split(", "))


# What a hosted platform (Supabase) has in every database, as far as migrations commonly use it.
PLATFORM_TABLES = {
    "auth.users": _columns(
        "id uuid, aud text, role text, email text, phone text, email_confirmed_at timestamptz,"
        " last_sign_in_at timestamptz, raw_app_meta_data jsonb, raw_user_meta_data jsonb, created_at timestamptz,"
        " updated_at timestamptz"
    ),
    "storage.buckets": _columns(
        "id text, name text, owner uuid, public boolean, file_size_limit bigint, allowed_mime_types text[],"
        " created_at timestamptz, updated_at timestamptz"
    ),
    "storage.objects": _columns(
        "id uuid, bucket_id text, name text, owner uuid, owner_id text, metadata jsonb, path_tokens text[],"
        " created_at timestamptz, updated_at timestamptz"
    ),
}
PLATFORM_FUNCTIONS = {
    "auth.uid": "uuid",
    "auth.role": "text",
    "auth.email": "text",
    "auth.jwt": "jsonb",
    "storage.foldername": "text[]",
    "storage.filename": "text",
    "storage.extension": "text",
    "extensions.uuid_generate_v4": "uuid",
}

# Bare names that PostgreSQL itself knows (manual, chapter 8) and the parser does not qualify.
BUILT_IN = frozenset(
    "text uuid json jsonb date bytea money inet cidr macaddr macaddr8 point line lseg box path polygon circle xml"
    " tsvector tsquery oid regclass regtype regproc regprocedure regrole regnamespace regconfig name xid xid8 cid tid"
    " pg_lsn pg_snapshot txid_snapshot int4range int8range numrange tsrange tstzrange daterange int4multirange"
    " int8multirange nummultirange tsmultirange tstzmultirange datemultirange jsonpath serial bigserial smallserial"
    " serial2 serial4 serial8 int2 int4 int8 float4 float8 bool timestamptz timetz varbit bpchar varchar numeric"
    " timestamp time interval bit record void trigger event_trigger anyelement anyarray anycompatible cstring internal"
    " any anynonarray anyenum anyrange unknown refcursor char int2vector oidvector language_handler fdw_handler"
    " index_am_handler table_am_handler".split()
)
