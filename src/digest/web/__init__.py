"""HTTP: pages for subscribers, the desk for editors, the API and webhooks.

Pages show what the application's views return, and change consent only by POST.
Nothing here decides anything: that is done by the application's actions.
"""
