"""A call from the first packet to the last, on a network in memory and in a time of its own."""

import asyncio
from datetime import timedelta

import pytest

from callback.telephony.port import AllLinesBusy, AlreadyDialled, AttemptId, EndedBy, Outcome
from callback.telephony.sip.adapter import SIPTelephony
from callback.telephony.sip.digest import Login
from callback.telephony.sip.live_call import LiveCall
from callback.telephony.sip.transport import Bind
from chatsvc.kernel.clock import ManualClock
from chatsvc.kernel.errors import Invalid
from tests.callback.telephony import virtual_time
from tests.callback.telephony.notebook import Notebook
from tests.callback.telephony.sip.phones import (
    HOLDLINE,
    NUMBER,
    REP,
    TRUNK,
    Exchange,
    Manners,
    Network,
    a_call,
    a_rules,
    description,
)

HELD = "a=sendonly"


def outcome_of(exchange_arguments: dict[str, object], **call: object) -> tuple[Outcome, int | None, EndedBy | None]:
    async def story() -> tuple[Outcome, int | None, EndedBy | None]:
        ended = await Exchange(**exchange_arguments).dials(**call)  # type: ignore[arg-type]
        return ended.outcome, ended.facts.sip_code, ended.facts.ended_by

    return virtual_time.run(story())


def test_representative_then_customer_then_both_together() -> None:
    async def story() -> None:
        exchange = Exchange(customer=Manners(answers_after=3, hangs_up_after=60))

        ended = await exchange.dials()

        assert (ended.outcome, ended.facts.ended_by) == (Outcome.ANSWERED, EndedBy.CUSTOMER)
        assert ended.facts.talk_s == pytest.approx(60, abs=0.2)
        assert ended.facts.ring_s == pytest.approx(2.9, abs=0.1)
        assert exchange.notebook.stages == ["rep_ringing", "rep_up", "customer_ringing", "talking"]
        assert exchange.rep.methods == ["INVITE", "ACK", "INVITE", "ACK", "BYE"]
        assert exchange.customer.methods == ["INVITE", "ACK"]
        assert exchange.customer.requests[0].uri.user == NUMBER

    virtual_time.run(story())


def test_each_telephone_is_told_where_the_other_listens_and_that_both_may_speak() -> None:
    async def story() -> None:
        exchange = Exchange(rep=Manners(sdp_port=4002), customer=Manners(sdp_port=4010, hangs_up_after=1))

        await exchange.dials()

        opening, bridge = exchange.rep.offers
        assert "a=sendrecv" in opening
        assert "m=audio 4002 " in exchange.customer.offers[0]
        assert f"c=IN IP4 {REP[0]}" in exchange.customer.offers[0]
        assert "m=audio 4010 " in bridge
        assert f"c=IN IP4 {TRUNK[0]}" in bridge
        assert "a=sendrecv" in bridge
        assert all("o=holdline " in offer for offer in (opening, bridge, exchange.customer.offers[0]))

    virtual_time.run(story())


@pytest.mark.parametrize(
    ("code", "outcome", "by"),
    [
        (486, Outcome.BUSY, EndedBy.CUSTOMER),
        (600, Outcome.BUSY, EndedBy.CUSTOMER),
        (480, Outcome.NO_ANSWER, EndedBy.TRUNK),
        (408, Outcome.NO_ANSWER, EndedBy.TRUNK),
        (603, Outcome.DECLINED, EndedBy.CUSTOMER),
        (404, Outcome.INVALID_NUMBER, EndedBy.TRUNK),
        (410, Outcome.INVALID_NUMBER, EndedBy.TRUNK),
        (484, Outcome.INVALID_NUMBER, EndedBy.TRUNK),
        (604, Outcome.INVALID_NUMBER, EndedBy.TRUNK),
        (403, Outcome.BLOCKED, EndedBy.TRUNK),
        (488, Outcome.MEDIA, EndedBy.TRUNK),
        (500, Outcome.TRUNK, EndedBy.TRUNK),
        (503, Outcome.TRUNK, EndedBy.TRUNK),
        (401, Outcome.TRUNK, EndedBy.TRUNK),
        (407, Outcome.TRUNK, EndedBy.TRUNK),
        # We are not sent elsewhere.
        (302, Outcome.TRUNK, EndedBy.TRUNK),
        (420, Outcome.TRUNK, EndedBy.TRUNK),
    ],
)
def test_what_the_trunk_answers_decides(code: int, outcome: Outcome, by: EndedBy) -> None:
    assert outcome_of({"customer": Manners(final=code)}) == (outcome, code, by)


