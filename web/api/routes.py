"""The table of the REST routes."""

from typing import Final

from chatsvc.conversations.model import WrapUp
from chatsvc.conversations.urgency import Urgency
from chatsvc.conversations.views import CustomerContext, Desk, Visit
from chatsvc.reports.model import Progress
from chatsvc.tickets.queries import TicketView
from web.api import (
    answers,
    bodies,
    conversations,
    desk,
    files,
    logs,
    requests,
    session,
    ticket_life,
    ticket_lists,
    tickets,
    urgency,
    visits,
    waits,
)
from web.door import Keyed, Policy, Route, Rule, Who

_ROOT: Final = "/api/v1"


def _route(method: str, path: str, name: str, who: Who, rule: Rule | None, endpoint: object, **more: object) -> Route:
    return Route(
        method=method,  # type: ignore[arg-type]  # one of the four below
        path=_ROOT + path,
        name=name,
        policy=Policy(who, rule),
        endpoint=endpoint,  # type: ignore[arg-type]  # checked at the start, against what is declared
        tag=path.split("/")[1],
        **more,  # type: ignore[arg-type]
    )


# fmt: off
ROUTES: Final = (
    _route("POST", "/session", "signIn", Who.ANYONE, None, session.sign_in, takes=bodies.SignInBody, gives=answers.Me, creates=True),
    _route("GET", "/session", "whoAmI", Who.SIGNED_IN, None, session.who_am_i, gives=answers.Me),
    _route("DELETE", "/session", "signOut", Who.SIGNED_IN, None, session.sign_out),

    _route("POST", "/visits", "join", Who.CONTACT, None, visits.join, takes=bodies.JoinBody, gives=Visit, keyed=Keyed.MUST, creates=True),
    _route("GET", "/visits/{ticket}", "showVisit", Who.CONTACT, Rule.VISIT, visits.show, gives=Visit),
    _route("DELETE", "/visits/{ticket}", "leaveLine", Who.CONTACT, Rule.VISIT, visits.leave),

    _route("GET", "/logs/{log}/entries", "readLog", Who.SIGNED_IN, Rule.LOG, logs.entries, query=bodies.EntriesQuery, gives=answers.LogPage),
    _route("POST", "/logs/{log}/entries", "append", Who.SIGNED_IN, Rule.LOG, logs.append, takes=bodies.AppendBody, gives=answers.Number, keyed=Keyed.MAY, creates=True),
    _route("PUT", "/logs/{log}/seen", "markSeen", Who.SIGNED_IN, Rule.LOG, logs.mark_seen, takes=bodies.SeenBody),

    _route("POST", "/conversations/{conversation}/end", "endConversation", Who.SIGNED_IN, Rule.CONVERSATION, conversations.end, gives=answers.Ended),
    _route("POST", "/conversations/{conversation}/undo_end", "undoEnd", Who.SIGNED_IN, Rule.CONVERSATION, conversations.undo_end),
    _route("POST", "/conversations/{conversation}/hand_over", "handOver", Who.DESK, Rule.OWN_CONVERSATION, conversations.hand_over, takes=bodies.HandOverBody),
    _route("GET", "/conversations/{conversation}/wrap_up", "showWrapUp", Who.DESK, Rule.OWN_CONVERSATION, conversations.show_wrap_up, gives=WrapUp),
    _route("PUT", "/conversations/{conversation}/wrap_up", "draftWrapUp", Who.DESK, Rule.OWN_CONVERSATION, conversations.draft_wrap_up, takes=bodies.WrapUpDraftBody),
    _route("POST", "/conversations/{conversation}/wrap_up", "wrapUp", Who.DESK, Rule.OWN_CONVERSATION, conversations.wrap_up, takes=bodies.WrapUpBody),
    _route("POST", "/conversations/{conversation}/extend", "extendWrapUp", Who.DESK, Rule.OWN_CONVERSATION, conversations.extend, gives=answers.Extended),
    _route("PUT", "/conversations/{conversation}/rating", "rate", Who.CONTACT, Rule.CONVERSATION, conversations.rate, takes=bodies.RatingBody),

    _route("GET", "/desk", "showDesk", Who.DESK, None, desk.show, gives=Desk),
    _route("PUT", "/desk", "setDesk", Who.DESK, None, desk.choose, takes=bodies.DeskBody),
    _route("POST", "/offers/{offer}/accept", "acceptOffer", Who.DESK, Rule.OFFER, desk.accept, takes=bodies.AcceptBody, gives=answers.Accepted),
    _route("POST", "/offers/{offer}/decline", "declineOffer", Who.DESK, Rule.OFFER, desk.decline, takes=bodies.DeclineBody),
    _route("GET", "/replies", "listReplies", Who.STAFF, None, desk.replies, query=bodies.RepliesQuery, gives=tuple[answers.CannedReply, ...]),
    _route("GET", "/colleagues", "listColleagues", Who.DESK, None, desk.colleagues, query=bodies.ColleaguesQuery, gives=answers.Targets),

    _route("GET", "/tickets", "listTickets", Who.SIGNED_IN, None, tickets.listing, query=bodies.TicketsQuery, gives=answers.TicketList),
    _route("POST", "/tickets", "createTicket", Who.CONTACT, None, tickets.create, takes=bodies.TicketBody, gives=TicketView, keyed=Keyed.MUST, creates=True),
    _route("GET", "/tickets/{number}", "showTicket", Who.SIGNED_IN, Rule.TICKET, tickets.show, gives=TicketView),
    _route("POST", "/tickets/{number}/comments", "comment", Who.SIGNED_IN, Rule.TICKET, tickets.comment, takes=bodies.CommentBody, gives=answers.Number, keyed=Keyed.MUST, creates=True),
    _route("POST", "/tickets/{number}/solve", "solve", Who.SIGNED_IN, Rule.TICKET, tickets.solve),
    _route("POST", "/tickets/{number}/reopen", "reopen", Who.SIGNED_IN, Rule.TICKET, tickets.reopen),
    _route("POST", "/tickets/{number}/close", "close", Who.SIGNED_IN, Rule.TICKET, ticket_life.close),
    _route("POST", "/tickets/{number}/follow_up", "followUp", Who.SIGNED_IN, Rule.TICKET, tickets.follow_up, gives=TicketView),
    _route("GET", "/tickets/{number}/followers", "listFollowers", Who.SIGNED_IN, Rule.TICKET, ticket_life.followers, gives=answers.Followers),
    _route("PUT", "/tickets/{number}/followers/{person}", "follow", Who.SIGNED_IN, Rule.TICKET, ticket_life.follow),
    _route("DELETE", "/tickets/{number}/followers/{person}", "unfollow", Who.SIGNED_IN, Rule.TICKET, ticket_life.unfollow),
    _route("POST", "/tickets/{number}/ask", "askCustomer", Who.STAFF, Rule.TICKET, ticket_life.ask, takes=bodies.AskBody, gives=answers.Asked),
    _route("POST", "/tickets/{number}/solution", "solveWith", Who.STAFF, Rule.TICKET, ticket_life.solve_with, takes=bodies.SolutionBody),
    _route("PUT", "/tickets/{number}/team", "handOverTicket", Who.STAFF, Rule.TICKET, ticket_life.hand_over, takes=bodies.TeamBody),
    _route("PUT", "/tickets/{number}/owner", "ownTicket", Who.STAFF, Rule.TICKET, ticket_life.own, takes=bodies.OwnerBody),
    _route("PUT", "/tickets/{number}/incident", "linkIncident", Who.STAFF, Rule.TICKET, ticket_life.link_incident, takes=bodies.IncidentBody),
    _route("POST", "/tickets/{number}/merge", "mergeTicket", Who.STAFF, Rule.TICKET, ticket_life.merge, takes=bodies.MergeBody),
    _route("PUT", "/tickets/{number}/severity", "judgeTicket", Who.STAFF, Rule.TICKET, urgency.judge, takes=bodies.JudgeBody),
    _route("POST", "/tickets/{number}/appeal", "appeal", Who.CONTACT, Rule.TICKET, urgency.appeal, takes=bodies.AppealBody),
    _route("GET", "/tickets/{number}/urgency", "showUrgency", Who.SIGNED_IN, Rule.TICKET, urgency.show, gives=Urgency),
    _route("GET", "/tickets/{ticket}/panel", "showPanel", Who.STAFF, Rule.TICKET, urgency.panel, gives=answers.PanelAnswer),
    _route("GET", "/coverage", "showCoverage", Who.CONTACT, None, urgency.coverage, gives=answers.CoverageAnswer),
    _route("GET", "/tickets/{ticket}/customer", "showCustomer", Who.STAFF, Rule.TICKET, desk.customer, gives=CustomerContext),

    _route("GET", "/views", "listView", Who.STAFF, None, ticket_lists.show, query=bodies.ListQuery, gives=answers.ListPage),
    _route("GET", "/views/counts", "countViews", Who.STAFF, None, ticket_lists.counts, gives=answers.ListCounts),

    _route("GET", "/waits", "showWaits", Who.SUPERVISOR, None, waits.show, query=bodies.WaitsQuery, gives=answers.WaitsHeld),

    _route("PUT", "/drafts/{form}", "keepDraft", Who.CONTACT, Rule.DRAFT, requests.keep_draft, takes=bodies.DraftBody),
    _route("GET", "/reports/{report}", "showReport", Who.SIGNED_IN, Rule.REPORT, requests.report, gives=Progress),

    _route("POST", "/files", "upload", Who.SIGNED_IN, None, files.upload, takes=bodies.UploadBody, gives=answers.Uploaded, files=True, creates=True),
    _route("GET", "/files/{file}", "download", Who.SIGNED_IN, Rule.FILE, files.download, query=bodies.FileQuery),
)
# fmt: on
