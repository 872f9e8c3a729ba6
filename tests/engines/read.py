#!/usr/bin/env python3
"""Reads a costs table with an engine that is not ours and prints what it holds as JSON.

    read.py ENGINE TABLE              TABLE is a folder, or s3://BUCKET/PREFIX
    read.py ENGINE TABLE documented [CONNECTION PERIOD]
                                      asks what docs/costs-table.md asks of the engine, by the page's own blocks, of this
                                      connection and period in the place of the page's

The first prints one object a (connection, billing period, currency): rows, the exact sum of the unblended cost and the
number of tag entries, so that decimals, partitions and maps are all read. The second prints [owner, currency, cost].
In a bucket, AWS_ENDPOINT_URL says where, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY who asks, in AWS_REGION.
"""

import contextlib
import json
import os
import pathlib
import re
import sys
from decimal import Decimal

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/costs-table.md"
# What stands in the page for the reader's own table, bucket and keys.
FOLDER, BUCKET, S3 = "/data/lake/costs", "s3://acme-lake/awscost/costs", "https://s3.us-east-1.amazonaws.com"
DUCKDB_S3 = "REGION 'us-east-1'"
# What the page asks of, and what is asked of instead.
ASKED = dict(zip(("123456789012", "2026-10"), sys.argv[4:]))
QUERY = """
SELECT connection, billing_period, line_item_currency_code AS currency, count(*) AS row_count,
       CAST(sum(line_item_unblended_cost) AS VARCHAR) AS unblended,
       CAST(sum({size}(resource_tags)) AS BIGINT) AS tags,
       min(line_item_usage_start_date) AS first_start
FROM {table} GROUP BY ALL ORDER BY ALL
"""


def text(amount):
    """The shortest exact form, as awscost prints it."""
    value = format(Decimal(amount), "f")
    return value.rstrip("0").rstrip(".") if "." in value else value


def named(row):
    connection, period, currency, count, unblended, tags, first = row
    return {
        "connection": connection,
        "period": period,
        "currency": currency,
        "rows": int(count),
        "unblended": text(unblended),
        "tags": int(tags),
        "firstStart": str(first)[:10],
    }


def in_a_bucket(table):
    return table.startswith("s3://")


def blocks(heading, table):
    """The page's code blocks under a heading that read a folder, or those that read a bucket, with the table in them."""
    part = PAGE.read_text(encoding="utf-8").split(f"\n### {heading}\n")[1]
    part = re.split(r"\n##+ ", part)[0]
    found = re.findall(r"```(\w*)\n(.*?)```", part, re.DOTALL)
    wanted = [code for language, code in found if language and in_a_bucket(table) == ("s3" in code)]
    assert wanted, f"the page has no block for {heading} and {table}"
    for word, ours in ({FOLDER: table, BUCKET: table} | ASKED).items():
        wanted = [code.replace(word, ours) for code in wanted]
    return wanted


def statements(code):
    return [statement.strip() for statement in code.split(";") if statement.strip()]


def documented_python(heading, table, **known):
    """Runs the page's Python; its answer is what it calls `by_owner`."""
    for code in blocks(heading, table):
        # What it prints is for people.
        with contextlib.redirect_stdout(sys.stderr):
            exec(code, known)  # pylint: disable=exec-used
    return known["by_owner"]


class DuckDb:
    """The extensions come from PyPI: INSTALL would fetch them from DuckDB's own site."""

    def __init__(self):
        import duckdb
        self.connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        self.connection.execute("SET TimeZone = 'UTC'")

    def execute(self, statement):
        if statement.startswith("INSTALL"):
            return None
        if statement.startswith("LOAD"):
            name = statement.split()[1]
            folder = pathlib.Path(__import__(f"duckdb_extension_{name}").__file__).parent / "extensions"
            statement = f"LOAD '{next(folder.rglob(f'{name}.duckdb_extension'))}'"
        return self.connection.execute(statement)

    def connect(self, secret):
        """Runs the page's statement that makes a secret, with the keys and the place of this bucket."""
        endpoint = os.environ["AWS_ENDPOINT_URL"].split("://")[1]
        place = f"REGION '{os.environ['AWS_REGION']}', ENDPOINT '{endpoint}', URL_STYLE 'path', USE_SSL false"
        assert DUCKDB_S3 in secret, secret
        self.execute(with_keys(secret).replace(DUCKDB_S3, place))

    def read(self, table):
        self.execute("LOAD delta")
        if in_a_bucket(table):
            self.execute("LOAD httpfs")
            self.connect(f"CREATE SECRET (TYPE s3, PROVIDER config, KEY_ID 'KEY', SECRET 'SECRET KEY', {DUCKDB_S3})")
        place = table if in_a_bucket(table) else f"file://{table}"
        return self.execute(QUERY.format(size="cardinality", table=f"delta_scan('{place}')")).fetchall()

    def documented(self, table):
        answer = None
        for statement in statements("".join(blocks("DuckDB", table))):
            if statement.startswith("CREATE SECRET"):
                self.connect(statement)
            else:
                answer = self.execute(statement)
        return answer.fetchall()