@pytest.mark.parametrize(
    ("manners", "outcome", "code"),
    [
        (Manners(final=486), Outcome.REP_BUSY, 486),
        (Manners(final=603), Outcome.REP_BUSY, 603),
        (Manners(final=480), Outcome.REP_NO_ANSWER, 480),
        (Manners(final=404), Outcome.REP_NO_ANSWER, 404),
        (Manners(final=None), Outcome.REP_NO_ANSWER, 487),
        (Manners(is_dead=True), Outcome.REP_NO_ANSWER, None),
        (Manners(final=488), Outcome.MEDIA, 488),
        (Manners(sdp_port=0), Outcome.MEDIA, 200),
        (Manners(to_changes=[488]), Outcome.MEDIA, 488),
    ],
    ids=[
        "busy",
        "declined",
        "unavailable",
        "unknown",
        "rings on",
        "dead",
        "no codec",
        "audio refused",
        "bridge refused",
    ],
)
def test_a_representative_who_cannot_be_reached_is_not_the_customers_fault(
    manners: Manners, outcome: Outcome, code: int | None
) -> None:
    assert outcome_of({"rep": manners})[:2] == (outcome, code)


def test_a_dead_telephone_is_given_up_after_four_seconds() -> None:
    async def story() -> None:
        exchange = Exchange(rep=Manners(is_dead=True))
        begun = virtual_time.LoopClock().now()

        ended = await exchange.dials()

        assert ended.at - begun < timedelta(seconds=4.5)
        assert exchange.customer.requests == []

    virtual_time.run(story())


def test_a_dead_trunk_is_told_from_a_customer_who_does_not_answer() -> None:
    assert outcome_of({"customer": Manners(is_dead=True)}) == (Outcome.TRUNK, None, EndedBy.TRUNK)


def test_at_the_ring_limit_the_customer_is_cancelled_and_the_representative_let_go() -> None:
    async def story() -> None:
        exchange = Exchange(customer=Manners(final=None))

        ended = await exchange.dials(ring_limit=timedelta(seconds=25))

        assert (ended.outcome, ended.facts.sip_code, ended.facts.ended_by) == (Outcome.NO_ANSWER, 487, EndedBy.HOLDLINE)
        assert ended.facts.ring_s == pytest.approx(24.9, abs=0.1)
        assert exchange.customer.methods == ["INVITE", "CANCEL", "ACK"]
        assert exchange.rep.methods[-1] == "BYE"

    virtual_time.run(story())


def test_an_answer_that_crosses_the_cancel_is_bridged() -> None:
    async def story() -> None:
        exchange = Exchange(customer=Manners(answers_after=5.01, crosses=True, hangs_up_after=7))

        ended = await exchange.dials(ring_limit=timedelta(seconds=5))

        assert "CANCEL" in exchange.customer.methods
        assert (ended.outcome, ended.facts.ended_by) == (Outcome.ANSWERED, EndedBy.CUSTOMER)
        assert ended.facts.talk_s == pytest.approx(7, abs=0.2)

    virtual_time.run(story())


