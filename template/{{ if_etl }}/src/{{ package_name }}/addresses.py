"""Take the addresses of databases apart, and show them without a password.

``sqlite:///sales.db#orders`` is the table of a file, with a fourth slash for a path from the
root; ``postgresql://user@host/sales#orders`` that of a server (``#archive.orders`` in a schema).
"""

import re
from pathlib import Path
from typing import cast
from urllib.parse import parse_qsl, unquote

from .errors import DataError

__all__ = ["check_name", "identity", "is_server", "is_url", "secrets", "shown", "table"]

_MAX_BYTES = 1_000

_POSTGRESQL = ("postgresql", "postgres")
_DATABASES = ("sqlite", *_POSTGRESQL)

_SIGN = r"(?:[\w.~!$&'()*+,=-]|%[0-9a-fA-F]{2})"
_HOST = r"(?:[\w.-]*|\[[\da-fA-F:.]+\])(?::\d{1,5})?"
_SERVER = re.compile(  # strict: anything else may hold a part of a password anywhere
    rf"(?P<kind>[a-zA-Z][\w+.-]+)://(?:{_SIGN}*(?P<password>:{_SIGN}*)?@)?"
    rf"(?P<host>{_HOST}(?:,{_HOST})*)(?P<path>(?:/(?:[\w.~+-]|%[0-9a-fA-F]{{2}})*)*)"
    rf"(?P<query>\?(?:{_SIGN}|[/:])*)?(?:#(?P<table>[^@#]*))?"
)
_FILE = re.compile(r"(?i:sqlite):///(?P<path>[^?#@]*[^?#@/])(?:#(?P<table>.*))?", re.DOTALL)
_ADDRESS = re.compile(
    r"(?is)(?:[a-z][\w+.-]+:[/\\]|(?:sqlite|postgres\w*):|(?![./]|[a-z]:\\).*:.*@)"
)
_OPTIONS = {  # of PostgreSQL, all harmless
    *("application_name", "connect_timeout", "dbname", "host", "options", "port", "service"),
    *("sslcert", "sslkey", "sslmode", "sslrootcert", "target_session_attrs", "user"),
}


def check_name(name: str) -> None:
    """Refuse a name that no file or table can have.

    Raises
    ------
    DataError
        If it is no Unicode text, holds a NUL or has more than 1,000 bytes.
    """
    plain = name.encode(errors="replace")
    if plain.decode() != name or b"\0" in plain or "\0" in unquote(name):
        msg = f"{shown(plain.decode())[:40]!r}: a name must be Unicode text without NUL"
    elif len(plain) > _MAX_BYTES:
        msg = f"{shown(name)[:40]!r}…: a name must have at most {_MAX_BYTES} bytes"
    else:
        return
    raise DataError(msg)


def is_url(text: str) -> bool:
    """Tell an address from a path; it may be misspelled, or of a database that is not supported."""
    return "://" in text or bool(_ADDRESS.match(text))


def is_server(url: str) -> bool:
    """Tell the address of a server from that of a file."""
    return url.lower().startswith(_POSTGRESQL)


def shown(name: str) -> str:
    """Show a path, or what is known to be harmless of an address: never user or password."""
    if not is_url(name) or _FILE.fullmatch(name):
        return name
    kind = name.partition(":")[0].lower()
    found = _SERVER.fullmatch(name)
    if not found:
        return f"{kind}://…" if kind in _DATABASES else "…"
    table = f"#{found['table']}" if found["table"] and not found["query"] else ""
    return f"{kind}://{found['host']}{found['path']}{table}"


def table(url: str) -> tuple[str, str, str]:
    """Split an address: database, schema ("": the usual one), table ("": none is named).

    Raises
    ------
    DataError
        If the database is not supported, or the address is not written as it must be.
    """
    kind = url.partition(":")[0].lower()
    found = (_FILE if kind == "sqlite" else _SERVER).fullmatch(url)
    if kind not in _DATABASES:
        msg = f"{shown(url)}: the databases are {', '.join(_DATABASES)}"
    elif not found:
        good = "sqlite:///sales.db#orders, or sqlite:////data/sales.db#orders"
        good = good if kind == "sqlite" else "postgresql://me@host/sales#orders"
        msg = f"{shown(url)}: write {good}, with @ as %40, / as %2F, # as %23, % as %25 in a name"
    elif kind == "sqlite" and found["path"] == ":memory:":
        msg = f"{url}: a database in memory is gone after the run: name a file"
    elif kind != "sqlite" and not _OPTIONS.issuperset(_options(found["query"])):
        known = ", ".join(sorted(_OPTIONS))
        msg = f"{shown(url)}: the options are {known}; give a password in PGPASSWORD"
    else:
        name = unquote(found["table"] or "")
        if kind == "sqlite":
            return str(Path(unquote(found["path"])).resolve()), "", name
        schema, _, name = name.rpartition(".")
        return kind + url.partition("#")[0][len(kind) :], schema, name
    raise DataError(msg)


def identity(url: str) -> tuple[str, ...]:
    """Give the same value for each way to name one table."""
    database, schema, name = table(url)
    if not is_server(url):  # SQLite ignores the case of names
        return database, name.lower()
    found = cast("re.Match[str]", _SERVER.fullmatch(database))
    return found["host"].lower(), found["path"], schema or "public", name


def secrets(url: str) -> set[str]:
    """Find what a message must not have: the password, as it is written and as it is."""
    found = _SERVER.fullmatch(url)
    password = ((found and found["password"]) or "").removeprefix(":")
    return {password, unquote(password)} - {""}


def _options(query: str | None) -> dict[str, str]:
    return dict(parse_qsl((query or "").removeprefix("?"), keep_blank_values=True))
