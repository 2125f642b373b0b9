"""People: subscribers, their consent, and what providers report about their deliveries."""
