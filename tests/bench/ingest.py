#!/usr/bin/env python3
"""Times one load as a whole process, in turns with DuckDB copying the same files to typed zstd Parquet.

Each round runs every job once, in a shuffled order; wall time, CPU time and peak memory are the operating
system's own accounting of the finished process. Medians are printed with the ratio to DuckDB: quote ratios,
because seconds depend on the machine and the minute.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

DUCKDB = """
import duckdb, sys
files, out, columns = sys.argv[1].split(","), sys.argv[2], sys.argv[3]
con = duckdb.connect()
con.execute("SET threads TO 2")
con.execute("SET preserve_insertion_order TO false")
if columns:
    source = f"read_csv({files!r}, header=true, columns={columns}, nullstr='', quote='\\"', escape='\\"')"
else:
    source = f"read_parquet({files!r})"
con.execute(f"COPY (SELECT * FROM {source}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")
"""

DECIMAL = ("cost", "fee", "amount", "usage", "factor", "upfront", "quantity", "commitment", "discount", "value")
TIMES = ("bill/BillingPeriodStartDate", "bill/BillingPeriodEndDate", "lineItem/UsageStartDate", "lineItem/UsageEndDate")


def csv_columns(path):
    """The peer's explicit schema: as many decimals and timestamps as we parse, so that the work is the same."""
    import csv
    import gzip

    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        header = next(csv.reader(stream))
    text = {"product", "resourceTags", "costCategory", "identity", "bill"}

    def kind(name):
        if name in TIMES:
            return "TIMESTAMP"
        category, _, rest = name.partition("/")
        last = rest.lower()
        is_money = category not in text and not last.endswith(("rate", "rateid", "ratecode", "type", "unit", "id"))
        return "DECIMAL(38,18)" if is_money and any(word in last for word in DECIMAL) else "VARCHAR"

    return str({name: kind(name) for name in header})


def run(command, cwd):
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output = process.stdout.read()
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} failed:\n{(output + errors).decode()[-2000:]}")
    return {
        "wall": time.perf_counter() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
        "output": output.decode(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--awscost", required=True)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--dialect", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    files = sorted(str(path) for pattern in ("*.csv.gz", "*.parquet") for path in arguments.data.rglob(pattern))
    megabytes = sum(os.path.getsize(path) for path in files) / 1e6
    totals = json.loads((arguments.data / "totals.json").read_text())
    # Files of one report share a header; the peer is told so, and needs no sniffing.
    peer_columns = csv_columns(files[0]) if files[0].endswith(".csv.gz") else ""
    figures = {"awscost": [], "duckdb": []}
    for turn in range(arguments.rounds + 1):
        for job in random.Random(turn).sample(list(figures), k=2):
            scratch = pathlib.Path(tempfile.mkdtemp(prefix="awscost-bench-"))
            try:
                if job == "awscost":
                    command = [
                        arguments.awscost, "ingest", "--source", f"file://{arguments.data}/cur", "--report", "bench",
                        "--as-of", "2026-11-01T00:00:00Z", "--warehouse", f"delta:file://{scratch}/lake",
                        "-o", "json",
                    ]
                else:
                    command = [sys.executable, "-c", DUCKDB, ",".join(files), f"{scratch}/out.parquet", peer_columns]
                figure = run(command, scratch)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
            if job == "awscost":
                loaded = json.loads(figure["output"].strip().splitlines()[-1])
                if loaded["rows"] != totals["rows"]:
                    sys.exit(f"loaded {loaded['rows']} rows of {totals['rows']}")
            if turn > 0:
                figures[job].append(figure)

    print(f"{arguments.dialect}: {totals['rows']} rows, {len(files)} files, {megabytes:.0f} MB as delivered, "
          f"{arguments.rounds} rounds")
    print(f"  {'job':10} {'wall s':>8} {'min':>8} {'CPU s':>8} {'rows/s':>10} {'MB/s':>8} {'peak MB':>8} {'ratio':>7}")
    middle = {job: {key: statistics.median(run[key] for run in runs) for key in ("wall", "cpu", "memory")}
              for job, runs in figures.items()}
    for job, runs in figures.items():
        wall = middle[job]["wall"]
        print(f"  {job:10} {wall:8.2f} {min(run['wall'] for run in runs):8.2f} {middle[job]['cpu']:8.2f} "
              f"{totals['rows'] / wall:10.0f} {megabytes / wall:8.1f} {middle[job]['memory']:8.0f} "
              f"{wall / middle['duckdb']['wall']:7.2f}")


if __name__ == "__main__":
    main()
