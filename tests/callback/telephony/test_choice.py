"""The file that names the telephone system: read strictly, and refused without giving a secret away."""

from pathlib import Path

import pytest

from callback.telephony.choice import TelephonyError, incoming_from, maker_from
from callback.telephony.sip.adapter import SIPTelephony
from callback.telephony.sip.message import Uri
from callback.telephony.sip.rules import NumberFormat, SIPRules
from callback.telephony.webhook import Webhook
from chatsvc.kernel.clock import ManualClock
from tests.callback.telephony.notebook import Notebook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TRUNK = 'adapter = "sip"\n[sip]\ntrunk = "sip:trunk.example:5070"\ncaller_id = "4989100"\n'
POSTS = 'adapter = "webhook"\n[webhook]\nurl = "https://pbx.example/calls"\nsecret_file = "ours"\nincoming_file = "theirs"\n'


def written(folder: Path, text: str) -> Path:
    (folder / "password").write_text("not for anybody\n")
    (folder / "ours").write_text(f"{SECRET}\n")
    (folder / "theirs").write_text(f"{SECRET}\n\n{SECRET}\n")
    (folder / "telephony.toml").write_text(text)
    return folder / "telephony.toml"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (TRUNK, SIPTelephony),
        (TRUNK + 'user = "holdline"\npassword_file = "password"\ntransport = "tcp"\n', SIPTelephony),
        (POSTS, Webhook),
    ],
)
async def test_the_file_makes_the_telephone_system(text: str, kind: type, tmp_path: Path, clock: ManualClock) -> None:
    maker = maker_from(written(tmp_path, text), clock=clock)
    assert maker is not None

    telephony = maker(Notebook())

    assert type(telephony) is kind
    await telephony.close()


def test_without_a_file_or_by_its_word_calls_are_made_by_hand(tmp_path: Path, clock: ManualClock) -> None:
    assert maker_from(None, clock=clock) is None
    assert maker_from(written(tmp_path, 'adapter = "manual"'), clock=clock) is None


def test_only_a_desk_with_a_webhook_takes_posts(tmp_path: Path) -> None:
    assert incoming_from(None) == ()
    assert incoming_from(written(tmp_path, TRUNK)) == ()
    assert len(incoming_from(written(tmp_path, POSTS))) == 2


def test_taking_posts_needs_none_of_the_other_secrets(tmp_path: Path) -> None:
    path = written(tmp_path, POSTS)
    (tmp_path / "ours").unlink()

    assert len(incoming_from(path)) == 2


@pytest.mark.parametrize("text", ["adapter = ", 'adapter = "skype"', POSTS.replace('"theirs"', '"nowhere"')])
def test_a_door_whose_secrets_cannot_be_read_keeps_the_process_from_starting(text: str, tmp_path: Path) -> None:
    with pytest.raises(TelephonyError, match=r"telephony\.toml"):
        incoming_from(written(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "adapter = ",
        'adapter = "skype"',
        'adapter = "sip"',
        'adapter = "webhook"',
        TRUNK.replace("sip:trunk.example:5070", "trunk.example"),
        TRUNK.replace("4989100", "4989100>;x"),
        TRUNK + 'user = "holdline"\n',
        TRUNK + 'user = "holdline"\npassword_file = "nowhere"\n',
        TRUNK + 'password = "inline"\n',
        TRUNK + 'transport = "tls"\n',
        TRUNK + 'port = "5060"\n',
        TRUNK + "most_calls = 0\n",
        POSTS.replace("https", "ftp"),
        POSTS.replace('"ours"', '"password"'),
    ],
)
def test_a_file_that_cannot_be_used_says_so_and_no_secret(text: str, tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(TelephonyError) as refused:
        maker_from(written(tmp_path, text), clock=clock)

    assert "telephony.toml" in str(refused.value)
    assert "not for anybody" not in str(refused.value)


@pytest.mark.parametrize(
    ("form", "number", "written"),
    [
        (NumberFormat.E164, "+4930123456", "+4930123456"),
        (NumberFormat.DIGITS, "+4930123456", "4930123456"),
        (NumberFormat.ZEROES, "+4930123456", "004930123456"),
        (NumberFormat.NATIONAL, "+4930123456", "030123456"),
        (NumberFormat.NATIONAL, "+33123456789", "0033123456789"),
    ],
)
def test_a_trunk_gets_numbers_as_it_wants_them(form: NumberFormat, number: str, written: str) -> None:
    rules = SIPRules(trunk=Uri("trunk.example", port=5070), caller_id="1", number_format=form, home_region="DE")

    assert str(rules.address_of(number)) == f"sip:{written}@trunk.example:5070"