def test_nothing_is_cancelled_before_it_was_heard_of() -> None:
    async def story() -> None:
        # "Ringing" comes after the limit only; the CANCEL waits for it.
        exchange = Exchange(customer=Manners(final=None, rings_after=3))

        ended = await exchange.dials(ring_limit=timedelta(seconds=2))

        assert ended.outcome is Outcome.NO_ANSWER
        lines = [line for line in exchange.network.lines(HOLDLINE, TRUNK) if line != "ACK"]
        assert lines == ["INVITE", "CANCEL"]

    virtual_time.run(story())


def test_a_representative_who_hangs_up_stops_the_customers_telephone() -> None:
    async def story() -> None:
        exchange = Exchange(customer=Manners(final=None), rep=Manners(answers_after=0.5, hangs_up_after=5))

        ended = await exchange.dials()

        assert (ended.outcome, ended.facts.ended_by) == (Outcome.REP_HUNG_UP, EndedBy.REPRESENTATIVE)
        assert "CANCEL" in exchange.customer.methods

    virtual_time.run(story())


def test_a_customer_who_answers_a_representative_who_has_gone_is_let_go() -> None:
    async def story() -> None:
        exchange = Exchange(
            customer=Manners(answers_after=5.05, crosses=True), rep=Manners(answers_after=0.5, hangs_up_after=4.6)
        )

        ended = await exchange.dials()

        assert ended.outcome is Outcome.REP_HUNG_UP
        assert exchange.customer.methods[-1] == "BYE"

    virtual_time.run(story())


def test_a_representative_who_hangs_up_after_the_talk_ends_it_for_both() -> None:
    async def story() -> None:
        exchange = Exchange()
        await exchange.begins()
        await exchange.notebook.comes_to("talking")

        await exchange.rep.hang_up()
        ended = await exchange.notebook.ended(AttemptId("ca_1"))
        await exchange.telephony.close()

        assert (ended.outcome, ended.facts.ended_by) == (Outcome.ANSWERED, EndedBy.REPRESENTATIVE)
        assert exchange.customer.methods[-1] == "BYE"

    virtual_time.run(story())


def test_hanging_up_releases_both_at_any_stage() -> None:
    async def story(stage: str) -> tuple[Outcome, EndedBy | None]:
        exchange = Exchange(customer=Manners(final=200 if stage == "talking" else None))
        await exchange.begins()
        await exchange.notebook.comes_to(stage)
        await exchange.telephony.hang_up(AttemptId("ca_1"))
        ended = await exchange.notebook.ended(AttemptId("ca_1"))
        await exchange.telephony.close()
        assert "BYE" in exchange.rep.methods or "CANCEL" in exchange.rep.methods
        return ended.outcome, ended.facts.ended_by

    assert virtual_time.run(story("rep_ringing")) == (Outcome.REP_HUNG_UP, EndedBy.HOLDLINE)
    assert virtual_time.run(story("customer_ringing")) == (Outcome.NO_ANSWER, EndedBy.HOLDLINE)
    assert virtual_time.run(story("talking")) == (Outcome.ANSWERED, EndedBy.HOLDLINE)


def test_closing_hangs_up_every_call_and_tells_it() -> None:
    async def story() -> None:
        exchange = Exchange()
        await exchange.begins()
        await exchange.notebook.comes_to("talking")

        await exchange.telephony.close()

        assert (await exchange.notebook.ended(AttemptId("ca_1"))).outcome is Outcome.ANSWERED
        assert (exchange.rep.methods[-1], exchange.customer.methods[-1]) == ("BYE", "BYE")

    virtual_time.run(story())


def test_the_longest_talk_is_ended_by_holdline() -> None:
    async def story() -> None:
        ended = await Exchange().dials(max_length=timedelta(minutes=60))

        assert (ended.outcome, ended.facts.ended_by) == (Outcome.ANSWERED, EndedBy.HOLDLINE)
        assert ended.facts.talk_s == pytest.approx(3_600, abs=1)

    virtual_time.run(story())


