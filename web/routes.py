"""Every way in, as one table: what is not here does not exist, and what is here says who may use it."""

from typing import Final

from web.api import bodies, telephony
from web.api import routes as api
from web.door import Policy, Route, Rule, Who, page
from web.pages import (
    admin,
    calendars,
    call_numbers,
    callback,
    calling,
    chat,
    console,
    docs,
    feeds,
    files,
    health,
    hours,
    mailbox,
    plans,
    portal,
    profile,
    quiet,
    replies,
    reports,
    requests,
    sign_in,
    staffing,
    ticket_lists,
    tickets,
    transcript,
    waits,
)
from web.pages import calendar_forms as cf
from web.pages import callback_forms as call_forms
from web.pages import forms as f
from web.pages import ticket_life as life

_ANYONE: Final = Policy(Who.ANYONE)
_BY_LINK: Final = Policy(Who.ANYONE, Rule.LINK)
_SIGNED_IN: Final = Policy(Who.SIGNED_IN)
_CONTACT: Final = Policy(Who.CONTACT)
_PRODUCT: Final = Policy(Who.CONTACT, Rule.CATALOG)
_VISIT: Final = Policy(Who.CONTACT, Rule.VISIT)
_TICKET: Final = Policy(Who.SIGNED_IN, Rule.TICKET)
_OWN_TICKET: Final = Policy(Who.CONTACT, Rule.TICKET)
_REPLY: Final = Policy(Who.STAFF, Rule.REPLY)
_REPORT: Final = Policy(Who.SIGNED_IN, Rule.REPORT)
_STAFF_TICKET: Final = Policy(Who.STAFF, Rule.TICKET)
_DESK: Final = Policy(Who.DESK)
_OWN_CALL: Final = Policy(Who.DESK, Rule.OWN_CONVERSATION)
_ADMINISTRATOR: Final = Policy(Who.ADMINISTRATOR)
_ACCOUNT: Final = Policy(Who.ADMINISTRATOR, Rule.ACCOUNT)

_signs_again: Final = sign_in.show_form_again

# fmt: off
DOORSTEP: Final = (
    page("GET", "sign_in", sign_in.show_sign_in, _ANYONE, query=f.SignInQuery),
    page("POST", "sign_in", sign_in.sign_in, _ANYONE, takes=f.SignInForm, again=_signs_again),
    page("POST", "sign_out", sign_in.sign_out, _ANYONE, takes=f.Nothing),
    page("GET", "signed_out", sign_in.signed_out, _ANYONE),
    page("GET", "forgot", sign_in.show_forgot, _ANYONE),
    page("POST", "forgot", sign_in.forgot, _ANYONE, takes=f.ForgotForm, again=_signs_again),
    page("GET", "forgot_sent", sign_in.forgot_sent, _ANYONE),
    page("GET", "reset", sign_in.show_reset, _BY_LINK),
    page("POST", "reset", sign_in.reset, _BY_LINK, takes=f.ResetForm, again=_signs_again),
    page("POST", "language", sign_in.language, _ANYONE, takes=f.LanguageForm),
    page("GET", "mail_quiet", quiet.show, _BY_LINK),
    page("POST", "mail_quiet", quiet.ask, _BY_LINK, takes=f.QuietForm, from_anywhere=True),
    page("POST", "mail_quiet_undo", quiet.undo, _BY_LINK, takes=f.Nothing),
)

