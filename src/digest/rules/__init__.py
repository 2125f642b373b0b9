"""The decisions: values in, values out.  No clock, files, network or database."""
