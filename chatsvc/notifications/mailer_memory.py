"""Keeps mails instead of sending them: for tests, and as the shortest description of what a mailer is."""

from chatsvc.notifications.mailer import Mail, NotSent


class MemoryMailer:
    """A mail server that takes everything, unless it is told to be away."""

    def __init__(self) -> None:
        # What was taken, oldest first.
        self.sent: list[Mail] = []
        self.is_away = False

    async def send(self, mail: Mail) -> None:
        """Keep the mail.

        Raises:
            NotSent: while it is away.
        """
        if self.is_away:
            raise NotSent("away")
        self.sent.append(mail)
