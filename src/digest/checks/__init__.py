"""The pre-flight rules: pure functions over one parsed message, a file per family."""
