#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes an OCI image layout.

usage: make_layout.py DIRECTORY SPECIFICATION

The specification is JSON: {"images": [{"tag", "platform", "layers": [{"blob", "archive", "type"}]}],
"nested"}. A blob is the path of a file; "archive" is that of what it is when it is not compressed.
Where "nested", index.json has an index of the images only. Prints as JSON the digests of the
layers' blobs, of each image.
"""

import hashlib
import json
import os
import sys

OCI = "application/vnd.oci.image."


def main():
    directory, specification = sys.argv[1:]
    with open(specification, encoding="utf-8") as file:
        specification = json.load(file)
    blobs = os.path.join(directory, "blobs/sha256")
    os.makedirs(blobs)

    def put(data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(blobs, digest), "wb") as file:
            file.write(data)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    def document(value, kind):
        return put(json.dumps(value).encode(), OCI + kind + ".v1+json")

    def read(path):
        with open(path, "rb") as file:
            return file.read()

    def image(specification):
        operating_system, architecture = specification["platform"].split("/")[:2]
        layers = specification["layers"]
        diff_ids = [hashlib.sha256(read(layer["archive"])).hexdigest() for layer in layers]
        config = document({"os": operating_system, "architecture": architecture, "config": {},
                           "rootfs": {"type": "layers",
                                      "diff_ids": ["sha256:" + diff_id for diff_id in diff_ids]}},
                          "config")
        blobs = [put(read(layer["blob"]), layer.get("type", OCI + "layer.v1.tar"))
                 for layer in layers]
        manifest = document({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                             "config": config, "layers": blobs}, "manifest")
        manifest["platform"] = {"os": operating_system, "architecture": architecture}
        variant = specification["platform"].split("/")[2:]
        if variant:
            manifest["platform"]["variant"] = variant[0]
        if "tag" in specification:
            manifest["annotations"] = {"org.opencontainers.image.ref.name": specification["tag"]}
        return manifest, [blob["digest"] for blob in blobs]

    images = [image(each) for each in specification["images"]]
    index = {"schemaVersion": 2, "manifests": [manifest for manifest, _ in images]}
    if specification.get("nested"):
        index = {"schemaVersion": 2, "manifests": [document(index, "index")]}
    for name, value in ("index.json", index), ("oci-layout", {"imageLayoutVersion": "1.0.0"}):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            json.dump(value, file)
    print(json.dumps([digests for _, digests in images]))


main()
