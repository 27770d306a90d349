"""The questions that scripts, prompts and dashboards ask often, answered at once.

``costd status`` (also ``--json``) and ``costd report … --json`` of a daemon that runs,
without click, rich or the configuration. What is not plain (an unknown option, a value
that needs checking, no daemon) is left to the whole program, which gives the same bytes
and the same exit code for what is answered here; a test compares the two.
"""

from __future__ import annotations

from costd.cli import finder, health, output, routes
from costd.cli.client import Connection, connect
from costd.cli.words import DIMENSIONS, FILTERS, SPAN, split
from costd.core.errors import BusyError, NoDaemonError

COMPLETION = "_COSTD_COMPLETE"


def answer(argv: list[str], environ: dict[str, str]) -> int | None:
    """The exit code, after the answer is written; None when it is not for us."""
    question, *options = argv or ["status"]
    params = _asked(question, options)
    if params is None or COMPLETION in environ:
        return None
    state = finder.state_dir(environ)
    path = state and finder.socket_path(state)
    connection = connect(path) if path else None
    if connection is None:
        return None
    try:
        if question == "report":
            return _report(connection, params)
        return _status(connection, as_json=bool(options))
    except (BusyError, NoDaemonError) as error:
        if question == "report":
            raise
        from importlib import import_module  # noqa: PLC0415 - only when nobody answers

        # By name, so that this module imports no more than what an answer needs.
        last_known = import_module("costd.cli.last_known")
        return int(last_known.show_last_known(None, error, is_json=bool(options)))
    finally:
        connection.close()


def _asked(question: str, options: list[str]) -> dict[str, object] | None:
    if question == "report":
        return report_params(options)
    return {} if question == "status" and options in ([], ["--json"]) else None


def report_params(options: list[str]) -> dict[str, object] | None:
    """What ``costd report`` is asked, where it is asked plainly and for JSON."""
    params: dict[str, object] = {}
    by, filters = list[str](), dict[str, list[str]]()
    words = iter(options)
    is_json = False
    for word in words:
        if word == "--json":
            is_json = True
            continue
        name, equals, value = word.partition("=")
        if not equals:
            value = next(words, "")
        if not name.startswith("--") or not value or value.startswith("-"):
            return None
        if not _take(name[2:], value, by, filters, params):
            return None
    is_json |= params.pop("format", None) is not None
    return {**params, "by": by, "filters": filters} if is_json else None


def _take(
    name: str,
    value: str,
    by: list[str],
    filters: dict[str, list[str]],
    params: dict[str, object],
) -> bool:
    """Note one option; False when it needs a closer look than there is here."""
    if name == "by":
        by += value.split(",")
        return all(word in DIMENSIONS for word in by)
    if name in FILTERS:
        filters.setdefault(name, []).extend(split(name, value))
        return True
    if name in params or not (name in SPAN or (name, value) == ("format", "json")):
        return False
    params[name] = value
    return True


def _status(connection: Connection, *, as_json: bool) -> int:
    body = connection.ask("GET", routes.GET["status"], b"", routes.STATUS_SECONDS)
    if as_json:
        output.write_data(body)
    else:
        _write_page(body)
    return health.code_of(body)


def _write_page(body: bytes) -> None:
    import json  # noqa: PLC0415 - JSON is passed on without being read

    from costd.cli.render.status import status_page  # noqa: PLC0415 - for the same reason
    from costd.cli.screen import show_page  # noqa: PLC0415 - for the same reason

    show_page(status_page(json.loads(body)))


def _report(connection: Connection, params: dict[str, object]) -> int:
    # First: if all is read by now it is in the report too.
    status = connection.ask("GET", routes.GET["status"])
    body = connection.ask("GET", routes.target("report", params))
    output.write_data(body)
    return health.report(status)