def test_a_telephone_that_vanishes_during_the_talk_ends_it() -> None:
    async def story() -> None:
        exchange = Exchange()
        await exchange.begins()
        await exchange.notebook.comes_to("talking")

        exchange.customer.manners.is_dead = True
        ended = await exchange.notebook.ended(AttemptId("ca_1"))
        await exchange.telephony.close()

        assert (ended.outcome, ended.facts.ended_by) == (Outcome.ANSWERED, EndedBy.TRUNK)
        assert exchange.rep.methods[-1] == "BYE"

    virtual_time.run(story())


def test_the_login_is_given_once_and_a_wrong_one_is_the_trunks_failure() -> None:
    async def story() -> None:
        exchange = Exchange(
            login=Login("holdline", "secret"), customer=Manners(challenge=(407, "Proxy-Authenticate"), hangs_up_after=1)
        )

        ended = await exchange.dials()

        assert ended.outcome is Outcome.ANSWERED
        invites = [each for each in exchange.customer.requests if each.method == "INVITE"]
        assert [each.cseq[0] for each in invites] == [1, 2]
        assert 'username="holdline"' in (invites[1].get("Proxy-Authorization") or "")
        assert "secret" not in exchange.notebook.traces[AttemptId("ca_1")]

    virtual_time.run(story())
    assert outcome_of({"login": Login("a", "b"), "customer": Manners(final=407)})[:2] == (Outcome.TRUNK, 407)


def test_the_login_is_never_given_to_a_representatives_telephone() -> None:
    async def story() -> None:
        exchange = Exchange(login=Login("holdline", "secret"), rep=Manners(challenge=(401, "WWW-Authenticate")))

        ended = await exchange.dials()

        assert ended.outcome is Outcome.REP_NO_ANSWER
        assert all(each.get("Authorization") is None for each in exchange.rep.requests)

    virtual_time.run(story())


def test_a_second_telephone_that_answers_the_same_call_is_let_go() -> None:
    async def story() -> None:
        exchange = Exchange(customer=Manners(fork=True, hangs_up_after=10))

        ended = await exchange.dials()

        assert ended.outcome is Outcome.ANSWERED
        byes = [each for each in exchange.customer.requests if each.method == "BYE"]
        assert [each.recipient.tag for each in byes] == ["second"]

    virtual_time.run(story())


def test_a_description_that_came_with_ringing_is_the_answer() -> None:
    assert outcome_of({"customer": Manners(describes_early=True, hangs_up_after=1)})[0] is Outcome.ANSWERED


def test_a_representative_who_moves_at_the_bridge_is_followed() -> None:
    async def story() -> None:
        exchange = Exchange(rep=Manners(sdp_port=4000, moves_to=4008), customer=Manners(hangs_up_after=5))

        await exchange.dials()

        assert "m=audio 4008 " in exchange.customer.offers[-1]

    virtual_time.run(story())


def test_a_crossing_change_is_tried_again() -> None:
    assert outcome_of({"rep": Manners(to_changes=[491, 491, 200]), "customer": Manners(hangs_up_after=9)})[0] is (
        Outcome.ANSWERED
    )


def test_a_hold_reaches_the_other_telephone_and_its_answer_comes_back() -> None:
    async def story() -> None:
        exchange = Exchange()
        await exchange.begins()
        await exchange.notebook.comes_to("talking")

        answer = await exchange.rep.asks("INVITE", body=description(REP[0], 4000, direction="sendonly", version=2))
        await exchange.telephony.close()

        assert answer.code == 200
        assert f"c=IN IP4 {TRUNK[0]}".encode() in answer.body
        assert HELD in exchange.customer.offers[-1]

    virtual_time.run(story())


def test_a_session_that_is_only_refreshed_disturbs_nobody() -> None:
    async def story() -> None:
        exchange = Exchange()
        await exchange.begins()
        await exchange.notebook.comes_to("talking")
        offers = len(exchange.customer.offers)
        timer = "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n"

        again = await exchange.rep.asks("INVITE", body=description(REP[0], 4000), extra=timer)
        update = await exchange.rep.asks("UPDATE", extra=timer)
        alive = await exchange.customer.asks("OPTIONS")
        refer = await exchange.customer.asks("REFER")
        await exchange.telephony.close()

        assert [again.code, update.code, alive.code, refer.code] == [200, 200, 200, 405]
        assert again.get("Session-Expires") == "1800;refresher=uac"
        assert again.get("Require") == "timer"
        assert len(exchange.customer.offers) == offers

    virtual_time.run(story())


