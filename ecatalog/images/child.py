"""The process that decodes one large image: ``python -m ecatalog.images.child FILE FOLDER``.

It prints the facts of the image as JSON, or ends with BAD_IMAGE. A crashing decoder takes no worker along.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import asdict
from pathlib import Path

from ecatalog.images.facts import BAD_IMAGE, BadImage
from ecatalog.images.renditions import make_renditions

MEMORY_BYTES = 1536 * 1024**2  # of address space, of which the libraries take some


def main(path: str, folder: str) -> int:
    """The exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        facts = make_renditions(Path(path), Path(folder))
    except (BadImage, MemoryError) as error:
        print(error, file=sys.stderr)
        return BAD_IMAGE
    print(json.dumps(asdict(facts)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
