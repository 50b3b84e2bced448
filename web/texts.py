"""Texts that Python or JavaScript chooses: error sentences, words for codes, events of a log, and everything a script says.

Sentences of pages and mails stand in their templates. Here are those that are looked up by a key, each marked with ``N_`` for
extraction and translated when asked for, in the language of the reader under way. Placeholders look like ``%(name)s`` on
both sides of the wire.

An error sentence says what happened and what to do next.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from web.i18n import ordinal_form, plural_samples, reader, stamp


def N_(message: str) -> str:
    """Mark a text for extraction; it is translated where it is used."""
    return message


@dataclass(frozen=True, slots=True)
class Plural:
    """A sentence that depends on ``%(n)s``."""

    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Ordinal:
    """A sentence with an ordinal number ``%(n)s``: 1st, 2nd, 3rd, 4th. Languages without such forms use ``other`` alone."""

    one: str
    two: str
    few: str
    other: str


Text = str | Plural | Ordinal

POSITION: Final = Ordinal(
    one=N_("You are %(n)sst in line"),
    two=N_("You are %(n)snd in line"),
    few=N_("You are %(n)srd in line"),
    other=N_("You are %(n)sth in line"),
)

# Words for codes --------------------------------------------------------------------------------------------------

TICKET_STATES: Final = {
    "open": N_("Open"),
    "awaiting": N_("Awaiting your reply"),
    "solved": N_("Solved"),
    "closed": N_("Closed"),
}

TICKET_STATES_FOR_STAFF: Final = {**TICKET_STATES, "awaiting": N_("Awaiting customer")}

# What the state means for the customer, in one sentence (T7, T8).
TICKET_STATE_MEANINGS: Final = {
    "open": N_("Support is working on it. Nothing is needed from you right now."),
    "awaiting": N_("We need something from you. Your answer moves it on."),
    "solved": N_("A solution was given. If it does not help, write a comment within 7 days."),
    "closed": N_("This request is finished."),
}

SEVERITIES: Final = {
    "P1": N_("P1 Critical"),
    "P2": N_("P2 High"),
    "P3": N_("P3 Normal"),
    "P4": N_("P4 Low"),
}

ENVIRONMENTS: Final = {"production": N_("Production"), "test": N_("Test")}

# The lists of those who work here.
VIEWS: Final = {
    "mine": N_("My tickets"),
    "my_team": N_("My team"),
    "unassigned": N_("Unassigned"),
    "due": N_("Due next"),
    "breached": N_("Promise broken"),
    "open": N_("All open"),
}

# How a ticket came.
TICKET_SOURCES: Final = {
    "chat": N_("Chat"),
    "callback": N_("Callback"),
    "form": N_("Form"),
    "follow_up": N_("Follow-up"),
}

# Reports, and the columns of their files (T12).
REPORT_NAMES: Final = {
    "tickets": N_("All requests"),
    "open": N_("Open requests by age"),
    "ended": N_("Solved and closed requests"),
}
REPORT_COLUMNS: Final = {
    "number": N_("Number"),
    "subject": N_("Subject"),
    "company": N_("Company"),
    "requester": N_("Requester"),
    "product": N_("Product"),
    "reason": N_("Reason"),
    "environment": N_("Environment"),
    "severity": N_("Priority"),
    "state": N_("Status"),
    "team": N_("Team"),
    "owner": N_("Works on it"),
    "source": N_("Came by"),
    "created_at": N_("Created"),
    "updated_at": N_("Last update"),
    "ended_at": N_("Solved or closed"),
    "age": N_("Age in days"),
    "silence": N_("Days since the last update"),
    "lasted": N_("Took days"),
}

ROLES: Final = {
    "contact": N_("Contact"),
    "representative": N_("Representative"),
    "supervisor": N_("Supervisor"),
    "administrator": N_("Administrator"),
}

# Where a call is, as both sides read it.
CALL_STATES: Final = {
    "booked": N_("Booked"),
    "due": N_("In line"),
    "offered": N_("A representative is looking at it"),
    "preview": N_("A representative is about to call"),
    "dialing": N_("Being called"),
    "talking": N_("Talking"),
    "unclear": N_("Nobody knows how the call ended"),
    "retry_wait": N_("Waits for the next attempt"),
    "needs_number": N_("Another number is needed"),
    "asked": N_("Another time is needed"),
    "wrap_up": N_("The talk is over"),
    "completed": N_("Done"),
    "cancelled": N_("Cancelled"),
    "merged": N_("Served otherwise"),
    "unreachable": N_("Not reached"),
    "expired": N_("Over"),
    "blocked": N_("This number cannot be called"),
}

# How an attempt ended, and the buttons that say so.
CALL_OUTCOMES: Final = {
    "answered": N_("We talked"),
    "no_answer": N_("No answer"),
    "busy": N_("Busy"),
    "voicemail": N_("An answering machine"),
    "declined": N_("The customer declined"),
    "invalid_number": N_("The number does not exist"),
    "rep_hung_up": N_("I did not wait for an answer"),
    "trunk": N_("The telephone system failed"),
    "blocked": N_("The telephone network refused"),
    "rep_busy": N_("The representative’s telephone was busy"),
    "rep_no_answer": N_("The representative’s telephone did not answer"),
    "media": N_("The telephones could not hear each other"),
    "unknown": N_("Nobody knows"),
}

# What an outcome leads to that cannot be taken back, said before it is noted: by the event of the call's life.
CALL_CONSEQUENCES: Final = {
    "number_invalid": N_(
        "The customer is asked for another number at once, by mail. Until they give one, nobody calls them."
    ),
    "declined": N_(
        "The customer is asked for another time at once, by mail. Until they choose one, nobody calls them."
    ),
    "used_up": N_(
        "This was the last attempt: the call is over, and the customer is told so at once, by mail. The ticket stays open."
    ),
}

DESK_STATES: Final = {"ready": N_("Ready"), "away": N_("Away"), "paused": N_("Paused")}

# What an entry of a log says when nobody wrote it. ``%(name)s`` is who did it.
EVENTS: Final[Mapping[str, str | Plural]] = {
    "joined": N_("%(name)s joined the line for %(line)s"),
    "accepted": N_("%(name)s joined the conversation"),
    "handed_over_to_name": N_("%(name)s handed the conversation over to %(to_name)s"),
    "handed_over_to_line": N_("%(name)s handed the conversation over to the %(to_line)s team"),
    "returned": N_("The connection to the representative was lost. You are back at the front of the line."),
    "ended": N_("%(name)s ended the conversation"),
    "end_undone": N_("%(name)s continued the conversation"),
    "left_line_left": N_("%(name)s left the line"),
    "left_line_lost": N_("%(name)s was away for too long and left the line"),
    "left_line_closed": N_(
        "The hours of support ended before somebody was free. The request stays open and is answered."
    ),
    "ended_closed": N_(
        "%(name)s ended the conversation: this is not served live at this hour. The request stays open."
    ),
    "proposed": N_("The answers say that this may be critical (%(severity)s). A representative decides."),
    "judged": N_("%(name)s set the priority to %(after)s"),
    "judged_reason": N_("%(name)s set the priority to %(after)s: %(reason)s"),
    "judged_kept": N_("%(name)s kept the priority %(after)s"),
    "judged_kept_reason": N_("%(name)s kept the priority %(after)s: %(reason)s"),
    "appealed": N_("%(name)s asked for a second look at the priority: %(reason)s"),
    "english_hint": N_(
        "The talk is in English. You can write comments on the request in your own language instead, at any time."
    ),
    "due_initial_warned": N_("The first answer is due soon."),
    "due_initial_breached": N_("The first answer is overdue."),
    "due_ongoing_warned": N_("The next update is due soon."),
    "due_ongoing_breached": N_("The next update is overdue."),
    "due_target_warned": N_("The target time for a solution comes near."),
    "due_target_breached": N_("The target time for a solution is over."),
    "wrapped_up": N_("%(name)s completed the ticket"),
    "solved": N_("%(name)s marked the request as solved"),
    "reopened": N_("%(name)s opened the request again"),
    "solved_with": N_("%(name)s marked the request as solved: %(solution)s"),
    "asked": N_("%(name)s asked: %(needed)s"),
    "closed_person": N_("%(name)s closed the request"),
    "closed_silence": N_("The request was closed because there was no answer for 30 days"),
    "closed_merged": N_("The request was closed because it goes on in another one"),
    "team": N_("%(name)s passed the request on to the %(team)s team"),
    "owner_name": N_("%(owner)s works on the request now"),
    "owner_nobody": N_("Nobody works on the request for now"),
    "followed": N_("%(who)s reads along now"),
    "unfollowed": N_("%(who)s no longer reads along"),
    "merged": N_("The request goes on in request %(number)s"),
    "merged_in": N_("Request %(number)s goes on here"),
    "continues": N_("This goes on where request %(number)s ended"),
    "incident_number": N_("The request belongs to incident %(incident)s"),
    "incident_none": N_("The request no longer belongs to an incident"),
    "taken_back": N_("%(name)s took the last change back"),
    "call_wanted": N_("%(name)s wants to be called"),
    "chat_wanted": N_("%(name)s would rather chat after all"),
    "called": N_("Support called"),
    "call_off": N_("There will be no call. The request stays open and is answered."),
    "call_off_answered": N_("There will be no call: the request was answered."),
    "rated": Plural("%(name)s gave %(n)s star", "%(name)s gave %(n)s stars"),
}

# What a visitor is told when something is refused: what happened, and what to do next -------------------------------

ERRORS: Final = {
    "unknown": N_("Something went wrong on our side. Try again in a moment; if it stays, quote the code below."),
    "offline": N_("There is no connection to the server. Your text is kept here; it is sent when the line is back."),
    "required": N_("This is needed. Please fill it in."),
    "choose": N_("Choose one of the answers."),
    "too_long": N_("This is too long. Shorten it to at most %(limit)s characters."),
    "report.days_crossed": N_("The last day is before the first one. Choose it again."),
    "report.too_large": N_(
        "A report has at most %(most)s rows, because a sheet of Excel has no more; this one would have %(rows)s. Choose a shorter time, or fewer products."
    ),
    "report.too_many": N_("Your earlier reports are still being made. Wait for one of them, then ask again."),
    "bulk.none": N_("No ticket is chosen. Choose at least one in the list."),
    "file.refused": N_("The file “%(name)s” was not taken. %(reason)s."),
    "file.missed": N_(
        "The file “%(name)s” was not received, because you were signed out when you sent it. Please choose it again."
    ),
    "bulk.refused": N_("Ticket %(number)s was not changed. %(reason)s."),
    "date.invalid": N_("This is not a day. Choose it from the calendar, or write it like 2027-03-01."),
    "field.value": N_("This cannot be taken as it is. Use letters and numbers in one line."),
    "field.number": N_("This is not a number. Write digits only."),
    "merge.unknown": N_("There is no ticket with this number. Check it."),
    "merge.same": N_("This is the number of this ticket itself. Give the number of the other one."),
    "merge.other_company": N_(
        "That ticket belongs to another company. Only tickets of the same company can be merged."
    ),
    "merge.over": N_(
        "One of the two tickets can no longer be changed, so they cannot be merged. Answer in each of them."
    ),
    "ticket.live": N_(
        "Somebody talks with the customer in this ticket right now. Try again when the conversation has ended."
    ),
    "company.name_taken": N_("There is already a company with this name. Choose another name."),
    "email.invalid": N_("This is not an e-mail address. Check it, for example name@company.com."),
    "email.taken": N_("There is already an account with this e-mail address. Use another one or change that account."),
    "sign_in.refused": N_("E-mail and password do not match. Check both (the password is case-sensitive) or reset it."),
    "sign_in.too_many": N_(
        "There were too many attempts. Wait %(seconds)s seconds and try again, or reset your password."
    ),
    "session.over": N_("You have been signed out. Sign in again; what you wrote is kept on this device."),
    "link.invalid": N_("This link is no longer valid. Ask for a new one and use the latest mail."),
    "password.short": N_("This password is too short. Use at least %(limit)s characters; a sentence works well."),
    "password.common": N_("This password is too easy to guess. Choose something only you would think of."),
    "password.wrong": N_("This is not your current password. Type it again; it is case-sensitive."),
    "password.different": N_("The two passwords are not the same. Type the second one again."),
    "file.too_big": N_("This file is larger than %(limit)s. Compress it, or send the part that matters."),
    "file.type": N_("This kind of file cannot be taken. Send a picture, PDF, text, office document, CSV or ZIP."),
    "file.broken": N_("This picture is not complete. Save or export it again, then attach it."),
    "file.too_many_pixels": N_(
        "This picture has more than %(limit)s million pixels. Send a smaller copy, or the part that matters."
    ),
    "file.too_many": N_("No more than %(limit)s files go with one message. Send the others with the next one."),
    "file.missing": N_("This file is no longer there. Attach it again."),
    "message.empty": N_("There is nothing to send yet. Write a message or attach a file."),
    "message.conflict": N_("This message was already stored with another text. Send the new text as a new message."),
    "chat.open_already": N_("You already have a conversation about this product. Continue there."),
    "chat.over": N_("This conversation has ended. Add a comment to the ticket instead."),
    "chat.undo_over": N_("The time to undo is over. Add a comment to the ticket, or start a new chat."),
    "offer.taken": N_("A colleague was faster. There is nothing for you to do."),
    "offer.over": N_("This offer has expired. The customer keeps their place in line."),
    "conversation.moved": N_(
        "This conversation now belongs to somebody else. Your text is kept; copy it if you need it."
    ),
    "capacity.full": N_("You have as many conversations as you can take. Finish one first."),
    "ticket.reopen_window_over": N_("The time for reopening is over. Create a follow-up request instead."),
    "ticket.sealed": N_("Nothing can be added to this request any more. Create a follow-up request instead."),
    "calendar.changed": N_("Somebody else changed this calendar meanwhile. Look at what it is now, and try again."),
    "calendar.day_over": N_("This day is over. Choose today or a later one."),
    "calendar.hours_overlap": N_("Two of these periods overlap. Let one end before the next begins."),
    "calendar.hours_unreadable": N_(
        "These hours cannot be read. Write them like 08:00-12:00, 13:00-18:00; leave them empty for a closed day."
    ),
    "calendar.never_open": N_("With these hours nothing would ever be open. Give at least one day its hours."),
    "calendar.too_many_days": N_("There are %(limit)s days of its own already. Remove some first."),
    "contacts.too_few": N_("A company keeps at least %(limit)s authorised contacts. Authorise somebody else first."),
    "contacts.too_many": N_(
        "A company has at most %(limit)s authorised contacts. Withdraw the permission from one first."
    ),
    "coverage.closed": N_(
        "Nobody serves this request live at this hour. It opens again: %(opens_at)s. You can write a request at any time."
    ),
    "coverage.closed_for_now": N_("Nobody serves this request live at this hour. You can write a request at any time."),
    "call.night": N_(
        "Calls are made from 8:00 to 21:00 on your clock: you would be called at the earliest on %(opens_at)s. Choose a time instead."
    ),
    "call.closes_first": N_(
        "Whoever stands in line now is probably not called before the hours for calls are over. Choose a time instead."
    ),
    "call.not_now": N_("There is nothing to dial at this moment. Look at the call’s state."),
    "conversation.by_telephone": N_("This is a telephone call. Use the buttons of the call."),
    "number.country_missing": N_(
        "The country of this number is missing. Choose it, or write the number with a plus and the country code."
    ),
    "number.country_unknown": N_("There is no country with this code. Check the number."),
    "number.emergency": N_("This is an emergency number. Give the number on which we reach you."),
    "number.not_a_number": N_("This cannot be read as a telephone number. Use digits, spaces and a plus only."),
    "number.not_in_use": N_("No such number is given out in this country. Check it."),
    "number.not_rung": N_(
        "Numbers of this kind are not called: they cost extra, or belong to no person. Give an ordinary number."
    ),
    "number.region": N_("Your company is not called in this country. Give another number, or ask Support to add it."),
    "number.silenced": N_("This number asked not to be called. Give another one."),
    "number.too_long": N_("This number is too long. Check it."),
    "number.too_short": N_("This number is too short. Give it with its area code."),
    "reservation.already_live": N_("You already have a call booked. Change or cancel that one first."),
    "reservation.being_called": N_("Somebody is calling right now. It cannot be changed any more."),
    "reservation.not_due": N_("It is not your turn yet; there is nothing to put off."),
    "reservation.number_taken": N_("A call to this number is booked already. Give another number."),
    "reservation.over": N_("This call is over. Book another one if you need it."),
    "reservation.snoozed_enough": N_("The call was put off often enough. Choose another time, or cancel it."),
    "reservation.too_many": N_("No more calls can be booked today. Write a request, or chat with Support."),
    "shift.length": N_("A shift is at most 16 hours long; it ends after it begins."),
    "shift.time": N_("This is not a time. Write the day like 2027-03-01 and the time like 08:30."),
    "slot.full": N_("Somebody else took the last free place at this time. Choose another time."),
    "slot.gap": N_("This time does not exist: clocks go forward over it. Choose another one."),
    "slot.unknown": N_("There is no free place at this time any more. Choose another time."),
    "visit.not_waiting": N_("A representative has it already. Look at its state."),
    "severity.appealed_already": N_("A second look was asked for already. Add a comment to the request instead."),
    "severity.contact_needed": N_(
        "A critical request needs somebody we can reach. Give a name and a telephone number."
    ),
    "severity.english_needed": N_("Critical requests are handled in English. Name somebody who speaks English."),
    "severity.judgement_needed": N_(
        "How urgent this is waits for your judgement. Set the priority, and write a reason that the customer reads."
    ),
    "severity.not_judged": N_("Nobody has decided yet how urgent this is. Wait for the decision first."),
    "severity.reason_needed": N_("Lowering the priority needs a reason that the customer reads. Write one."),
    "conflict": N_("Somebody else changed this meanwhile. Look at the new state and try again."),
    "not_allowed": N_("Your account may not do this. Ask your administrator if you need it."),
    "not_found": N_("This does not exist, or your account may not see it. Check the address or go back."),
    "too_many": N_("That was too often. Wait %(seconds)s seconds and try again."),
    "unavailable": N_("This could not be stored just now. Nothing was lost; try again in a moment."),
    "too_large": N_("What was sent is too large. Send less at a time."),
    "unreadable": N_("What was sent could not be read. Reload the page and try again."),
    "webhook.forged": N_("The signature does not fit, or is too old. Check the secret on both sides, and both clocks."),
}

# Everything a script says ------------------------------------------------------------------------------------------

SCRIPT: Final[Mapping[str, Text]] = {
    # connection
    "connection.lost": N_("Reconnecting… Your text is safe."),
    "connection.back": N_("Connected again."),
    "connection.offline": N_("You are offline. Your text is safe and is sent when the line is back."),
    "connection.over": N_("This page can no longer connect. Reload it; your text is kept."),
    "connection.rest": N_("Live connection is not possible on this network. Messages still arrive, a little later."),
    # what stands in the empty box
    "composer.waiting": N_("Add details for the representative"),
    "composer.talking": N_("Write a message"),
    # waiting
    "waiting.next": N_("You are next in line"),
    "waiting.position": POSITION,
    "waiting.serving": Plural("%(n)s representative serves this line", "%(n)s representatives serve this line"),
    "waiting.nobody": N_("No representative is here right now. Your ticket is stored and will be answered."),
    "waiting.nobody_before": N_("No representative is here before %(at)s. Your ticket is stored and will be answered."),
    "waiting.range": N_("About %(low)s min (9 of 10 within %(high)s min)"),
    "waiting.range_hour": N_("About %(low)s min (9 of 10 within %(high)s h)"),
    "waiting.range_hours": N_("About %(low)s h (9 of 10 within %(high)s h)"),
    "waiting.minute": N_("Probably within a minute"),
    "waiting.longer_fewer": N_("It takes longer than we said: fewer representatives are here than before."),
    "waiting.longer_urgent": N_("It takes longer than we said: more urgent requests came first."),
    "waiting.longer_talks": N_("It takes longer than we said: the conversations before yours last longer than usual."),
    "waiting.longer_unknown": N_("It takes longer than we said. We are sorry."),
    "waiting.hour": N_("It may take more than an hour."),
    "waiting.offered": N_("A representative is looking at your request"),
    "waiting.accepted": N_("%(name)s joined the conversation"),
    "representative.none": N_("Nobody has joined yet"),
    "representative.here": N_("%(name)s, representative, is here"),
    "representative.away": N_("%(name)s, representative, is away for a moment"),
    "representative.was": N_("You talked with %(name)s"),
    "leave.confirm": N_("Leave the line? Your place is given up. Your ticket stays open and will be answered."),
    # messages
    "message.sending": N_("Sending…"),
    "message.stored": N_("Sent"),
    "message.seen": N_("Seen"),
    "message.failed": N_("Not sent. Trying again…"),
    "message.refused": N_("Not sent"),
    "message.take_back": N_("Put it back into the box"),
    "message.new": Plural("%(n)s new message", "%(n)s new messages"),
    "message.from": N_("%(name)s: %(text)s"),
    "typing.one": N_("%(name)s is typing…"),
    "looking.also": N_("Also looking at this ticket: %(names)s"),
    "title.unread": N_("(%(n)s) %(title)s"),
    "you": N_("You"),
    # files
    "file.uploading": N_("Uploading %(name)s…"),
    "file.ready": N_("%(name)s is attached"),
    "file.remove": N_("Remove %(name)s"),
    "file.removed": N_("%(name)s was removed"),
    "file.refused": N_("One of the files cannot be sent. Remove it, then send again."),
    # ending
    "end.undo": Plural("Undo is possible for %(n)s second", "Undo is possible for %(n)s seconds"),
    "end.undo_over": N_("The time to undo is over."),
    "end.over": N_("The conversation has ended"),
    "end.by_you": N_("You ended the conversation"),
    "end.by_other": N_("%(name)s ended the conversation"),
    "rating.thanks": N_("Thank you. Your rating is stored."),
    "idle.warning": Plural(
        "Still there? The conversation ends in %(n)s minute without a word from you.",
        "Still there? The conversation ends in %(n)s minutes without a word from you.",
    ),
    # console
    "offer.new": N_("New offer: %(customer)s, %(line)s"),
    "offer.call": N_("New call: %(customer)s, %(line)s"),
    "call.waits": N_("This customer waits for your call."),
    "call.on": N_("You are on the telephone with this customer."),
    "offer.left": Plural("%(n)s second left", "%(n)s seconds left"),
    "offer.left_over": N_("The time to answer is over."),
    "offer.missed": N_("You missed an offer. The customer keeps their place in line."),
    "offer.taken": N_("A colleague was faster. There is nothing for you to do."),
    "offer.withdrawn": N_("The offer was withdrawn. There is nothing for you to do."),
    "desk.paused": N_("You are paused after two missed offers. Press R to be ready again."),
    "desk.ready": N_("You are ready for offers"),
    "desk.away": N_("You are away"),
    "desk.load": N_("%(load)s of %(capacity)s"),
    "list.unread": Plural("%(n)s unread message", "%(n)s unread messages"),
    "list.typing": N_("typing…"),
    "list.wrap_up": N_("Wrap up"),
    "list.silent": N_("%(time)s since the customer’s last word"),
    "note.stored": N_("Note stored. The customer does not see it."),
    "canned.label": N_("Prepared replies"),
    "canned.none": N_("No reply matches."),
    "hand_over.colleague": N_("%(name)s (%(load)s of %(capacity)s)"),
    "hand_over.done": N_("The conversation was handed over."),
    "claim.proposed": N_("Proposed %(severity)s: judge it"),
    "claim.appealed": N_("The customer asks for a second look"),
    "claim.reach": N_("Reach in English: %(name)s, %(phone)s"),
    "claim.next_word": N_("Next update due:"),
    "context.first_ticket": N_("This is their first ticket."),
    "draft.kept": N_("Your draft is kept on this device."),
    "wrap_up.left": N_("Completes by itself in %(time)s"),
    # everywhere
    "copied": N_("Copied"),
    "notifications.on": N_("Notifications are on"),
    "notifications.off": N_("Notifications are off"),
    "notifications.on_button": N_("Turn on sound and notifications"),
    "notifications.off_button": N_("Turn off sound and notifications"),
    "notifications.blocked": N_("Your browser blocks notifications. Allow them in the site settings."),
    "password.show": N_("Show password"),
    "password.hide": N_("Hide password"),
    **{f"error.{key}": sentence for key, sentence in ERRORS.items()},
    # what the socket refuses has a code and no sentence of its own
    "error.choice.unknown": ERRORS["choose"],
    "error.coverage.closed": ERRORS["coverage.closed_for_now"],
    "error.conversation.not_active": ERRORS["chat.over"],
    "error.entry.key_reused": ERRORS["message.conflict"],
    "error.entry.stale_epoch": ERRORS["conversation.moved"],
    "error.frame.too_fast": ERRORS["too_many"],
    "error.log.not_found": ERRORS["not_found"],
    "error.log.sealed": ERRORS["ticket.sealed"],
    "error.not_signed_in": ERRORS["session.over"],
    "error.staff.only": ERRORS["not_allowed"],
    "error.store.busy": ERRORS["unavailable"],
    "error.store.unavailable": ERRORS["unavailable"],
    "error.ticket.not_found": ERRORS["not_found"],
    **{f"event.{key}": sentence for key, sentence in EVENTS.items()},
    **{f"state.{key}": word for key, word in TICKET_STATES.items()},
    **{f"severity.{key}": word for key, word in SEVERITIES.items()},
}


def _translated(text: Text) -> str | dict[str, str]:
    catalogue = reader().texts
    if isinstance(text, Plural):
        return {form: catalogue.ngettext(text.one, text.other, n) for form, n in plural_samples().items()}
    if isinstance(text, Ordinal):
        return {form: catalogue.gettext(getattr(text, form)) for form in ("one", "two", "few", "other")}
    return catalogue.gettext(text)


def script_texts(*prefixes: str) -> dict[str, str | dict[str, str]]:
    """Return what a page's scripts may say, in the reader's language: key -> text, or key -> form -> text for numbers.

    Args:
        prefixes: first parts of the keys that the page needs (``waiting``, ``error``); all when none is given.
    """
    wanted = {key: text for key, text in SCRIPT.items() if not prefixes or key.partition(".")[0] in prefixes}
    return {key: _translated(text) for key, text in wanted.items()}


def error_sentence(key: str, /, **facts: object) -> str:
    """Return what to tell a person about an error key; an unknown key reads as a general failure, never as the key."""
    return _filled(reader().texts.gettext(ERRORS.get(key, ERRORS["unknown"])), facts)


def event_sentence(kind: str, /, **facts: object) -> str:
    """Return the line that an event makes in a log.

    Args:
        kind: an entry's kind, for example ``accepted``; those with variants find theirs by their facts.
        facts: the entry's body, and ``name`` for its sender.
    """
    key = kind
    if kind == "handed_over":
        key = "handed_over_to_name" if facts.get("to_name") else "handed_over_to_line"
    elif kind == "left_line":
        key = f"left_line_{facts['why']}" if facts.get("why") in ("lost", "closed") else "left_line_left"
    elif kind == "ended" and facts.get("why") == "closed":
        key = "ended_closed"
    elif kind == "judged":
        key = judged_key(facts)
    elif kind in _VARIANTS:
        key = _VARIANTS[kind](facts)
    elif kind == "due":
        key = f"due_{facts.get('promise')}_{facts.get('what')}"
    text = EVENTS.get(key)
    if text is None:
        return kind.replace("_", " ")
    if isinstance(text, Plural):
        stars = int(str(facts.get("rating", 0)))
        return _filled(reader().texts.ngettext(text.one, text.other, stars), {**facts, "n": stars})
    return _filled(reader().texts.gettext(text), facts)


# Kinds of a ticket's life whose sentence depends on their facts; static/js/core/entry.js has the same.
_VARIANTS: Final[Mapping[str, Callable[[Mapping[str, object]], str]]] = {
    "solved": lambda facts: "solved_with" if facts.get("solution") else "solved",
    "closed": lambda facts: f"closed_{facts['why']}" if facts.get("why") in ("silence", "merged") else "closed_person",
    "call_off": lambda facts: "call_off_answered" if facts.get("why") == "answered" else "call_off",
    "owner": lambda facts: "owner_name" if facts.get("owner") else "owner_nobody",
    "incident": lambda facts: "incident_number" if facts.get("incident") else "incident_none",
}


def judged_key(facts: Mapping[str, object]) -> str:
    """Return which sentence a judgement makes: set or kept, with or without a reason."""
    key = "judged_kept" if facts.get("before") == facts.get("after") else "judged"
    return f"{key}_reason" if facts.get("reason") else key


# Longer waits are told in hours.
_HOUR_MIN: Final = 60


def position_sentence(position: int) -> str:
    """Return where in line somebody stands: ``You are 3rd in line``; 1 is next."""
    if position <= 1:
        return reader().texts.gettext("You are next in line")
    form = ordinal_form(position)
    text = getattr(POSITION, form, POSITION.other)
    return _filled(reader().texts.gettext(text), {"n": position})


def wait_sentence(low_s: int, high_s: int) -> str:
    """Return what is told of a wait, rounded up so that it stays honest: in minutes, ``About 2 min (9 of 10 within 5 min)``, or hours."""
    (low, low_h), (high, high_h) = ((-(-seconds // 60), -(-seconds // 3600)) for seconds in (low_s, high_s))
    if high <= 1:
        return _script("waiting.minute")
    if high <= _HOUR_MIN:
        return _script("waiting.range", low=max(low, 1), high=high)
    if low <= _HOUR_MIN:
        return _script("waiting.range_hour", low=max(low, 1), high=high_h)
    return _script("waiting.range_hours", low=low_h, high=high_h)


def longer_sentence(longer: str | None, high_s: int | None) -> str:
    """Return why a wait is longer than was told; that it may take hours, where it may; an empty text when there is nothing to say."""
    if longer is not None:
        return _script(f"waiting.longer_{longer}")
    return _script("waiting.hour") if high_s is not None and high_s > 60 * _HOUR_MIN else ""


def _script(key: str, **facts: object) -> str:
    """A sentence that scripts say too."""
    return _filled(reader().texts.gettext(str(SCRIPT[key])), facts)


def serving_sentence(representatives: int, served_from: datetime | None) -> str:
    """Return how many representatives serve a line; that nobody does, and before when nobody is planned, where that is known."""
    if representatives:
        text = SCRIPT["waiting.serving"]
        assert isinstance(text, Plural)
        return _filled(reader().texts.ngettext(text.one, text.other, representatives), {"n": representatives})
    return _script("waiting.nobody") if served_from is None else _script("waiting.nobody_before", at=stamp(served_from))


def _filled(sentence: str, facts: Mapping[str, object]) -> str:
    """The sentence with its placeholders filled; one whose fact is missing is left out rather than failing a page."""
    return sentence % _Lenient(facts)


class _Lenient(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "…"
