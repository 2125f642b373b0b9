"""The desk: pages on which editors see an issue, change it and approve it.

    routes      the addresses, and what each shows
    all_issues  every issue that there was
    plan        what the next issue would hold, and marks
    source      one source, and what it shows now
    look        what an issue's page shows just now, as its address says it
    forms       what a form of the desk asks for, as an edit
    outline     an issue's stories as rows that can be moved

Who may come in is decided in `access`.  What is shown comes from `ports.Desk`,
what is done goes to `actions`.  Every page and every form works without a
script; with it, one part of the page is exchanged instead of all.
"""

from digest.web.desk.routes import routes

__all__ = ["routes"]
