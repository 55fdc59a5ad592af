"""Papers Inbox: a daily e-mail with the research papers that are new and rising for each subscriber's topics."""

__version__ = "0.1.0"
