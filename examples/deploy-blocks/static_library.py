"""A deployment of one's own: builds the emitted C as a static library and packs it with its header and a list of labels.

    edgewright build --package custom --target host --out custom.zip
    unzip custom.zip -d block
    python3 static_library.py --metadata block/deployment-metadata.json      # makes block/output/deploy.zip

CC and AR choose the tools, such as those of a cross compiler.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

arguments = argparse.ArgumentParser()
arguments.add_argument("--metadata", type=pathlib.Path, required=True)
metadata_path = arguments.parse_args().metadata
metadata = json.loads(metadata_path.read_text())
if metadata["version"] != 1:
    sys.exit(f"deployment-metadata.json has version {metadata['version']}; this program knows version 1")

home = metadata_path.parent
library = home / metadata["folders"]["library"]
output = home / metadata["folders"]["output"]
output.mkdir(parents=True, exist_ok=True)
prefix = metadata["prefix"]

with tempfile.TemporaryDirectory() as scratch:
    objects, archive = f"{scratch}/{prefix}.o", f"{scratch}/lib{prefix}.a"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=c99", "-O2", "-c", str(library / f"{prefix}.c"), "-o", objects], check=True
    )
    subprocess.run([os.environ.get("AR", "ar"), "rcD", archive, objects], check=True)
    about = {
        "labels": metadata["classes"],
        "values": metadata["samplesPerInference"] * metadata["axesCount"],
        "rate_hz": metadata["frequency"],
        "learn": [block["type"] for block in metadata["impulse"]["learnBlocks"]],
    }
    with zipfile.ZipFile(output / "deploy.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(archive, f"lib{prefix}.a")
        packed.write(library / f"{prefix}.h", f"{prefix}.h")
        packed.writestr("about.json", json.dumps(about, indent=2))
print(f"wrote {output / 'deploy.zip'}")
