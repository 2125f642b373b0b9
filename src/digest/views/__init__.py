"""Read models: the values that desk, API, `status` and `plan` show.  Views read and never write."""
