"""What ``costd service`` did and saw, for people."""

from __future__ import annotations

from typing import Any

from costd.cli.render.page import BLANK, Cell, Column, Page, Table, line, note

Json = dict[str, Any]

_WOULD = {"wrote": "would write", "removed": "would remove", "ran": "would run"}


def done_page(answer: Json) -> Page:
    """What an action did: files, commands, and what one should know."""
    words = _WOULD if answer["dry_run"] else {}
    steps = [(words.get(s["did"], s["did"]), s["what"]) for s in answer["steps"]]
    widest = max((len(did) for did, _ in steps), default=0)
    page: Page = [line(Cell(f"{did:<{widest}}", "dim"), f"  {w}") for did, w in steps]
    page += [line(text) for text in answer["notes"]]
    return page


def texts_page(texts: dict[str, str]) -> Page:
    """The files that would be written, each under its name."""
    page: Page = []
    for path, text in texts.items():
        page += [BLANK, line(Cell(path, "title"))]
        page += [line(row.expandtabs(2)) for row in text.splitlines()]
    return page


def status_page(answer: Json) -> Page:
    """How the service stands."""
    columns = (Column("service"), Column("", least=30))
    rows = [(Cell(name), Cell(text, style)) for name, text, style in _rows(answer)]
    page: Page = [Table(columns, rows)]
    for problem in answer["problems"]:
        page += [line(Cell("! ", "warn"), problem["message"])]
        if problem["fix"]:
            page.append(note(f"  {problem['fix']}"))
    return page


def _rows(answer: Json) -> list[tuple[str, str, str]]:
    active = answer["active"]
    style = {"active": "good", "failed": "bad"}.get(active or "", "")
    rows = [("state", active or "unknown", style)]
    if answer["says"]:
        rows.append(("says", answer["says"], ""))
    daemon = answer["daemon"]
    if daemon:
        whose = "" if daemon["is_service"] else ", not by this service"
        said = f"costd {daemon['version']}, pid {daemon['pid']}{whose}"
        rows += [("daemon", said, ""), ("socket", daemon["socket"], "")]
    rows.append(("starts by itself", _yes(answer["enabled"]), ""))
    if answer["lingers"] is not None:
        rows.append(("stays at log-out", _yes(answer["lingers"]), ""))
    if answer["restarts"]:
        rows.append(("restarts", str(answer["restarts"]), "warn"))
    if answer["since"]:
        rows.append(("since", answer["since"], ""))
    for file in answer["files"]:
        rows.append(("file", f"{file['path']} ({file['state']})", ""))
    return rows


def _yes(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
