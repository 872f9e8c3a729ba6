#!/usr/bin/env python3
"""Has koku-nise write a legacy report of one day into FOLDER/bucket, and prints what it holds as JSON.

    nise.py FOLDER

Its cells for an absent number say `None`, which no AWS report does: FOLDER/bucket is left as nise wrote it, and
FOLDER/mended has those cells empty. The sum printed is Python's own decimal one over the mended file, each cost
rounded half-even to 18 digits, as the table holds it.
"""

import csv
import gzip
import json
import pathlib
import shutil
import subprocess
import sys
from decimal import ROUND_HALF_EVEN, Context, Decimal

REPORT = "made-by-nise"
COST = "lineItem/UnblendedCost"
WIDE = Context(prec=60)


def main():
    folder = pathlib.Path(sys.argv[1])
    bucket, mended = folder / "bucket", folder / "mended"
    bucket.mkdir()
    subprocess.run(
        [pathlib.Path(sys.executable).parent / "nise", "report", "aws", "-s", "2026-10-01", "-e", "2026-10-02",
         "--aws-s3-bucket-name", str(bucket), "--aws-s3-report-name", REPORT, "--aws-s3-report-prefix", "cur"],
        cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.copytree(bucket, mended)
    rows, total = 0, Decimal(0)
    for path in mended.rglob("*.csv.gz"):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            header, *records = csv.reader(stream)
        with gzip.open(path, "wt", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            for record in records:
                record = ["" if cell == "None" else cell for cell in record]
                writer.writerow(record)
                cost = record[header.index(COST)]
                total = WIDE.add(total, Decimal(cost or 0).quantize(Decimal(1).scaleb(-18), ROUND_HALF_EVEN, WIDE))
                rows += 1
    text = format(total, "f")
    print(json.dumps({"rows": rows, "unblended": text.rstrip("0").rstrip(".") if "." in text else text}))


if __name__ == "__main__":
    main()
