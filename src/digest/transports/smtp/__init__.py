"""SMTP: any mail server, over as many connections as it allows."""
