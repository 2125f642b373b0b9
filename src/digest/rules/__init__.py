"""The decisions: values in, values out.  No clock, file, network or database."""
