"""Papers Inbox: the research papers that are new and rising for a reader's topics, once a day by e-mail."""

__version__ = "0.1.0"
