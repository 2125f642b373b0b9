"""Background work of a process: the timer of the schedule and the sender threads."""
