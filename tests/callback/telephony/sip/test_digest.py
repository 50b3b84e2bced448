"""Answers to challenges, checked with the examples of the standards."""

import pytest

from callback.telephony.sip import digest
from callback.telephony.sip.digest import Challenge, Login
from callback.telephony.sip.message import Response


def challenged(code: int, *values: str) -> Response:
    header = "WWW-Authenticate" if code == 401 else "Proxy-Authenticate"
    return Response(code=code, reason="", headers=tuple((header, value) for value in values))


def value_of(header: str, name: str) -> str:
    return header.partition(f'{name}="')[2].partition('"')[0]


def test_the_example_of_rfc_2617() -> None:
    challenge = digest.challenge_in(
        challenged(
            401,
            'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
            'opaque="5ccc069c403ebaf9f0171e9517f40e41"',
        )
    )
    assert challenge is not None

    name, header = digest.answer_to(
        challenge, Login("Mufasa", "Circle Of Life"), method="GET", uri="/dir/index.html", cnonce="0a4f113b"
    )

    assert name == "Authorization"
    assert value_of(header, "response") == "6629fae49393a05397450978507c4ef1"
    assert value_of(header, "opaque") == "5ccc069c403ebaf9f0171e9517f40e41"
    assert "nc=00000001" in header


def test_the_example_of_rfc_7616_with_sha_256() -> None:
    challenge = digest.challenge_in(
        challenged(
            401,
            'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, '
            'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
        )
    )
    assert challenge is not None

    _, header = digest.answer_to(
        challenge,
        Login("Mufasa", "Circle of Life"),
        method="GET",
        uri="/dir/index.html",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )

    assert value_of(header, "response") == "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"


def test_without_qop_the_old_form_is_used() -> None:
    challenge = digest.challenge_in(challenged(407, 'Digest realm="r", nonce="n"'))
    assert challenge is not None

    name, header = digest.answer_to(challenge, Login("u", "p"), method="INVITE", uri="sip:x")

    assert name == "Proxy-Authorization"
    assert "cnonce" not in header
    assert "qop" not in header


def test_the_strongest_offer_is_taken() -> None:
    found = digest.challenge_in(
        challenged(
            401,
            'Digest realm="r", nonce="n", algorithm=MD5',
            'Digest realm="r", nonce="n", algorithm=SHA-512-256, qop="auth"',
            'Digest realm="r", nonce="n", algorithm=SHA-256',
            'Digest realm="r", nonce="n", algorithm=UNKNOWN',
        )
    )

    assert found == Challenge("Authorization", "r", "n", None, "SHA-512-256", True, False)


@pytest.mark.parametrize(
    "value",
    [
        'Basic realm="r"',
        "Digest",
        'Digest realm="r"',
        'Digest realm="r", nonce="n", qop="auth-int"',
        'Digest realm="r, nonce=n',
        'Digest realm="r", nonce="n", algorithm=MD5-sess',
        "Digest \x01",
    ],
)
def test_what_cannot_be_answered_is_not(value: str) -> None:
    assert digest.challenge_in(challenged(401, value)) is None
    assert digest.challenge_in(Response(code=403, reason="", headers=(("WWW-Authenticate", value),))) is None


def test_quotes_in_a_realm_stay_in_it_and_a_password_stays_out_of_logs() -> None:
    challenge = digest.challenge_in(challenged(401, 'Digest realm="a \\"b\\", c", nonce="n", stale=TRUE'))
    assert challenge is not None

    _, header = digest.answer_to(challenge, Login("u", "p"), method="BYE", uri="sip:x")

    assert challenge.is_stale
    assert 'realm="a \\"b\\", c"' in header
    assert "secret" not in repr(Login("u", "secret"))
