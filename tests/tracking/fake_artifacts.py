"""The artifacts of the fake server: what the client asks for to log one, to use one and to look at it."""

from dataclasses import dataclass, field
from typing import Any

ARTIFACTS = "artifacts"
"""In place of a run, in the address of an upload."""


@dataclass
class Artifact:
    """One version: the same content under the same name is one, whoever logs it."""

    id: str
    name: str
    kind: str
    digest: str
    project: str
    made_by: str = ""
    committed: bool = False
    used_by: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @property
    def state(self) -> dict[str, Any]:
        return {"id": self.id, "digest": self.digest, "state": "COMMITTED" if self.committed else "PENDING"}


class Artifacts:
    """Those of a server, by id."""

    def __init__(self, url: str, entity: str) -> None:
        self.url, self.entity = url, entity
        self.known: dict[str, Artifact] = {}

    def answer(self, operation: str, given: dict[str, Any]) -> dict[str, Any] | None:
        """The `data` of a GraphQL response; None: that is about no artifact."""
        asked = given.get("input", given)
        match operation:
            case "CreateArtifact":
                found = self._created(asked)
                sequence = {"latestArtifact": {"id": found.id} if found.committed else None}
                return {"createArtifact": {"artifact": found.state | {"artifactSequence": sequence}}}
            case "CreateArtifactManifest":
                made = self.known[asked["artifactID"]]
                made.made_by = made.made_by or asked["runName"]
                return {"createArtifactManifest": self._manifest(made.id)}
            case "UpdateArtifactManifest":
                return {"updateArtifactManifest": self._manifest(asked["artifactManifestID"])}
            case "CreateArtifactFiles":
                return {
                    "createArtifactFiles": {"files": {"edges": [*map(self._upload, asked["artifactFiles"])]}}
                }
            case "CommitArtifact":
                self.known[asked["artifactID"]].committed = True
                return {"commitArtifact": {"artifact": self.known[asked["artifactID"]].state}}
            case "UseArtifact":
                self.known[asked["artifactID"]].used_by.append(asked["runName"])
                return {"useArtifact": {"artifact": self.known[asked["artifactID"]].state}}
            case "ArtifactByID":
                return {"artifact": self._whole(self.known[asked["id"]])}
            case "ArtifactType":
                return {"project": None}
        return None

    def _created(self, asked: dict[str, Any]) -> Artifact:
        same = (asked["artifactCollectionName"], asked["digest"])
        if found := next((one for one in self.known.values() if (one.name, one.digest) == same), None):
            return found
        id = f"artifact{len(self.known)}"
        named = (
            asked[key] for key in ("artifactCollectionName", "artifactTypeName", "digest", "projectName")
        )
        made = Artifact(id, *named)
        return self.known.setdefault(id, made)

    def _manifest(self, id: str) -> dict[str, Any]:
        file = {"id": id, "uploadUrl": f"{self.url}/upload/{ARTIFACTS}/{id}", "uploadHeaders": []}
        return {"artifactManifest": {"id": id, "file": file}}

    def _upload(self, asked: dict[str, Any]) -> dict[str, Any]:
        id, name = asked["artifactID"], asked["name"]
        self.known[id].files.append(name)
        url = f"{self.url}/upload/{ARTIFACTS}/{id}/{name}"
        node = {"storagePath": name, "uploadUrl": url, "uploadHeaders": [], "uploadMultipartUrls": None}
        return {"node": node | {"artifact": {"id": id}}}

    def _whole(self, found: Artifact) -> dict[str, Any]:
        place = {"id": "p", "internalId": "1", "name": found.project, "entity": {"name": self.entity}}
        collection = {"__typename": "ArtifactSequence", "name": found.name, "project": place}
        none = ("description", "metadata", "historyStep", "digestAlgorithm", "commitHash", "updatedAt")
        return found.state | dict.fromkeys(none) | {
            "__typename": "Artifact", "artifactSequence": collection, "artifactType": {"name": found.kind},
            "versionIndex": 0, "ttlDurationSeconds": -2, "ttlIsInherited": True, "tags": [], "aliases": [],
            "size": 1, "fileCount": len(found.files), "createdAt": "2026-11-29T00:00:00Z",
        }  # fmt: skip
