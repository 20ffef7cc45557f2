"""A vendor's program: Google's own clients with what was handed over.

One command a line comes in, one answer a line goes out. It runs on while the
owner acts, and keeps its tokens, as a vendor's program does.
"""
import json
import os
import sys

import google.auth
from google.auth.credentials import with_scopes_if_required
from google.cloud import storage

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
clients = {}


def load(c):
    # With scopes at once, it would ask for the project's name at Google.
    credentials, _ = google.auth.load_credentials_from_file(c["file"])
    credentials = with_scopes_if_required(credentials, [SCOPE])
    clients[c["as"]] = storage.Client(
        project="acme-project", credentials=credentials, client_options={"api_endpoint": "http://" + c["at"]})
    return type(credentials).__module__


def env(c):
    os.environ.update(c["env"])


def put(c):
    bucket(c).blob(c["key"]).upload_from_string(b"{}", if_generation_match=0, retry=None, timeout=20)


def overwrite(c):
    bucket(c).blob(c["key"]).upload_from_string(b"{}", retry=None, timeout=20)


def read(c):
    bucket(c).blob(c["key"]).download_as_bytes(retry=None, timeout=20)


def delete(c):
    bucket(c).blob(c["key"]).delete(retry=None, timeout=20)


def list_(c):
    return len(list(clients[c["as"]].list_blobs(c["bucket"], prefix=c["key"], retry=None, timeout=20)))


def bucket(c):
    return clients[c["as"]].bucket(c["bucket"])


verbs = {"load": load, "env": env, "put": put, "overwrite": overwrite, "read": read, "delete": delete, "list": list_}
for line in sys.stdin:
    command = json.loads(line)
    try:
        answer = {"said": str(verbs[command["do"]](command))}
    except Exception as e:  # whatever a client raises is what is judged
        answer = {"error": type(e).__name__, "said": str(e)}
    print(json.dumps(answer), flush=True)
