"""Google's older Python clients against the stand-in: prints what each step brought, as one JSON object."""

import base64
import io
import json
import sys

import google.oauth2.credentials
import google.oauth2.id_token
import google_auth_httplib2
import httplib2
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseUpload
from oauth2client import client

BASE, CLIENT_ID, CLIENT_SECRET = sys.argv[1:4]
CALLBACK = "http://127.0.0.1:8787/oauth2callback"
SCOPES = ["openid", "email", "profile", "https://www.googleapis.com/auth/drive.appdata"]
CERTS = BASE + "/oauth2/v1/certs"


def new_code(email):
    """A code as the redirect flow would bring it."""
    wanted = {
        "kind": "redirect",
        "email": email,
        "scope": SCOPES,
        "redirect_uri": CALLBACK,
        "access_type": "offline",
        "prompt": "consent",
    }
    headers = {"content-type": "application/json"}
    _, content = httplib2.Http().request(BASE + "/standin/code", "POST", json.dumps(wanted), headers)
    return json.loads(content)["code"]


def flow(**more):
    return client.OAuth2WebServerFlow(
        CLIENT_ID,
        scope=SCOPES,
        redirect_uri=CALLBACK,
        auth_uri=BASE + "/o/oauth2/v2/auth",
        token_uri=BASE + "/token",
        revoke_uri=BASE + "/revoke",
        token_info_uri=BASE + "/tokeninfo",
        **more
    )


def drive(http):
    url = BASE + "/discovery/v1/apis/{api}/{apiVersion}/rest"
    return build("drive", "v3", http=http, discoveryServiceUrl=url, cache_discovery=False)


def keep_a_file(files, resumable):
    """Creates, lists, reads and deletes a file in the app folder."""
    body = {"name": "a.txt", "parents": ["appDataFolder"]}
    media = MediaIoBaseUpload(io.BytesIO(b"hello"), "text/plain", resumable=resumable)
    made = files.create(body=body, media_body=media).execute()
    listed = files.list(spaces="appDataFolder", fields="files(id,name)").execute()
    content = files.get_media(fileId=made["id"]).execute()
    files.delete(fileId=made["id"]).execute()
    return {"listed": [entry["name"] for entry in listed["files"]], "content": content.decode(), "kind": made["kind"]}


def status_of(error):
    return int(error.resp.status)


def with_oauth2client():
    http = httplib2.Http()
    asking = flow(client_secret=CLIENT_SECRET)
    page, _ = http.request(asking.step1_get_authorize_url())
    credentials = asking.step2_exchange(new_code("ada@example.com"), http=http)
    claims = client.verify_id_token(credentials.id_token_jwt, CLIENT_ID, http=http, cert_uri=CERTS)
    first = credentials.access_token
    credentials.refresh(http)
    files = drive(credentials.authorize(httplib2.Http())).files()
    result = {
        "page": page.status,
        "email": claims["email"],
        "new_token": credentials.access_token != first,
        "has_refresh_token": credentials.refresh_token is not None,
        "scopes": sorted(credentials.retrieve_scopes(http)),
        "multipart": keep_a_file(files, resumable=False),
        "resumable": keep_a_file(files, resumable=True),
        "folder": files.get(fileId="appfolder").execute()["mimeType"],
    }
    try:
        files.get(fileId="nothing").execute()
    except HttpError as error:
        result["missing"] = status_of(error)
    credentials.revoke(http)
    try:
        credentials.refresh(http)
    except client.HttpAccessTokenRefreshError as error:
        result["after_revocation"] = str(error)
    return result


def with_basic():
    pair = base64.b64encode("{}:{}".format(CLIENT_ID, CLIENT_SECRET).encode()).decode()
    credentials = flow(authorization_header="Basic " + pair).step2_exchange(new_code("carl@example.com"))
    return {"email": credentials.id_token["email"], "has_refresh_token": credentials.refresh_token is not None}


def with_google_auth():
    exchanged = flow(client_secret=CLIENT_SECRET).step2_exchange(new_code("carl@example.com"))
    request = google_auth_httplib2.Request(httplib2.Http())
    credentials = google.oauth2.credentials.Credentials(
        None,
        refresh_token=exchanged.refresh_token,
        token_uri=BASE + "/token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    credentials.refresh(request)
    claims = google.oauth2.id_token.verify_token(credentials.id_token, request, audience=CLIENT_ID, certs_url=CERTS)
    files = drive(google_auth_httplib2.AuthorizedHttp(credentials, httplib2.Http())).files()
    return {"email": claims["email"], "issuer": claims["iss"], "multipart": keep_a_file(files, resumable=False)}


print(json.dumps({"oauth2client": with_oauth2client(), "basic": with_basic(), "google_auth": with_google_auth()}))