PORTAL: Final = (
    page("GET", "home", portal.home, _SIGNED_IN),
    page("GET", "chat", portal.products, _CONTACT),
    page("GET", "hours", hours.show, _CONTACT),
    page("GET", "chat_form", chat.show_form, _PRODUCT),
    page("POST", "chat_form", chat.join, _PRODUCT, files=True),
    page("GET", "chat_room", chat.show_room, _VISIT),
    page("POST", "chat_say", chat.say, _VISIT, takes=f.SayForm, files=True, again=chat.say_again),
    page("POST", "chat_leave", chat.leave, _VISIT, takes=f.Nothing),
    page("POST", "chat_end", chat.end, _VISIT, takes=f.Nothing),
    page("POST", "chat_undo", chat.undo, _VISIT, takes=f.Nothing),
    page("POST", "chat_rate", chat.rate, _VISIT, takes=f.RateForm, again=chat.rate_again),
    page("GET", "transcript", transcript.download, _VISIT, query=f.TranscriptQuery),
    page("GET", "requests", tickets.requests, _SIGNED_IN, query=f.RequestsQuery),
    page("GET", "request_new", requests.show_new, _CONTACT, query=f.NewRequestQuery),
    page("POST", "request_new", requests.send, _CONTACT, files=True, stranded=requests.keep_stranded),
    page("POST", "request_discard", requests.discard, _CONTACT, takes=f.DraftKeyForm),
    page("GET", "ticket", tickets.show, _TICKET),
    page("POST", "ticket_comment", tickets.comment, _OWN_TICKET, takes=f.SayForm, files=True, again=tickets.comment_again),
    page("POST", "ticket_close", life.close, _TICKET, takes=f.Nothing),
    page("POST", "ticket_reopen", life.reopen, _TICKET, takes=f.Nothing),
    page("POST", "ticket_follow_up", life.follow_up, _TICKET, takes=f.Nothing),
    page("POST", "ticket_follow", life.follow, _OWN_TICKET, takes=f.FollowForm),
    page("POST", "ticket_unfollow", life.unfollow, _OWN_TICKET, takes=f.FollowForm),
    page("POST", "ticket_solve", tickets.solve, _OWN_TICKET, takes=f.Nothing),
    page("POST", "ticket_appeal", tickets.appeal, _OWN_TICKET, takes=f.AppealForm, again=tickets.appeal_again),
    page("GET", "file", files.show, Policy(Who.SIGNED_IN, Rule.FILE), query=bodies.FileQuery),
    page("GET", "reports", reports.show, _SIGNED_IN),
    page("POST", "reports", reports.make, _SIGNED_IN, takes=f.ReportForm, again=reports.make_again),
    page("GET", "report", reports.progress, _REPORT),
    page("GET", "report_file", reports.file, _REPORT),
    page("GET", "feed", feeds.show, Policy(Who.ANYONE, Rule.FEED)),
    page("POST", "feed_renew", feeds.renew, _SIGNED_IN, takes=f.Nothing),
    page("POST", "feed_revoke", feeds.revoke, _SIGNED_IN, takes=f.Nothing),
    page("GET", "profile", profile.show, _SIGNED_IN),
    page("POST", "profile", profile.save, _SIGNED_IN, takes=f.ProfileForm, again=profile.show_again),
    page("POST", "password", profile.change_password, _SIGNED_IN, takes=f.PasswordForm, again=profile.show_again),
    page("POST", "own_company", profile.show_colleagues, _CONTACT, takes=f.ColleaguesForm),
    page("POST", "session_end", profile.end_session, Policy(Who.SIGNED_IN, Rule.SESSION), takes=f.Nothing),
)

