"""Where a live database is: connection URLs, environment variables and the password file (manual, chapter 32)."""

from __future__ import annotations

import os
import pwd
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from pgassay.errors import ConnectionProblem

_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# What libpq knows and does not concern a guarded session is accepted and ignored.
_IGNORED = frozenset(
    "channel_binding client_encoding fallback_application_name gssencmode keepalives keepalives_count keepalives_idle"
    " keepalives_interval krbsrvname load_balance_hosts pgbouncer pool_timeout connection_limit requirepeer schema"
    " sslcompression sslnegotiation sslsni ssl_min_protocol_version target_session_attrs tcp_user_timeout"
    " max_protocol_version min_protocol_version pooler supa".split()
)


_KNOWN = frozenset(
    "host hostaddr port user password dbname sslmode sslrootcert sslcert sslkey connect_timeout application_name"
    " options passfile".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A database to connect to. ``host`` that begins with a slash is the folder of a unix socket.

    ``timeout`` is in seconds; ``options`` are settings of the session as ``(name, value)``.
    """

    host: str
    port: int
    database: str
    user: str
    password: str | None = field(default=None, repr=False)
    sslmode: str = "prefer"
    sslrootcert: str | None = None
    sslcert: str | None = None
    sslkey: str | None = None
    timeout: float = 10.0
    application: str = "pgassay"
    options: tuple[tuple[str, str], ...] = ()

    @property
    def local(self) -> bool:
        """Whether it is reached by a unix socket."""
        return self.host.startswith("/")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f'database "{self.database}" at {host}:{self.port} as {self.user}'


def parse_target(url: str, environment: Mapping[str, str] | None = None) -> Target:
    """What a ``postgresql://`` URL says, completed from PGHOST and its kin and from the password file.

    Of several hosts the first is taken. Raises ConnectionProblem; its words never hold the password.
    """
    env = os.environ if environment is None else environment
    scheme, separator, _ = url.partition("://")
    if not separator or scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise ConnectionProblem("the URL must begin with postgresql://", hint="postgresql://user@host:5432/database")
    try:
        parts = urlsplit(url)
        said = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ConnectionProblem(
            "the URL cannot be read", hint="Write / ? # @ [ ] in names as %2F %3F %23 %40 %5B %5D."
        ) from None
    unknown = sorted(set(said) - _IGNORED - _KNOWN)
    if unknown:
        raise ConnectionProblem(f"the URL has an unknown option: {', '.join(unknown)}")
    login, _, places = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    place_host, place_port = _place(places.split(",")[0])

    def first(*candidates: str | None, default: str = "") -> str:
        return next((c for c in candidates if c), default)

    user = first(said.get("user"), unquote(user), env.get("PGUSER"), default=_account())
    host = first(
        said.get("host", "").split(",")[0], said.get("hostaddr"), place_host, env.get("PGHOST"), default="localhost"
    )
    port = _number(first(said.get("port", "").split(",")[0], place_port, env.get("PGPORT"), default="5432"), "port")
    database = first(said.get("dbname"), unquote(parts.path.removeprefix("/")), env.get("PGDATABASE"), default=user)
    mode = first(said.get("sslmode"), env.get("PGSSLMODE"), default="prefer")
    if mode not in _MODES:
        raise ConnectionProblem(f"sslmode must be one of {', '.join(_MODES)}")
    secret = first(said.get("password"), unquote(password), env.get("PGPASSWORD"))
    return Target(
        host=host,
        port=port,
        database=database,
        user=user,
        password=secret or _from_file(first(said.get("passfile"), env.get("PGPASSFILE")), host, port, database, user),
        sslmode=mode,
        sslrootcert=first(said.get("sslrootcert"), env.get("PGSSLROOTCERT")) or None,
        sslcert=first(said.get("sslcert"), env.get("PGSSLCERT")) or None,
        sslkey=first(said.get("sslkey"), env.get("PGSSLKEY")) or None,
        timeout=_number(
            first(said.get("connect_timeout"), env.get("PGCONNECT_TIMEOUT"), default="10"), "connect_timeout"
        )
        or 10,
        application=first(said.get("application_name"), default="pgassay"),
        options=_settings(first(said.get("options"), env.get("PGOPTIONS"))),
    )


def _place(text: str) -> tuple[str, str]:
    found = re.fullmatch(r"(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?", text)
    if found is None:
        raise ConnectionProblem(
            "the URL's host and port cannot be read", hint="An IPv6 address stands in brackets: [::1]"
        )
    return unquote(found[1] or found[2] or ""), found[3] or ""


def _number(text: str, what: str) -> int:
    if not text.isascii() or not text.isdigit() or (what == "port" and not 0 < int(text) < 65536):
        raise ConnectionProblem(f"the {what} must be a number, not {text!r}")
    return int(text)


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return os.environ.get("USER", "postgres")


def _settings(options: str) -> tuple[tuple[str, str], ...]:
    """``-c name=value`` and ``--name=value``; a backslash before a blank keeps it."""
    words = [re.sub(r"\\(.)", r"\1", w) for w in re.findall(r"(?:\\.|\S)+", options)]
    text = re.findall(r"(?:^|\x1f)(?:-c\x1f?|--)([\w.-]+)=([^\x1f]*)", "\x1f".join(words))
    return tuple((name.replace("-", "_"), value) for name, value in text)


def _from_file(named: str, host: str, port: int, database: str, user: str) -> str | None:
    """The password of ``~/.pgpass`` (manual, chapter 32.16), which others must not be able to read."""
    try:
        path = Path(named) if named else Path.home() / ".pgpass"
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return None
        lines = path.read_text().splitlines()
    except (OSError, RuntimeError, UnicodeDecodeError):
        return None
    wanted = ("localhost" if host.startswith("/") else host, str(port), database, user)
    for line in lines:
        fields = [re.sub(r"\\(.)", r"\1", f) for f in re.findall(r"(?:^|:)((?:\\.|[^:\\])*)", line)]
        if line.startswith("#") or len(fields) < 5:
            continue
        if all(given in ("*", want) for given, want in zip(fields, wanted, strict=False)):
            return fields[4]
    return None