class DeltaRs:
    def read(self, table):
        import duckdb
        from deltalake import DeltaTable

        costs = DeltaTable(table).to_pyarrow_dataset()
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("costs", costs)
        return connection.execute(QUERY.format(size="cardinality", table="costs")).fetchall()

    def documented(self, table):
        return documented_python("delta-rs", table).fetchall()


class Polars:
    def read(self, table):
        import polars

        column = polars.col
        by = ["connection", "billing_period", "line_item_currency_code"]
        return (
            polars.scan_delta(table)
            .group_by(by)
            .agg(
                polars.len(),
                column("line_item_unblended_cost").sum(),
                column("resource_tags").map.len().sum(),
                column("line_item_usage_start_date").min(),
            )
            .sort(by)
            .collect()
            .rows()
        )

    def documented(self, table):
        return documented_python("Polars", table).rows()


class ClickHouse:
    """In a bucket by its older reader: the newer one sends an empty session token beside keys that need none."""

    def __init__(self):
        # It reads local files only below the folder it was started in.
        os.chdir("/")

    def query(self, statement):
        import chdb

        # Decimals and 64-bit numbers as text, lest JSON makes floats of them.
        quoted = {"output_format_json_quote_decimals": 1, "output_format_json_quote_64bit_integers": 1}
        settings = ", ".join(f"{name} = {value}" for name, value in quoted.items())
        joined = f"{statement}, {settings}" if "SETTINGS" in statement else f"{statement} SETTINGS {settings}"
        return [json.loads(line) for line in chdb.query(joined, "JSONCompactEachRow").bytes().splitlines()]

    def read(self, table):
        if not in_a_bucket(table):
            return self.query(QUERY.format(size="length", table=f"deltaLakeLocal('{table}')"))
        url = f"{S3}/{table.removeprefix('s3://')}"
        function = at_endpoint(with_keys(f"deltaLake('{url}', 'KEY', 'SECRET KEY')"))
        return self.query(QUERY.format(size="length", table=function) + "SETTINGS allow_experimental_delta_kernel_rs = 0")

    def documented(self, table):
        [statement] = statements("".join(blocks("ClickHouse", table)))
        place = table.removeprefix("s3://")
        return self.query(at_endpoint(with_keys(statement)).replace(BUCKET.removeprefix("s3://"), place))


class Spark:
    def __init__(self):
        from pyspark.sql import SparkSession

        self.session = (
            SparkSession.builder.master("local[2]")
            .config("spark.jars.packages", "io.delta:delta-spark_2.13:4.0.0")
            .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
            .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.log.level", "ERROR")
            .getOrCreate()
        )

    def read(self, table):
        query = QUERY.format(size="size", table=f"delta.`file://{table}`").replace("VARCHAR", "STRING")
        return [tuple(row) for row in self.session.sql(query).collect()]

    def documented(self, table):
        return [tuple(row) for row in documented_python("Spark", table, spark=self.session).collect()]


def with_keys(statement):
    """The keys in place of the page's words for them."""
    keys = {"'KEY'": "AWS_ACCESS_KEY_ID", "'SECRET KEY'": "AWS_SECRET_ACCESS_KEY"}
    for word, variable in keys.items():
        statement = statement.replace(word, f"'{os.environ.get(variable, '')}'")
    return statement


def at_endpoint(statement):
    return statement.replace(S3, os.environ.get("AWS_ENDPOINT_URL", ""))


ENGINES = {"duckdb": DuckDb, "delta-rs": DeltaRs, "polars": Polars, "clickhouse": ClickHouse, "spark": Spark}

if __name__ == "__main__":
    if len(sys.argv) not in (3, 4, 6) or sys.argv[1] not in ENGINES:
        sys.exit(__doc__)
    engine = ENGINES[sys.argv[1]]()
    if sys.argv[3:4] == ["documented"]:
        answer = [[owner, currency, text(cost)] for owner, currency, cost in engine.documented(sys.argv[2])]
    else:
        answer = [named(row) for row in engine.read(sys.argv[2])]
    print(json.dumps(answer))