STAFF: Final = (
    page("GET", "console", console.show, Policy(Who.STAFF)),
    page("GET", "replies", replies.show, Policy(Who.STAFF), query=f.RepliesPageQuery),
    page("POST", "replies", replies.add, Policy(Who.STAFF), takes=f.ReplyForm, again=replies.show_again),
    page("POST", "reply", replies.change, _REPLY, takes=f.ReplyChangeForm, again=replies.show_again),
    page("POST", "reply_remove", replies.remove, _REPLY, takes=f.Nothing),
    page("GET", "waits", waits.show, Policy(Who.SUPERVISOR), query=f.WaitsQuery),
    page("GET", "staff_tickets", ticket_lists.show, Policy(Who.STAFF), query=f.TicketsQuery),
    page("POST", "staff_bulk", ticket_lists.change, Policy(Who.STAFF), query=f.TicketsQuery, takes=f.BulkForm, again=ticket_lists.change_again),
    page("POST", "staff_undo", ticket_lists.undo, Policy(Who.STAFF), query=f.TicketsQuery, takes=f.UndoForm),
    page("POST", "staff_ask", life.ask, _STAFF_TICKET, takes=f.AskForm, again=life.show_again),
    page("POST", "staff_solve", life.solve, _STAFF_TICKET, takes=f.SolveForm, again=life.show_again),
    page("POST", "staff_team", life.hand_over, _STAFF_TICKET, takes=f.HandOverForm, again=life.show_again),
    page("POST", "staff_owner", life.own, _STAFF_TICKET, takes=f.OwnerForm),
    page("POST", "staff_incident", life.link_incident, _STAFF_TICKET, takes=f.IncidentForm, again=life.show_again),
    page("POST", "staff_merge", life.merge, _STAFF_TICKET, takes=f.MergeForm, again=life.show_again),
    page("GET", "staff_ticket", tickets.show_to_staff, _STAFF_TICKET),
    page("POST", "staff_comment", tickets.comment, _STAFF_TICKET, takes=f.SayForm, files=True, again=tickets.comment_again),
    page("POST", "staff_change", tickets.change, _STAFF_TICKET, takes=f.TicketFieldsForm, again=tickets.change_again),
    page("POST", "staff_judge", tickets.judge, _STAFF_TICKET, takes=f.JudgeForm, again=tickets.change_again),
    page("POST", "staff_note", tickets.note, _STAFF_TICKET, takes=f.NoteForm, again=tickets.note_again),
)

ADMIN: Final = (
    page("GET", "people", admin.show, _ADMINISTRATOR, query=f.PeopleQuery),
    page("POST", "company_add", admin.add_company, _ADMINISTRATOR, takes=f.CompanyForm, again=admin.show_again),
    page("POST", "company_services", admin.set_services, _ACCOUNT, takes=f.ServicesForm),
    page("POST", "company_colleagues", admin.show_colleagues, _ACCOUNT, takes=f.ColleaguesForm),
    page("POST", "contact_add", admin.add_contact, _ACCOUNT, takes=f.ContactForm, again=admin.show_again),
    page("POST", "staff_add", admin.add_staff, _ADMINISTRATOR, takes=f.StaffForm, again=admin.show_again),
    page("POST", "person_teams", admin.set_teams, _ACCOUNT, takes=f.TeamsForm),
    page("POST", "person_authorise", admin.authorise, _ACCOUNT, takes=f.AuthoriseForm),
    page("POST", "person_disable", admin.disable, _ACCOUNT, takes=f.DisableForm),
    page("POST", "person_link", admin.mail_link, _ACCOUNT, takes=f.Nothing),
    page("GET", "calendars", calendars.show_all, _ADMINISTRATOR),
    page("GET", "calendar", calendars.show, _ACCOUNT, query=cf.AskQuery),
    page("POST", "calendar_hours", calendars.set_hours, _ACCOUNT, takes=cf.HoursForm, again=calendars.show_again),
    page("POST", "calendar_day", calendars.set_own_day, _ACCOUNT, takes=cf.OwnDayForm, again=calendars.show_again),
    page("POST", "calendar_day_removed", calendars.remove_own_day, _ACCOUNT, takes=cf.OwnDayRemovedForm, again=calendars.show_again),
    page("GET", "plans", plans.show, _ADMINISTRATOR),
    page("POST", "plan", plans.choose, _ACCOUNT, takes=plans.PlanForm),
    page("GET", "mailbox", mailbox.show, Policy(Who.ANYONE, Rule.MAILBOX)),
)

TELEPHONE_SYSTEM: Final = (
    Route(
        method="POST", path="/api/telephony", name="telephony", endpoint=telephony.take,
        policy=Policy(Who.ANYONE, Rule.SIGNATURE), from_anywhere=True,
    ),
)

WATCHES: Final = (
    Route(method="GET", path="/healthz", name="healthz", endpoint=health.healthz, policy=_ANYONE),
    Route(method="GET", path="/readyz", name="readyz", endpoint=health.readyz, policy=_ANYONE),
    Route(method="GET", path="/metrics", name="metrics", endpoint=health.metrics, policy=Policy(Who.ANYONE, Rule.LOOPBACK)),
)

