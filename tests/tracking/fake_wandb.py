"""A small W&B server on 127.0.0.1: what the real client needs to log in, stream, upload and resume a run.

It shows what the client sends; it cannot show what the real server accepts. Of the public API
(`wandb.Api`) it knows what reports and workspace views ask for. Sweeps are not covered: what it does not
know it answers with status 400.
"""

import gzip
import json
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fake_artifacts import ARTIFACTS, Artifacts

ENTITY = "tester"
OPERATION = re.compile(r"\b(?:query|mutation)\s+(\w+)")


class UnknownOperation(Exception):
    pass


@dataclass
class Run:
    """What arrived for one run id."""

    name: str
    upserts: list[dict[str, Any]] = field(default_factory=list)  # variables of the UpsertBucket calls
    rows: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    exit_codes: list[int] = field(default_factory=list)
    preempting: bool = False

    def sent(self, key: str) -> Any:
        """The last value that the client gave for a variable of UpsertBucket, None where it gave none."""
        return next((u[key] for u in reversed(self.upserts) if u[key] is not None), None)

    @property
    def config(self) -> dict[str, Any]:
        return {key: entry["value"] for key, entry in json.loads(self.sent("config")).items()}


class FakeWandb(ThreadingHTTPServer):
    """Keeps every run in `runs`; `reject_keys` answers 401 to everything, as for a key that is not known."""

    daemon_threads = True

    def __init__(self, reject_keys: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reject_keys = reject_keys
        self.runs: dict[str, Run] = {}
        self.artifacts = Artifacts(self.url, ENTITY)
        self.views: list[dict[str, Any]] = []  # variables of the upsertView calls: reports, workspace views
        self.operations: list[str] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client drops its idle connections when it ends: not an error. Others are printed as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def run(self, name: str) -> Run:
        return self.runs.setdefault(name, Run(name))

    def answer(self, operation: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The `data` of a GraphQL response."""
        self.operations.append(operation)
        if (of_artifacts := self.artifacts.answer(operation, variables)) is not None:
            return of_artifacts
        match operation:
            case "Viewer" | "GetDefaultEntity":
                account = {"id": "u", "entity": ENTITY, "username": ENTITY, "email": "", "flags": "{}"}
                return {"viewer": account | {"teams": {"edges": []}}}
            case "ServerFeaturesQuery":
                return {"serverInfo": {"features": []}}
            case "OrganizationCoreWeaveOrganizationID":
                return {"entity": {"organization": {"coreWeaveOrganizationId": None}}}
            case "RunResumeStatus":
                known = self.runs.get(variables["name"])
                return {"model": _project(variables["project"]) | {"bucket": known and _state(known)}}
            case "UpsertBucket":
                inserted = variables["name"] not in self.runs
                run = self.run(variables["name"])
                run.upserts.append(variables)
                return {"upsertBucket": {"bucket": _bucket(run), "inserted": inserted}}
            case "CreateRunFiles":
                run_id = variables["run"]
                files = [
                    {"name": f, "uploadUrl": f"{self.url}/upload/{run_id}/{f}"} for f in variables["files"]
                ]
                return {"createRunFiles": {"runID": run_id, "uploadHeaders": [], "files": files}}
            case "Runs":
                return {"project": self._query(variables["project"], json.loads(variables["filters"]))}
            case "GetProjects":
                more = {"entityName": ENTITY, "createdAt": "", "isBenchmark": False, "user": None}
                names = {run.sent("project") for run in self.runs.values()}
                return {"models": _page({"node": _project(name) | more} for name in names)}
            case "ProjectInternalId":
                return {"project": {"id": "p", "internalId": "1"}}
            case "upsertView" | "UpsertView2":
                self.views.append(variables)
                place = {"id": "p", "name": variables["projectName"], "entityName": variables["entityName"]}
                view = {key: variables[key] for key in ("type", "name", "displayName", "description", "spec")}
                view |= {"id": f"view{len(self.views)}", "project": place, "updatedAt": None}
                return {"upsertView": {"view": view, "inserted": True}}
        raise UnknownOperation(operation)

    def _query(self, project: str, filters: dict[str, Any]) -> dict[str, Any] | None:
        """A project's runs, of certain groups if that is asked for."""
        found = [run for run in self.runs.values() if run.sent("project") == project]
        if not found:
            return None
        if filters:
            found = [run for run in found if run.sent("groupName") in filters["group"]["$in"]]
        edges = ({"node": _state(run) | {"projectId": "1"}, "cursor": run.name} for run in found)
        return {"internalId": "1", "runCount": len(found), "readOnly": False, "runs": _page(edges)}

    def stream(self, name: str, body: dict[str, Any]) -> None:
        """One file_stream request: history lines, the summary, whether the run ended and how."""
        run = self.run(name)
        files = body.get("files") or {}
        run.rows += [json.loads(line) for line in files.get("wandb-history.jsonl", {}).get("content", [])]
        for line in files.get("wandb-summary.json", {}).get("content", []):
            run.summary = json.loads(line)
        run.preempting |= bool(body.get("preempting"))
        if body.get("complete"):
            run.exit_codes.append(body["exitcode"])


def _project(name: str) -> dict[str, Any]:
    return {"id": "p", "name": name, "entity": {"id": "e", "name": ENTITY}}


def _page(edges: Iterable[dict[str, Any]]) -> dict[str, Any]:
    info = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
    return {"edges": [*edges], "pageInfo": info}


def _bucket(run: Run) -> dict[str, Any]:
    return {
        "id": run.name,
        "name": run.name,
        "displayName": run.sent("displayName"),
        "description": "",
        "config": run.sent("config"),
        "sweepName": None,
        "project": _project(run.sent("project")),
        "historyLineCount": len(run.rows),
    }


def _state(run: Run) -> dict[str, Any]:
    """What a client that resumes the run asks for; `wandbConfig.t` marks a run that has really begun."""
    return _bucket(run) | {
        "summaryMetrics": json.dumps(run.summary),
        "historyTail": json.dumps([json.dumps(row) for row in run.rows[-1:]]),
        "eventsTail": "[]",
        "logLineCount": 0,
        "eventsLineCount": 0,
        "tags": run.sent("tags"),
        "notes": None,
        "wandbConfig": json.dumps({"t": 1}),
    }


class _Handler(BaseHTTPRequestHandler):
    server: FakeWandb
    protocol_version = "HTTP/1.1"

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            raw = b""
            while size := int(self.rfile.readline(), 16):
                raw += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw

    def _reply(self, status: int, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = json.loads(self._body() or b"{}")
        if self.server.reject_keys:
            self._reply(401, {"errors": [{"message": "user is not logged in"}]})
            return
        with self.server.lock:
            if self.path == "/graphql":
                operation = body.get("operationName") or OPERATION.findall(body["query"])[0]
                try:
                    self._reply(200, {"data": self.server.answer(operation, body.get("variables") or {})})
                except UnknownOperation:
                    self._reply(400, {"errors": [{"message": f"the fake server does not know {operation}"}]})
            elif self.path.endswith("/file_stream"):
                self.server.stream(self.path.split("/")[-2], body)
                self._reply(200, {})
            else:
                self._reply(404, {})

    def do_PUT(self) -> None:
        _, _, run, name = self.path.split("/", 3)
        body = self._body()
        with self.server.lock:
            if run != ARTIFACTS:
                self.server.run(run).files[name] = body
        self._reply(200, {})

    def do_GET(self) -> None:
        self._reply(200, {})

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve(reject_keys: bool = False) -> Iterator[FakeWandb]:
    """A server in a thread of this process, stopped on leaving."""
    server = FakeWandb(reject_keys)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
