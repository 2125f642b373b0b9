"""The web door: pages for readers, and a desk for editors.

A page shows what the ports in `ports` answer and changes consent by POST alone.
Nothing here decides: that is done in the workflows that implement the ports.
"""
