"""The addresses of the pages: one table for the routes that serve them and the templates that link to them."""

from typing import Final
from urllib.parse import quote, urlencode

PATHS: Final = {
    # anybody
    "sign_in": "/sign-in",
    "sign_out": "/sign-out",
    "signed_out": "/signed-out",
    "forgot": "/forgot",
    "forgot_sent": "/forgot/sent",
    "reset": "/reset/{token}",
    "language": "/language",
    "mail_quiet": "/mails/quiet/{token}",
    "mail_quiet_undo": "/mails/quiet/{token}/undo",
    # portal
    "home": "/",
    "chat": "/chat",
    "chat_form": "/chat/{product}",
    "hours": "/hours",
    "call_home": "/call",
    "call_form": "/call/{product}",
    "call_place": "/chats/{conversation}/call",
    "call_not_needed": "/chats/{conversation}/calls/{token}/not-needed",
    "call": "/calls/{token}",
    "call_cancel": "/calls/{token}/cancel",
    "call_again": "/calls/{token}/again",
    "call_move": "/calls/{token}/time",
    "call_snooze": "/calls/{token}/later",
    "call_number": "/calls/{token}/number",
    "call_chat": "/calls/{token}/chat",
    "chat_room": "/chats/{conversation}",
    "chat_say": "/chats/{conversation}/messages",
    "chat_leave": "/chats/{conversation}/leave",
    "chat_end": "/chats/{conversation}/end",
    "chat_undo": "/chats/{conversation}/undo",
    "chat_rate": "/chats/{conversation}/rating",
    "transcript": "/chats/{conversation}/transcript",
    "requests": "/requests",
    "request_new": "/requests/new",
    "request_discard": "/requests/new/discard",
    "ticket": "/requests/{number}",
    "ticket_comment": "/requests/{number}/comments",
    "ticket_close": "/requests/{number}/close",
    "ticket_reopen": "/requests/{number}/reopen",
    "ticket_follow_up": "/requests/{number}/follow-up",
    "ticket_follow": "/requests/{number}/follow",
    "ticket_unfollow": "/requests/{number}/unfollow",
    "ticket_solve": "/requests/{number}/solve",
    "ticket_appeal": "/requests/{number}/appeal",
    "reports": "/reports",
    "report": "/reports/{report}",
    "report_file": "/reports/{report}/file",
    "feed": "/calendar/{token}.ics",
    "feed_renew": "/profile/calendar",
    "feed_revoke": "/profile/calendar/end",
    "profile": "/profile",
    "password": "/profile/password",
    "own_company": "/profile/company",
    "session_end": "/profile/sessions/{session}/end",
    "file": "/files/{file}",
    # staff
    "console": "/console",
    "calls": "/desk/calls",
    "call_card": "/desk/calls/{conversation}",
    "call_dial": "/desk/calls/{conversation}/dial",
    "call_connected": "/desk/calls/{conversation}/connected",
    "call_outcome": "/desk/calls/{conversation}/outcome",
    "call_release": "/desk/calls/{conversation}/release",
    "call_hang_up": "/desk/calls/{conversation}/hang-up",
    "call_numbers": "/desk/numbers",
    "call_number_silenced": "/desk/numbers/silenced",
    "call_number_removed": "/desk/numbers/silenced/removed",
    "call_region_allowed": "/desk/numbers/countries",
    "call_region_removed": "/desk/numbers/countries/removed",
    "staffing": "/desk/staffing",
    "shift_remove": "/desk/staffing/{shift}/remove",
    "waits": "/desk/waits",
    "replies": "/desk/replies",
    "reply": "/desk/replies/{reply}",
    "reply_remove": "/desk/replies/{reply}/remove",
    "staff_tickets": "/desk/tickets",
    "staff_bulk": "/desk/tickets/bulk",
    "staff_undo": "/desk/tickets/undo",
    "staff_ask": "/desk/tickets/{number}/ask",
    "staff_solve": "/desk/tickets/{number}/solve",
    "staff_team": "/desk/tickets/{number}/team",
    "staff_owner": "/desk/tickets/{number}/owner",
    "staff_incident": "/desk/tickets/{number}/incident",
    "staff_merge": "/desk/tickets/{number}/merge",
    "staff_ticket": "/desk/tickets/{number}",
    "staff_comment": "/desk/tickets/{number}/comments",
    "staff_note": "/desk/tickets/{number}/notes",
    "staff_change": "/desk/tickets/{number}/fields",
    "staff_judge": "/desk/tickets/{number}/severity",
    "people": "/admin/people",
    "company_add": "/admin/companies",
    "company_services": "/admin/companies/{company}/services",
    "company_colleagues": "/admin/companies/{company}/colleagues",
    "contact_add": "/admin/companies/{company}/contacts",
    "staff_add": "/admin/staff",
    "person_teams": "/admin/people/{person}/teams",
    "person_authorise": "/admin/people/{person}/authorised",
    "person_disable": "/admin/people/{person}/disabled",
    "person_link": "/admin/people/{person}/link",
    "calendars": "/admin/calendars",
    "calendar": "/admin/calendars/{company}",
    "calendar_hours": "/admin/calendars/{company}/hours",
    "calendar_day": "/admin/calendars/{company}/days",
    "calendar_day_removed": "/admin/calendars/{company}/days/removed",
    "plans": "/admin/plans",
    "plan": "/admin/plans/{company}",
    "mailbox": "/trial/mailbox",
    # developers
    "api_docs": "/api",
    "openapi": "/api/openapi.json",
    "asyncapi": "/api/asyncapi.json",
}


def url(name: str, /, query: dict[str, str] | None = None, **parts: object) -> str:
    """Return the address of a page.

    Args:
        name: a key of ``PATHS``.
        query: what follows the question mark; None for nothing.
        parts: the values of the path's placeholders.

    Raises:
        KeyError: there is no such page, or a part is missing.
    """
    path = PATHS[name].format_map({key: quote(str(value), safe="") for key, value in parts.items()})
    return f"{path}?{urlencode(query)}" if query else path
