"""A desk to knock at: the whole web application in this process, on a real store and a real Redis, and visitors of every kind."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
from starlette.applications import Starlette

from chatsvc.accounts import store as accounts
from chatsvc.accounts import tokens
from chatsvc.accounts.model import Identity, PersonRole
from chatsvc.bootstrap import Services
from tests import builders

BASE = "http://desk.example"


def knock(app: Starlette, token: str | None = None, **headers: str) -> httpx2.AsyncClient:
    """Return a browser: it says that its requests come from our own pages, and follows no redirect."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app, raise_app_exceptions=False),
        base_url=BASE,
        headers={"origin": BASE, **headers},
        cookies={"holdline_session": token} if token else None,
    )


async def a_session(services: Services, identity: Identity) -> str:
    """Sign somebody in without a password; return the token."""
    token = tokens.new_token()
    async with services.database.begin() as uow:
        await accounts.add_session(
            uow,
            identity.session,
            person=identity.person,
            token_hash=tokens.digest(token),
            expires_at=uow.now + timedelta(hours=10),
            device="a test",
        )
    return token


@dataclass
class Desk:
    """The application and what is behind it."""

    app: Starlette
    services: Services
    browsers: list[httpx2.AsyncClient] = field(default_factory=list)

    def visitor(self, **headers: str) -> httpx2.AsyncClient:
        """Return somebody who is not signed in."""
        self.browsers.append(knock(self.app, **headers))
        return self.browsers[-1]

    async def browser_of(self, identity: Identity) -> httpx2.AsyncClient:
        """Return the browser of somebody who is signed in."""
        self.browsers.append(knock(self.app, await a_session(self.services, identity)))
        return self.browsers[-1]

    async def somebody(self, role: PersonRole, **more: Any) -> tuple[Identity, httpx2.AsyncClient]:
        """Return a new person of this role, and their browser."""
        makers: dict[PersonRole, Any] = {
            PersonRole.CONTACT: builders.a_contact,
            PersonRole.REPRESENTATIVE: builders.a_representative,
            PersonRole.SUPERVISOR: builders.a_supervisor,
            PersonRole.ADMINISTRATOR: builders.an_administrator,
        }
        identity: Identity = await makers[role](self.services.database, **more)
        return identity, await self.browser_of(identity)

    async def close(self) -> None:
        """Close every browser."""
        for browser in self.browsers:
            await browser.aclose()


JOIN = {
    "line": "expense",
    "subject": "The report does not open",
    "description": "It shows a blank page.",
    "impact": {"environment": "production"},
}


def keyed(key: str) -> dict[str, str]:
    """Return the header that makes a wish repeatable."""
    return {"idempotency-key": f"{key:_<8}"}