DOCUMENTS: Final = (
    page("GET", "api_docs", docs.show, _ANYONE),
    page("GET", "openapi", docs.openapi_json, _ANYONE),
    page("GET", "asyncapi", docs.asyncapi_json, _ANYONE),
)
# fmt: on

# fmt: off
CALLS: Final = (
    page("GET", "call_home", callback.home, _CONTACT, query=call_forms.CallHomeQuery),
    page("GET", "call_form", callback.show_form, _PRODUCT, query=call_forms.CallQuery),
    page("POST", "call_form", callback.book, _PRODUCT, takes=call_forms.CallForm, again=callback.book_again),
    page("POST", "call_place", callback.keep_place, _VISIT, takes=call_forms.CallPlaceForm, again=callback.keep_place_again),
    page("POST", "call_not_needed", callback.not_needed, _VISIT, takes=f.Nothing),
    page("GET", "call", callback.show, _BY_LINK, query=call_forms.CallQuery),
    page("POST", "call_cancel", callback.cancel, _BY_LINK, takes=f.Nothing),
    page("POST", "call_again", callback.again, Policy(Who.CONTACT, Rule.LINK), takes=f.Nothing),
    page("POST", "call_move", callback.move, _BY_LINK, takes=call_forms.MoveForm, again=callback.changed_again),
    page("POST", "call_snooze", callback.snooze, _BY_LINK, takes=f.Nothing),
    page("POST", "call_number", callback.change_number, _BY_LINK, takes=call_forms.NumberForm, again=callback.changed_again),
    page("POST", "call_chat", callback.chat_instead, Policy(Who.CONTACT, Rule.LINK), takes=f.Nothing),
    page("GET", "calls", calling.calls, _DESK),
    page("GET", "call_card", calling.card, _OWN_CALL),
    page("POST", "call_dial", calling.dial, _OWN_CALL, takes=f.Nothing),
    page("POST", "call_connected", calling.connected, _OWN_CALL, takes=f.Nothing),
    page("POST", "call_outcome", calling.outcome, _OWN_CALL, takes=call_forms.OutcomeForm),
    page("POST", "call_release", calling.release, _OWN_CALL, takes=f.Nothing),
    page("POST", "call_hang_up", calling.hang_up, _OWN_CALL, takes=f.Nothing),
    page("GET", "call_numbers", call_numbers.show, Policy(Who.SUPERVISOR)),
    page("POST", "call_number_silenced", call_numbers.silence, Policy(Who.SUPERVISOR), takes=call_forms.SilenceForm, again=call_numbers.show_again),
    page("POST", "call_number_removed", call_numbers.let_ring, Policy(Who.SUPERVISOR), takes=call_forms.LetRingForm),
    page("POST", "call_region_allowed", call_numbers.allow, Policy(Who.SUPERVISOR), takes=call_forms.RegionForm, again=call_numbers.show_again),
    page("POST", "call_region_removed", call_numbers.forbid, Policy(Who.SUPERVISOR), takes=call_forms.RegionRemovedForm),
    page("GET", "staffing", staffing.show, Policy(Who.SUPERVISOR), query=call_forms.StaffingQuery),
    page("POST", "staffing", staffing.plan, Policy(Who.SUPERVISOR), takes=call_forms.ShiftForm, again=staffing.plan_again),
    page("POST", "shift_remove", staffing.unplan, Policy(Who.SUPERVISOR, Rule.PLAN), takes=f.Nothing),
    page("POST", "shift_restore", staffing.restore, Policy(Who.SUPERVISOR, Rule.PLAN), takes=call_forms.ShiftAgainForm),
)
# fmt: on

TABLE: Final[tuple[Route, ...]] = (
    *DOORSTEP,
    *PORTAL,
    *STAFF,
    *CALLS,
    *ADMIN,
    *TELEPHONE_SYSTEM,
    *WATCHES,
    *DOCUMENTS,
    *api.ROUTES,
)
