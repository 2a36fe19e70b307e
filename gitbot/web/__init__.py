"""`gitbot serve`: status and runs as pages on loopback, which keep themselves up to date; needs the extra `web`.

board   the picture that all viewers share
views   what is on each page
server  addresses, headers, and who is refused; the only module that knows Starlette and uvicorn
live.js what swaps the new page in where the old one is, and says what has changed
"""