def test_a_change_that_leaves_the_offer_to_us_gets_the_other_telephones_description() -> None:
    async def story() -> None:
        exchange = Exchange()
        await exchange.begins()
        await exchange.notebook.comes_to("talking")

        answer = await exchange.customer.asks("INVITE")
        await exchange.telephony.close()

        assert answer.code == 200
        assert f"c=IN IP4 {REP[0]}".encode() in answer.body

    virtual_time.run(story())


def test_a_change_of_the_representative_before_the_customer_is_there_is_answered() -> None:
    async def story() -> None:
        exchange = Exchange(customer=Manners(answers_after=10, hangs_up_after=1))
        await exchange.begins()
        await exchange.notebook.comes_to("customer_ringing")

        held = await exchange.rep.asks("INVITE", body=description(REP[0], 4000, direction="sendonly", version=2))
        ended = await exchange.notebook.ended(AttemptId("ca_1"))
        await exchange.telephony.close()

        assert (held.code, ended.outcome) == (200, Outcome.ANSWERED)
        assert b"a=recvonly" in held.body

    virtual_time.run(story())


@pytest.mark.parametrize("direction", [(REP, HOLDLINE), (HOLDLINE, REP), (TRUNK, HOLDLINE), (HOLDLINE, TRUNK)])
def test_every_single_datagram_may_be_lost(direction: tuple[tuple[str, int], tuple[str, int]]) -> None:
    async def story(lost: int) -> bool:
        network = Network()
        exchange = Exchange(customer=Manners(hangs_up_after=3), network=network)
        count = 0

        def loses(source: tuple[str, int], to: tuple[str, int], data: bytes) -> bool:
            nonlocal count
            count += (source, to) == direction
            return (source, to) == direction and count == lost

        network.loses = loses
        ended = await exchange.dials()
        assert ended.outcome is Outcome.ANSWERED
        return count >= lost

    lost = 1
    while virtual_time.run(story(lost)):
        lost += 1
    assert lost > 3


def test_a_third_of_all_datagrams_may_be_lost() -> None:
    async def story(seed: int) -> Outcome:
        exchange = Exchange(
            customer=Manners(hangs_up_after=30),
            network=Network(loss=0.33, seed=seed),
            representative_sign=timedelta(seconds=32),
            trunk_sign=timedelta(seconds=32),
        )
        return (await exchange.dials(ring_limit=timedelta(seconds=100))).outcome

    assert [virtual_time.run(story(seed)) for seed in range(20)] == [Outcome.ANSWERED] * 20


@pytest.mark.parametrize("kept", range(1, 5))
def test_what_cannot_be_stored_is_not_dialled_further_and_nobody_is_left_ringing(kept: int) -> None:
    async def story() -> None:
        exchange = Exchange()
        exchange.notebook.fails_at = kept

        ended = await exchange.dials()

        assert ended.outcome is Outcome.UNKNOWN
        for phone in (exchange.rep, exchange.customer):
            assert ("ACK" in phone.methods) == ("BYE" in phone.methods)
        assert len(exchange.customer.requests) == (0 if kept <= 3 else 3)

    virtual_time.run(story())


def test_an_attempt_is_dialled_once_and_no_more_calls_are_held_than_allowed() -> None:
    async def story() -> None:
        exchange = Exchange(most_calls=1)
        await exchange.begins()

        with pytest.raises(AlreadyDialled):
            await exchange.telephony.dial(a_call())
        with pytest.raises(AllLinesBusy):
            await exchange.telephony.dial(a_call(attempt=AttemptId("ca_2")))
        await exchange.notebook.comes_to("talking")
        await exchange.telephony.close()

    virtual_time.run(story())


