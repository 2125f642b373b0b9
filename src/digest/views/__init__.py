"""Read models: what desk, API, `status` and `plan` show, as values.  A view reads and never writes."""
