"""Sessions, contexts and services: small tables that responses point to."""

from __future__ import annotations

from sqlite3 import Connection

from costd.core.usage import Context, Service

_REMEMBERED = 4096


class Places:
    """Numbers for contexts and services; the newest ones are remembered."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._contexts: dict[tuple[str, Context], int] = {}
        self._services: dict[Service, int] = {}
        self._by_number: dict[int, Context] = {}
        self._service_by_number: dict[int, Service] = {}

    def forget(self) -> None:
        """After a rollback, numbers may not exist."""
        self._contexts.clear()
        self._services.clear()
        self._by_number.clear()
        self._service_by_number.clear()

    def session(self, source: str, session_id: str) -> int:
        """The number of a session, made if need be."""
        return self._number(
            "SELECT id FROM session WHERE session_id = ? AND source = ?",
            "INSERT INTO session (session_id, source) VALUES (?, ?)",
            (session_id, source),
        )

    def context(self, source: str, context: Context, at: int) -> int:
        """The number of a context, made if need be; ``at`` is when it was seen."""
        key = (source, context)
        number = self._contexts.get(key)
        if number is None:
            if len(self._contexts) >= _REMEMBERED:
                self._contexts.clear()
            session = self.session(source, context.session_id)
            place = (session, context.agent_id, context.cwd, context.branch, at)
            number = self._contexts[key] = self._number(
                "SELECT id FROM context WHERE session = ?1 AND agent_id = ?2 "
                "AND cwd = ?3 AND branch = ?4 AND ?5 IS NOT NULL",
                "INSERT INTO context (session, agent_id, cwd, branch, first_at, "
                "last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                place,
            )
        return number

    def service(self, service: Service) -> int:
        """The number of a service, made if need be."""
        number = self._services.get(service)
        if number is None:
            number = self._services[service] = self._number(
                "SELECT id FROM service WHERE model = ? AND speed = ? AND geo = ?",
                "INSERT INTO service (model, speed, geo) VALUES (?, ?, ?)",
                (service.model, service.speed, service.geo),
            )
        return number

    def _number(self, select: str, insert: str, values: tuple[object, ...]) -> int:
        """Most are new when they are asked for: one statement for these."""
        run = self._connection.execute
        made = run(f"{insert} ON CONFLICT DO NOTHING RETURNING id", values).fetchone()
        return int((made or run(select, values).fetchone())[0])

    def service_of(self, number: int) -> Service:
        """The service with a number."""
        found = self._service_by_number.get(number)
        if found is None:
            row = self._connection.execute(
                "SELECT model, speed, geo FROM service WHERE id = ?", (number,)
            ).fetchone()
            found = self._service_by_number[number] = Service(*row)
        return found

    def context_of(self, number: int) -> Context:
        """The context with a number."""
        found = self._by_number.get(number)
        if found is None:
            if len(self._by_number) >= _REMEMBERED:
                self._by_number.clear()
            row = self._connection.execute(
                "SELECT s.session_id, c.agent_id, c.cwd, c.branch "
                "FROM context c JOIN session s ON s.id = c.session WHERE c.id = ?",
                (number,),
            ).fetchone()
            found = self._by_number[number] = Context(*row)
        return found
