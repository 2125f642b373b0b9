"""Running the senders of one issue: threads on one machine."""
