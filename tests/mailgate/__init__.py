"""The gate that mails pass before a release: checkers that others wrote, over many different mails."""
