"""Writes a CycloneDX bill of materials and compares it with CycloneDX's own schema.

    .venv/release/bin/python tools/build/sbom.py < inventory.json > bom.json

Runs in the environment `release` only; tools/build/release.py lists what is in the package. The
same inventory gives the same bytes.
"""

from __future__ import annotations

import json
import sys
import uuid
from datetime import datetime, timezone
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory  # type: ignore[import-not-found]
from cyclonedx.model import HashAlgorithm, HashType, Property  # type: ignore[import-not-found]
from cyclonedx.model.bom import Bom, BomMetaData  # type: ignore[import-not-found]
from cyclonedx.model.component import Component, ComponentType  # type: ignore[import-not-found]
from cyclonedx.output.json import JsonV1Dot6  # type: ignore[import-not-found]
from cyclonedx.schema import SchemaVersion  # type: ignore[import-not-found]
from cyclonedx.validation.json import JsonStrictValidator  # type: ignore[import-not-found]
from packageurl import PackageURL  # type: ignore[import-not-found]


def main() -> int:
    """Returns 1 where CycloneDX's schema refuses what was made."""
    document = json.load(sys.stdin)
    text = bill(document)
    if fault := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        print(f"the bill of materials is not valid: {fault}", file=sys.stderr)
        return 1
    print(text)
    return 0


def bill(document: dict[str, Any]) -> str:
    """`document`: name, version, license, sha256 of the package, time, libraries."""
    package = Component(
        name=document["name"],
        version=document["version"],
        type=ComponentType.APPLICATION,
        bom_ref=document["name"],
        licenses=[LicenseFactory().make_from_string(document["license"])],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=document["sha256"])],
    )
    libraries = [_library(library) for library in document["libraries"]]
    released = datetime.fromtimestamp(document["time"], timezone.utc)
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, document["sha256"]),
        metadata=BomMetaData(component=package, timestamp=released),
        components=libraries,
    )
    bom.register_dependency(package, libraries)
    return str(JsonV1Dot6(bom).output_as_string(indent=1))


def _library(library: dict[str, str]) -> Component:
    """The hash is of the downloaded file; the package contains a part of it, see NOTICE."""
    digest = "sha256" if library["sha256"] else "sha512"
    kind = "pypi" if library["sha256"] else "npm"
    scope, _, name = library["name"].rpartition("/")
    return Component(
        name=library["name"],
        version=library["version"],
        type=ComponentType.LIBRARY,
        purl=PackageURL(kind, scope or None, name, library["version"]),
        bom_ref=f"{library['folder']}/{library['name']}@{library['version']}",
        licenses=[LicenseFactory().make_from_string(library["license"])],
        properties=[
            Property(name="folder", value=library["folder"]),
            Property(name=f"{digest} of the distribution", value=library[digest]),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
