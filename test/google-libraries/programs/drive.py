"""Calls Drive with one of Google's libraries for Python, as it is told line by line, and prints what came of each call.

drive.py LIBRARY API_BASE GIVEN_JSON, where LIBRARY is google-auth, google-auth-adc or oauth2client.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

LIBRARY, BASE, GIVEN = sys.argv[1:4]
GIVEN = json.loads(GIVEN)
URL = BASE + "/drive/v3/files/appfolder"


def with_google_auth():
    import google.oauth2.credentials
    import google_auth_httplib2
    import httplib2

    credentials = google.oauth2.credentials.Credentials(
        None,
        refresh_token=GIVEN["handle"],
        token_uri=GIVEN["token_url"],
        client_id=GIVEN["client_id"],
        client_secret=GIVEN["client_secret"],
    )

    # Threads share the credentials, and each has a connection of its own: httplib2's are for one thread.
    def call():
        http = google_auth_httplib2.AuthorizedHttp(credentials, http=httplib2.Http())
        response, _ = http.request(URL)
        return response.status

    return call


def with_adc():
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default()
    session = AuthorizedSession(credentials)
    return lambda: session.get(URL).status_code


def with_oauth2client():
    import httplib2
    from oauth2client import client

    credentials = client.OAuth2Credentials(
        None,
        GIVEN["client_id"],
        GIVEN["client_secret"],
        GIVEN["handle"],
        None,
        GIVEN["token_url"],
        None,
    )

    def call():
        response, _ = credentials.authorize(httplib2.Http()).request(URL)
        return response.status

    return call


def outcome(call):
    try:
        return str(call())
    except Exception as error:  # pylint: disable=broad-except
        return "{}: {}".format(type(error).__name__, error)


call = {"google-auth": with_google_auth, "google-auth-adc": with_adc, "oauth2client": with_oauth2client}[LIBRARY]()
for line in sys.stdin:
    count = int(line)
    with ThreadPoolExecutor(max_workers=count) as threads:
        outcomes = list(threads.map(outcome, [call] * count))
    print(json.dumps(outcomes), flush=True)
