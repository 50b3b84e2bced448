"""Pages and doors: portal, console, REST, and the hub mounted at /ws."""
