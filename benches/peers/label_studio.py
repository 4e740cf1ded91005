"""Takes the same tables into Edgewright and into Label Studio over HTTP, one after the other, and lists and filters them in turn.

usage: label_studio.py LABEL_STUDIO_PROGRAM FOLDER OF_TABLES OUR_ADDRESS OUR_KEY ROUNDS
Prints one JSON object: seconds of each side.
"""
import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.parse

program, folder, tables, address, key, rounds = sys.argv[1:]
TOKEN = "0123456789abcdef0123456789abcdef01234567"


def timed(connection, method, path, headers, body=None):
    begun = time.perf_counter()
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    data = answer.read()
    seconds = time.perf_counter() - begun
    if answer.status >= 300:
        sys.exit(f"{method} {path}: {answer.status} {data[:500]!r}")
    return seconds, json.loads(data) if data else None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start():
    port = free_port()
    place = pathlib.Path(folder, "label-studio")
    place.mkdir(parents=True, exist_ok=True)
    # It sends usage figures and asks for its newest version unless told not to.
    env = dict(os.environ, LABEL_STUDIO_BASE_DATA_DIR=str(place), COLLECT_ANALYTICS="False", LATEST_VERSION_CHECK="False", DEBUG="False", LOG_LEVEL="ERROR")
    log = open(place / "log", "w")
    args = [program, "start", "--no-browser", "--port", str(port), "--internal-host", "127.0.0.1", "--username", "a@b.example",
            "--password", "correct horse battery", "--user-token", TOKEN, "--enable-legacy-api-token"]
    child = subprocess.Popen(args, env=env, stdout=log, stderr=log, cwd=place)
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return child, http.client.HTTPConnection("127.0.0.1", port, timeout=1200)
        except OSError:
            pass
        if child.poll() is not None:
            break
        time.sleep(0.5)
    sys.exit(f"Label Studio does not start; see {place / 'log'}")


def multipart(path):
    edge = "----edge-of-a-table"
    head = f'--{edge}\r\ncontent-disposition: form-data; name="file"; filename="{path.name}"\r\ncontent-type: text/csv\r\n\r\n'
    return f"multipart/form-data; boundary={edge}", head.encode() + path.read_bytes() + f"\r\n--{edge}--\r\n".encode()


def memory(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def main():
    child, theirs = start()
    try:
        auth = {"authorization": f"Token {TOKEN}"}
        config = '<View><Text name="a" value="$a"/><Choices name="c" toName="a"><Choice value="x"/></Choices></View>'
        made = timed(theirs, "POST", "/api/projects", {**auth, "content-type": "application/json"}, json.dumps({"title": "large", "label_config": config}))[1]
        project = made["id"]
        ours = http.client.HTTPConnection(address, timeout=1200)
        own = {"x-api-key": key}
        files = sorted(pathlib.Path(tables).iterdir())
        taken = {"ours": 0.0, "peer": 0.0}
        for path in files:
            name = urllib.parse.quote(path.name)
            seconds, told = timed(ours, "POST", f"/api/v1/projects/large/samples?name={name}&label_from=column:label", own, path.read_bytes())
            taken["ours"] += seconds
            kind, body = multipart(path)
            seconds, told = timed(theirs, "POST", f"/api/projects/{project}/import", {**auth, "content-type": kind}, body)
            taken["peer"] += seconds
        only = {"conjunction": "and", "items": [{"filter": "filter:tasks:data.label", "operator": "equal", "type": "String", "value": "kind3"}]}
        query = urllib.parse.quote(json.dumps({"filters": only}))
        asked = {
            "first_page": ("limit=50", "page=1&page_size=50", None),
            "filter_by_label": ("limit=50&label=kind3", f"page=1&page_size=50&query={query}", None),
        }
        result = {"import": [taken], "samples": {}}
        for name, (mine, other, _) in asked.items():
            runs = []
            for _ in range(int(rounds)):
                a, page = timed(ours, "GET", f"/api/v1/projects/large/samples?{mine}", own)
                b, tasks = timed(theirs, "GET", f"/api/tasks?project={project}&{other}", auth)
                if page["total"] != tasks["total"] or len(page["samples"]) != len(tasks["tasks"]):
                    sys.exit(f"{name}: {page['total']} samples here, {tasks['total']} there")
                runs.append({"ours": a, "peer": b})
            result[name] = runs
            result["samples"][name] = page["total"]
        result["peer_peak_bytes"] = memory(child.pid)
        print(json.dumps(result))
    finally:
        child.terminate()
        child.wait()


main()
