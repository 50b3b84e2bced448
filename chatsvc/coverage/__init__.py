"""Coverage: who is served when, in which language, and why."""
