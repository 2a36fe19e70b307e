"""Values become text, documents and pages; every function gives a `str` or plain values and prints nothing.

terminal   text of strangers made fit for a terminal
check      what the check before the run found, for programs; check_text, check_sarif, check_github and check_html for
           people, code scanning, pull requests and browsers
integrate  what a run did
retry      the brief for an agent whose branch was set aside
status     the picture of all live branches; status_graph as a graph, status_page as a page
pages      what all pages have in common
replay     past merges beside what gitbot would have made of them
"""
