"""``costd doctor``."""

from __future__ import annotations

from typing import Any

import click

from costd.cli import output
from costd.cli.answers import ask, open_answers
from costd.cli.options import as_json, example, show_page
from costd.cli.render.checks import doctor_page
from costd.core.errors import ConfigError, CostdError

HELP = """What is wrong, and the command that mends it.

Exit code 4 when something is.
"""

Check = dict[str, Any]


@click.command(help=HELP, epilog=example("costd doctor", "costd doctor --json"))
@as_json
@click.pass_obj
def command(config: str | None, as_json: bool) -> int:
    """Every check, those of the configuration and the daemon first."""
    answer = diagnosis(config)
    if as_json:
        from costd.publish.encode import compact  # noqa: PLC0415 - only for a program

        output.write_data(compact(answer))
    else:
        show_page(doctor_page(answer))
    return 0 if answer["ok"] else output.UNHEALTHY


def diagnosis(config: str | None) -> dict[str, Any]:
    """The answer to ``doctor``, with what only a client can see; never an error."""
    checks = [_configuration(config)]
    answer: dict[str, Any] = {"schema_version": 1}
    try:
        with open_answers(config) as answers:
            checks.append(_daemon(is_hosted=answers.hosted))
            answer = ask(answers, "doctor")
    except ConfigError as error:
        if checks[0]["ok"]:
            checks.append(_wrong("daemon", error))
    except CostdError as error:
        checks.append(_wrong("daemon", error))
    checks += _service(config, checks[0]["message"])
    checks += answer.get("checks") or []
    return {**answer, "ok": all(check["ok"] for check in checks), "checks": checks}


def _configuration(config: str | None) -> Check:
    from costd.cli.configuration import load  # noqa: PLC0415 - others do not need it

    try:
        file = load(config).paths.config_file
    except ConfigError as error:
        return _wrong("configuration", error)
    said = (
        f"{file} is right." if file.exists() else "There is none, and none is needed."
    )
    return {"code": "configuration", "ok": True, "message": said, "fix": ""}


def _daemon(*, is_hosted: bool) -> Check:
    if not is_hosted:
        return {"code": "daemon", "ok": True, "message": "It answers.", "fix": ""}
    return {
        "code": "daemon",
        "ok": True,
        "message": "None runs; each command reads the logs for itself.",
        "fix": "costd run",
    }


def _service(config: str | None, known: str) -> list[Check]:
    """How the service stands, where costd is one; what is said already is left out."""
    from costd.cli.services import choose, seen  # noqa: PLC0415 - others do not need it

    choice = choose.Choice(config, may_be_broken=True, only_looks=True)
    try:
        service = choose.choose(choice)
        if not seen.is_installed(service.files()):
            return []
        found = choose.standing(service, config)
    except CostdError:
        return []
    # To be stopped, or to end with its user, may be what somebody wants.
    has_failed = found["active"] == "failed"
    checks = [
        {"code": "service", "ok": not has_failed, **problem}
        for problem in found["problems"]
        if not known.startswith(problem["message"])
    ]
    good = {"code": "service", "ok": True, "message": "It runs, and starts by itself."}
    return checks or [{**good, "fix": ""}]


def _wrong(code: str, error: CostdError) -> Check:
    return {"code": code, "ok": False, "message": error.message, "fix": error.fix}