def test_an_address_that_is_none_of_sip_is_refused_before_anything_is_sent() -> None:
    async def story() -> None:
        exchange = Exchange()
        await exchange.telephony.open()

        with pytest.raises(Invalid):
            await exchange.telephony.dial(a_call(representative="tel:+49301"))
        await exchange.telephony.close()

        assert exchange.network.seen == []

    virtual_time.run(story())


async def test_a_process_whose_address_is_taken_dials_nobody_and_says_so(clock: ManualClock) -> None:
    first = SIPTelephony(a_rules(), ledger=Notebook(), clock=clock)
    await first.open()
    second = SIPTelephony(a_rules(bind=Bind(port=first.place[1])), ledger=Notebook(), clock=clock)

    with pytest.raises(AllLinesBusy):
        await second.dial(a_call())
    await second.close()
    await first.close()


@pytest.mark.parametrize("stage", ["rep_ringing", "rep_up", "customer_ringing", "talking"])
def test_a_second_process_releases_what_a_dead_one_left(stage: str) -> None:
    async def story() -> None:
        exchange = Exchange(
            rep=Manners(final=None if stage == "rep_ringing" else 200),
            customer=Manners(final=200 if stage == "talking" else None, rings_after=0.5),
        )
        await exchange.begins()
        await exchange.notebook.comes_to(stage)
        # The first process is dead: it hears nothing and says nothing.
        exchange.network.leave(HOLDLINE)
        exchange.telephony._endpoint._transport = _Silent()

        successor = exchange.another()
        await successor.open()
        ended = await successor.recover(AttemptId("ca_1"), exchange.notebook.traces[AttemptId("ca_1")])

        assert ended.outcome is Outcome.UNKNOWN
        assert ("CANCEL" if stage == "rep_ringing" else "BYE") in exchange.rep.methods
        if stage in ("customer_ringing", "talking"):
            assert ("BYE" if stage == "talking" else "CANCEL") in exchange.customer.methods
        await successor.close()
        await exchange.telephony.close()

    virtual_time.run(story())


def test_a_call_that_crashes_lets_both_go_and_is_not_up_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    class Crash(BaseException):
        """A fault of ours that nobody expects."""

    async def crashes(self: LiveCall) -> None:
        await asyncio.sleep(5)
        raise Crash

    async def story() -> None:
        exchange = Exchange()
        await exchange.begins()
        up_at_first = exchange.telephony.is_up(AttemptId("ca_1"))
        await asyncio.sleep(60)

        assert (up_at_first, exchange.telephony.is_up(AttemptId("ca_1"))) == (True, False)
        assert exchange.notebook.stages[-1] == "talking"
        assert [phone.methods[-1] for phone in (exchange.rep, exchange.customer)] == ["BYE", "BYE"]
        recovered = await exchange.telephony.recover(AttemptId("ca_1"), exchange.notebook.traces[AttemptId("ca_1")])
        assert recovered.outcome is Outcome.UNKNOWN
        await exchange.telephony.close()

    monkeypatch.setattr(LiveCall, "_talk", crashes)
    virtual_time.run(story())


def test_recovering_nothing_and_rubbish_is_harmless() -> None:
    async def story() -> None:
        exchange = Exchange()
        await exchange.telephony.open()

        for trace in (None, "", "{}", '{"dialogs": [{"call_id": 1}]}', '{"dialogs": 7}'):
            ended = await exchange.telephony.recover(AttemptId("ca_9"), trace)
            assert ended.outcome is Outcome.UNKNOWN
        await exchange.telephony.close()

        assert exchange.network.seen == []

    virtual_time.run(story())


class _Silent:
    """What is left of a killed process's socket."""

    name = "UDP"
    is_reliable = False
    place = HOLDLINE

    async def open(self, receiver: object) -> None: ...

    async def send(self, data: bytes, to: object) -> None: ...

    async def close(self) -> None: ...
