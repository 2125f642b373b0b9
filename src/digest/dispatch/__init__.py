"""Running the senders of one issue in threads on one machine."""
