"""Sending over SMTP, to a real server."""

from datetime import UTC, datetime

import pytest

from chatsvc.kernel.ids import OutboxId
from chatsvc.notifications.mailer import Mail, NotSent
from chatsvc.notifications.mailer_smtp import SMTPMailer, options_of
from tests.chatsvc.notifications.post import Sink
from tests.stores import free_port

MAIL = Mail(
    id=OutboxId("ob_1"),
    message_id="<ob_1@holdline.example>",
    sender="Holdline <support@holdline.example>",
    to_name="Änne",
    to_address="anna@acme.example",
    subject="Grüße, ticket 4812",
    text="Zeile eins\n.\nFrom here: ü\n" + "lang " * 300 + "\n",
    html="<p>ü</p>\n",
    at=datetime(2026, 3, 2, 9, tzinfo=UTC),
)


async def test_mail_arrives_as_it_was_written(server: Sink) -> None:
    await SMTPMailer(server.url).send(MAIL)

    [message] = server.taken
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == MAIL.text
    assert html.get_content().replace("\r\n", "\n") == MAIL.html
    assert (message["Subject"], message["Message-ID"]) == (MAIL.subject, MAIL.message_id)


@pytest.mark.parametrize(
    ("answer", "words"), [("451 anna@acme.example later", "SMTPDataError 451"), ("550 no", "SMTPDataError 550")]
)
async def test_refusal_is_told_by_its_code_alone(server: Sink, answer: str, words: str) -> None:
    server.answers.append(answer)

    with pytest.raises(NotSent) as refusal:
        await SMTPMailer(server.url).send(MAIL)

    assert str(refusal.value) == words


async def test_server_that_is_away_is_no_other_failure() -> None:
    with pytest.raises(NotSent, match="SMTPConnectError"):
        await SMTPMailer(f"smtp://127.0.0.1:{free_port()}").send(MAIL)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", {"port": 25, "use_tls": False, "start_tls": None, "username": None}),
        ("smtp://me%40x:p%2Fw@mail.example", {"port": 587, "start_tls": True, "username": "me@x", "password": "p/w"}),
        ("smtp://me:pw@localhost:2525", {"port": 2525, "start_tls": None}),
        ("smtps://me:pw@mail.example", {"port": 465, "use_tls": True, "start_tls": False}),
    ],
    ids=["plain", "password", "on this machine", "tls"],
)
def test_address_says_how_to_connect(url: str, expected: dict[str, object]) -> None:
    options = options_of(url)

    assert {key: options[key] for key in expected} == expected


async def test_password_is_not_given_to_a_server_that_cannot_encrypt(server: Sink) -> None:
    mailer = SMTPMailer("smtp://me:pw@mail.example")
    mailer._options |= {"hostname": "127.0.0.1", "port": int(server.url.rpartition(":")[2])}

    with pytest.raises(NotSent):
        await mailer.send(MAIL)

    assert server.taken == []
