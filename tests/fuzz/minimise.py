#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes the corpora anew: of all inputs that there are, those that cover most of a target for their
bytes. To be run after `make fuzz`, whose new inputs it takes in.

usage: minimise.py FOLDER [BYTES]

FOLDER is where `make fuzz` builds, `fuzz` in the folder of the build; BYTES, by default 400,000, is
how much a target's corpus may have.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def features(program, folders):
    """What each input covers: {path: set of numbers}."""
    with tempfile.TemporaryDirectory() as made:
        control, corpus = Path(made) / "control", Path(made) / "corpus"
        corpus.mkdir()
        # How often a place is reached is left out: it makes a corpus ten times as large.
        subprocess.run([program, "-set_cover_merge=1", "-use_counters=0", "-max_len=65536",
                        f"-merge_control_file={control}", corpus, *folders],
                       check=True, stderr=subprocess.DEVNULL)
        lines = control.read_text().splitlines()
    # The number of inputs and of those that are there already, the inputs, and then what libFuzzer
    # found, `FT` with the input's number and its features.
    paths = [Path(line) for line in lines[2:2 + int(lines[0])]]
    found = (line.split() for line in lines if line.startswith("FT "))
    return {paths[int(number)]: set(numbers) for _, number, *numbers in found}


def choose(inputs, most):
    """The inputs that together cover most, each time the one that adds most for its bytes."""
    covered, left, chosen = set(), most, []
    sizes = {path: path.stat().st_size for path in inputs}
    while True:
        fit = [path for path in inputs if sizes[path] <= left and inputs[path] - covered]
        if not fit:
            return chosen
        best = max(fit, key=lambda path: len(inputs[path] - covered) / (sizes[path] + 200))
        covered |= inputs.pop(best)
        left -= sizes[best]
        chosen.append(best)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    build = Path(sys.argv[1])
    most = int(sys.argv[2]) if len(sys.argv) == 3 else 400_000
    for name in sorted(path.stem for path in (HERE / "bin").glob("*.rs")):
        programs = list(build.glob(f"*/release/{name}"))
        if not programs:
            sys.exit(f"{build} has no {name}: run make fuzz first")
        corpus = HERE / "corpus" / name
        corpus.mkdir(parents=True, exist_ok=True)
        folders = [HERE / kind / name for kind in ("seeds", "corpus", "regressions")]
        folders = [folder for folder in [*folders, build / "corpus" / name] if folder.is_dir()]
        chosen = [path.read_bytes() for path in choose(features(programs[0], folders), most)]
        for old in corpus.iterdir():
            old.unlink()
        for data in chosen:
            (corpus / hashlib.sha1(data).hexdigest()).write_bytes(data)
        print(f"{name}: {len(chosen)} inputs of {sum(map(len, chosen))} bytes")


if __name__ == "__main__":
    main()
