"""Alarm mails to the administrators and the rules that raise them."""
