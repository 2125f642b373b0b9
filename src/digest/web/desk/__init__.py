"""The desk: pages on which editors see an issue, change it and approve it.

    routes        the routes below /desk, and shared drafts
    all_issues    the list of all issues
    plan          the plan of the next issue, and marks on articles
    source        one source, and what it shows now
    home_forms    collecting and drafting from the home page
    issue_routes  the routes and forms of one issue
    issue_page    the page of one issue
    page_state    the state of that page, kept in its URL
    forms         parsing of edit forms
    presence      who else has an issue open
    page          what every page is given, and how its modules are found

Access is decided in `digest.web.access`.  Pages show the application's views;
forms call the methods of `Application`.  Everything works without scripts; with them, only the
changed part of a page is replaced.
"""

from digest.web.desk.routes import routes

__all__ = ["routes"]
