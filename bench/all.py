"""Run the benchmarks one after the other, each in a process of its own, over a folder of public data sets.

    python -m bench.all --data ../shared/data [--only next_item]

The folder is laid out as `sequences/`, `social/`, `tabular/`, `retail/` and `ads/`; Fashion-MNIST is where Debian's
package dataset-fashion-mnist puts it. A benchmark whose files are not there is skipped, and says which are missing;
`privacy` and `lift` read the town after a `make nightly` as well. All of them take some hours on two cores; every line
they print also goes to `bench/results/`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from contracts.settings import REPOSITORY, Settings

SHARED = REPOSITORY.parent / "shared" / "data"
FASHION = Path("/usr/share/datasets/fashion-mnist")
CONFIGS = "training/configs"


def commands(data: Path) -> list[tuple[str, list[str], list[Path]]]:
    """Module, further arguments, and the files or folders behind --data, if it has any, of every benchmark."""
    sequences, social, tabular = data / "sequences", data / "social", data / "tabular"
    beauty, lastfm = sequences / "s3rec_beauty.txt.gz", sequences / "s3rec_lastfm.txt.gz"
    ratings = social / "movietweetings_ratings.dat.gz"
    adult = [tabular / "adult_train.csv.gz", tabular / "adult_test.csv.gz"]
    named = {"s3rec_beauty": beauty, "s3rec_lastfm": lastfm}
    runs = []
    for name, file in named.items():
        config = ["--config", f"{CONFIGS}/{name}_next_item.yml"]
        runs += [("next_item", config, [file]), ("next_item", [*config, "--backbone", "gru"], [file])]
    for name, file in {"movietweetings": ratings, "s3rec_lastfm": lastfm}.items():
        runs.append(("taste_autoencoder", ["--config", f"{CONFIGS}/{name}_taste_autoencoder.yml"], [file]))
    vision = ["--config", f"{CONFIGS}/fashion_mnist_interest_vision.yml", "--minutes", "15"]
    arms = ["--treated", "segment=Womens E-Mail", "--control", "segment=No E-Mail"]
    return [
        *runs,
        ("interest_vision", vision, [FASHION]),
        (
            "interest_audio",
            ["--config", f"{CONFIGS}/spoken_digits_interest_audio.yml", "--seeds", "1", "2", "3"],
            [data / "audio" / "spoken_digits.tar.gz"],
        ),
        ("interest_gan", [], adult),
        ("response", [], [tabular / "bank_marketing.csv.gz"]),
        ("response", ["--split", "random"], [tabular / "bank_marketing.csv.gz"]),
        ("rectools_speed", [], [beauty]),
        ("lift", ["--home", str(Settings.from_env().home.root)], [data / "retail" / "online_retail.csv.gz"]),
        ("off_policy", [], [data / "ads" / "obd_random_men.csv.gz"]),
        (
            "uplift",
            [*arms, "--outcome", "visit", "--drop", "conversion", "spend"],
            [data / "ads" / "hillstrom.csv.gz"],
        ),
        ("arbitration", [], []),
        ("words", [], []),
        ("watch", [], []),
        ("drift_gate", [], []),
        ("consent", ["--towns", "50"], []),
        ("identity", [], []),
        ("hostile", [], []),
        ("failures", [], []),
        ("encrypted", [], []),
        ("privacy_cost", [], []),
        ("privacy", ["--home", str(Settings.from_env().home)], [tabular / "bank_marketing.csv.gz"]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.all", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of public data sets (default %(default)s)")
    parser.add_argument("--only", help="one benchmark, for example next_item")
    chosen = parser.parse_args()
    failed = []
    for module, arguments, files in commands(chosen.data):
        if chosen.only not in (None, module):
            continue
        missing = [str(file) for file in files if not file.exists()]
        if missing:
            print(f"bench.{module}: skipped, without {', '.join(missing)}", file=sys.stderr)
            continue
        options = ["--data", *map(str, files)] if files else []
        command = [sys.executable, "-m", f"bench.{module}", *options, *arguments]
        print(f"bench.{module}: {' '.join(command[1:])}", file=sys.stderr)
        if subprocess.run(command, cwd=REPOSITORY, check=False).returncode:
            failed.append(module)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
