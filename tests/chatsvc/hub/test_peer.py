"""Frame in, effects out: whatever is wrong gets a code, and nothing of ours gets out."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatsvc.accounts.model import PersonRole
from chatsvc.hub import codes, policies
from chatsvc.hub.connection import encode
from chatsvc.hub.frames import Accept, AppendFrame, ClientBeat, ClientFrame, Open, RefusedFrame, TypingFrame
from chatsvc.hub.peer import Effect, Peer, Reply, Shut
from chatsvc.hub.rules import Rules
from tests.chatsvc.hub.cast import an_identity

LOG = "lg_0123456789abcdefghjk"
OPEN = f'{{"t":"open","ref":7,"log":"{LOG}","after":0}}'
SAY = f'{{"t":"append","ref":8,"log":"{LOG}","key":"key-00001","kind":"message","text":"hello"}}'
DEEP = '{"t":"open","ref":1,"log":"lg_abcd","after":' + "[" * 5_000 + "]" * 5_000 + "}"


def a_peer(role: PersonRole = PersonRole.CONTACT, **rules: float) -> Peer:
    return Peer(an_identity(role), Rules(**rules), 0.0)  # type: ignore[arg-type]


def refusal(effects: "tuple[Effect, ...] | list[Effect]") -> RefusedFrame:
    replies = [effect.frame for effect in effects if isinstance(effect, Reply)]
    assert len(replies) == 1
    assert isinstance(replies[0], RefusedFrame)
    return replies[0]


def test_good_frame_comes_out_as_itself() -> None:
    assert list(a_peer().receive(OPEN, 0)) == [Open(7, LOG, 0)]


def test_answer_to_a_beat_needs_nothing_more_and_counts_as_a_sign_of_life() -> None:
    peer = a_peer()

    assert list(peer.receive('{"t":"beat"}', 30)) == []
    assert peer.silent_for(31) == 1


@pytest.mark.parametrize(
    ("frame", "code", "ref"),
    [
        pytest.param('{"t":"explode","ref":3}', "frame.unknown_kind", 3, id="unknown kind"),
        pytest.param('{"ref":3}', "frame.invalid", 3, id="no kind"),
        pytest.param('{"t":3,"ref":3}', "frame.invalid", 3, id="kind of a wrong type"),
        pytest.param('{"t":"open","ref":3,"log":"lg_abcd"}', "frame.invalid", 3, id="field missing"),
        pytest.param('{"t":"open","ref":3,"log":"lg_abcd","after":0,"x":1}', "frame.invalid", 3, id="unknown field"),
        pytest.param('{"t":"open","ref":3,"log":"lg_abcd","after":"0"}', "frame.invalid", 3, id="text for a number"),
        pytest.param('{"t":"open","ref":3,"log":"lg_abcd","after":true}', "frame.invalid", 3, id="truth for a number"),
        pytest.param('{"t":"open","ref":3,"log":"lg_abcd","after":1.0}', "frame.invalid", 3, id="float for a number"),
        pytest.param('{"t":"open","ref":3,"log":"lg_abcd","after":-1}', "frame.invalid", 3, id="negative number"),
        pytest.param('{"t":"open","ref":3,"log":"lg_abcd","after":99999999999999999999}', "frame.invalid", 3, id="huge number"),
        pytest.param('{"t":"open","ref":-3,"log":"lg_abcd","after":0}', "frame.invalid", None, id="negative ref"),
        pytest.param('{"t":"open","ref":"3","log":"lg_abcd","after":0}', "frame.invalid", None, id="ref of a wrong type"),
        pytest.param('{"t":"open","ref":3,"log":0,"after":0}', "frame.invalid", 3, id="number for an id"),
        pytest.param('{"t":"open","ref":3,"log":["lg_abcd"],"after":0}', "frame.invalid", 3, id="list for an id"),
        pytest.param('{"t":"open","ref":3,"log":{"$gt":""},"after":0}', "frame.invalid", 3, id="object for an id"),
        pytest.param('{"t":"open","ref":3,"log":"../../x","after":0}', "frame.invalid", 3, id="path for an id"),
        pytest.param('{"t":"open","ref":3,"log":"lg_abcd\\n","after":0}', "frame.invalid", 3, id="line feed behind an id"),
        pytest.param('{"t":"open","ref":3,"log":"lg_abcd","after":0,"after":0}', "frame.invalid", 3, id="field twice"),
        pytest.param('{"t":"beat","t":"beat"}', "frame.invalid", None, id="kind twice"),
        pytest.param('{"t":"open","ref":3,"log":"lg_abcd","after":0,"\\u0061fter":5}', "frame.invalid", 3, id="field twice, spelled differently"),
        pytest.param("[]", "frame.invalid", None, id="list"),
        pytest.param("null", "frame.invalid", None, id="nothing"),
        pytest.param('"open"', "frame.invalid", None, id="text"),
        pytest.param('{"t":"append","ref":3,"log":"lg_abcd","key":"k","kind":"message","text":"x"}', "frame.invalid", 3, id="short key"),
        pytest.param('{"t":"append","ref":3,"log":"lg_abcd","key":"key-00001","kind":"joined","text":"x"}', "frame.invalid", 3, id="kind of an event"),
        pytest.param(f'{{"t":"append","ref":3,"log":"lg_abcd","key":"key-00001","kind":"message","text":"{"x" * 8001}"}}', "frame.invalid", 3, id="long text"),
        pytest.param('{"t":"append","ref":3,"log":"lg_abcd","key":"key-00001","kind":"message","text":" \\n"}', "message.empty", 3, id="no words"),
        pytest.param('{"t":"append","ref":3,"log":"lg_abcd","key":"key-00001","kind":"message","text":"a\\u0000b"}', "frame.invalid", 3, id="NUL"),
        pytest.param('{"t":"append","ref":3,"log":"lg_abcd","key":"key-00001","kind":"note","text":"a"}', "frame.not_allowed", 3, id="note of a customer"),
        pytest.param('{"t":"accept","ref":3,"offer":"of_abcd","epoch":1}', "frame.not_allowed", 3, id="accept by a customer"),
        pytest.param('{"t":"watch","ref":3,"view":"desk"}', "frame.not_allowed", 3, id="desk of a customer"),
    ],
)  # fmt: skip
def test_wrong_frame_is_refused_with_a_code_and_the_connection_lives(frame: str, code: str, ref: int | None) -> None:
    effects = list(a_peer().receive(frame, 0))

    answer = refusal(effects)
    assert (answer.code, answer.ref) == (code, ref)
    assert len(answer.correlation) == 10
    assert not any(isinstance(effect, Shut) for effect in effects)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param("", "frame.unreadable", id="empty"),
        pytest.param("hello", "frame.unreadable", id="not JSON"),
        pytest.param('{"t":"open"', "frame.unreadable", id="cut off"),
        pytest.param(OPEN + OPEN, "frame.unreadable", id="two in one"),
        pytest.param(OPEN.encode(), "frame.unreadable", id="binary"),
        pytest.param(b"\xff\xfe", "frame.unreadable", id="binary rubbish"),
        pytest.param('{"t":"open","ref":1,"log":"\ud800","after":0}', "frame.unreadable", id="lone surrogate"),
        pytest.param('{"t":"typing","log":"lg_\\ud800"}', "frame.unreadable", id="escaped lone surrogate"),
        pytest.param(DEEP, "frame.too_deep", id="deep"),
        pytest.param('{"a":' * 50_000, "frame.too_large", id="deep and large"),
        pytest.param('{"x":{"y":{"z":1}},"t":"beat"}', "frame.too_deep", id="a little too deep"),
        pytest.param(SAY.replace("hello", "x" * 70_000), "frame.too_large", id="large"),
        pytest.param(SAY.replace("hello", "€" * 30_000), "frame.too_large", id="large in bytes"),
    ],
)
def test_frame_of_no_such_protocol_closes_the_connection(frame: str | bytes, code: str) -> None:
    effects = list(a_peer().receive(frame, 0))

    assert refusal(effects).code == code
    assert effects[-1] == Shut(codes.BAD_FRAME)


def test_brackets_in_words_are_words() -> None:
    frame = SAY.replace("hello", '[[[[{{{{ \\" ]]] : : {')

    [effect] = a_peer().receive(frame, 0)

    assert isinstance(effect, AppendFrame)
    assert effect.text == '[[[[{{{{ " ]]] : : {'


def test_defaults_may_be_written_out() -> None:
    frame = SAY.replace('"text"', '"files":[],"epoch":null,"text"')

    [effect] = a_peer().receive(frame, 0)

    assert isinstance(effect, AppendFrame)


def test_wrong_again_and_again_closes_the_connection() -> None:
    peer = a_peer(strikes=3)

    ends = [list(peer.receive('{"t":"explode"}', 0))[-1] for _ in range(4)]

    assert [isinstance(end, Shut) for end in ends] == [False, False, False, True]
    assert ends[-1] == Shut(codes.BAD_FRAME)


def test_strikes_are_forgiven_with_time() -> None:
    peer = a_peer(strikes=1, strikes_forgiven_per_s=0.5)

    ends = [list(peer.receive('{"t":"explode"}', at))[-1] for at in (0, 2, 4, 6)]

    assert not any(isinstance(end, Shut) for end in ends)


def test_flood_is_warned_and_then_closed() -> None:
    peer = a_peer(frames_burst=2, frames_per_s=1, strikes=2)

    taken, warned, shut = [], 0, None
    for _ in range(6):
        for effect in peer.receive(OPEN, 0):
            if isinstance(effect, Open):
                taken.append(effect)
            elif isinstance(effect, Reply):
                warned += 1
                assert isinstance(effect.frame, RefusedFrame)
                assert (effect.frame.code, effect.frame.retry_after) == ("frame.too_fast", 1.0)
            elif isinstance(effect, Shut):
                shut = effect.code

    assert (len(taken), warned, shut) == (2, 2, codes.TOO_FAST)


def test_too_much_typing_is_passed_over_in_silence() -> None:
    peer = a_peer(frames_burst=1)
    typing = f'{{"t":"typing","log":"{LOG}"}}'

    first, second = list(peer.receive(typing, 0)), list(peer.receive(typing, 0))

    assert first == [TypingFrame(LOG)]
    assert second == []


def test_answer_to_a_beat_after_a_burst_closes_nothing_but_a_flood_of_them_does() -> None:
    peer = a_peer(frames_burst=1, strikes=2)
    beat = '{"t":"beat"}'

    effects = [list(peer.receive(beat, 0)) for _ in range(4)]

    assert effects == [[], [], [], [Shut(codes.TOO_FAST)]]


def test_entries_have_a_limit_of_their_own() -> None:
    peer = a_peer(entries_burst=1, entries_per_s=0.5)

    list(peer.receive(SAY, 0))
    answer = refusal(list(peer.receive(SAY, 0)))

    assert (answer.code, answer.ref, answer.retry_after) == ("frame.too_fast", 8, 2.0)


def test_machine_s_frames_are_no_use_of_the_session_and_words_are() -> None:
    peer = a_peer(PersonRole.REPRESENTATIVE)

    for frame in (OPEN, f'{{"t":"looking","log":"{LOG}"}}'):
        assert not isinstance(peer.receive(frame, 0)[0], Reply)
        assert not peer.acted()
    peer.receive(SAY, 0)
    assert peer.acted()
    assert not peer.acted()


def test_kind_without_a_policy_keeps_the_process_from_starting() -> None:
    with pytest.raises(RuntimeError, match="Accept"):
        policies.insist({ClientBeat: policies.POLICIES[ClientBeat]}, [ClientBeat, Accept])


@pytest.mark.parametrize("kind", get_args(ClientFrame), ids=lambda kind: kind.__name__)
def test_every_kind_of_frame_has_a_policy(kind: type) -> None:
    assert policies.POLICIES[kind].roles


def test_administrators_talk_to_nobody() -> None:
    assert refusal(list(a_peer(PersonRole.ADMINISTRATOR).receive(SAY, 0))).code == "frame.not_allowed"


@settings(deadline=None)
@given(st.text(max_size=300) | st.binary(max_size=300))
def test_rubbish_gets_a_code_and_nothing_else(frame: str | bytes) -> None:
    check_answers(a_peer().receive(frame, 0))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    ["ref", "log", "after", "store", "key", "kind", "text", "files", "epoch", "number", "view", "ticket", "state"]
)
KINDS = st.sampled_from([str(kind.__struct_config__.tag) for kind in get_args(ClientFrame)])


@settings(deadline=None)
@given(KINDS, st.dictionaries(FIELDS, JSON, max_size=6), st.sampled_from(list(PersonRole)))
def test_frames_with_any_values_get_a_code_or_are_taken_whole(
    kind: str, fields: dict[str, object], role: PersonRole
) -> None:
    check_answers(a_peer(role).receive(msgspec.json.encode({"t": kind, **fields}).decode(), 0))


def check_answers(effects: "tuple[Effect, ...] | list[Effect] | object") -> None:
    assert isinstance(effects, tuple | list)
    for effect in effects:
        if isinstance(effect, Reply):
            assert isinstance(effect.frame, RefusedFrame)
            assert effect.frame.code in codes.ERRORS
            assert set(msgspec.json.decode(encode(effect.frame))) <= {"t", "ref", "code", "correlation", "retry_after"}
        elif isinstance(effect, Shut):
            assert effect.code in codes.CLOSE_CODES
