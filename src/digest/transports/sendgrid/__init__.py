"""SendGrid: its Mail Send API, a batch per request."""
