#!/usr/bin/env python3
"""Reads a costs table with an engine that is not ours and prints what it holds as JSON.

    read.py duckdb|spark|deltalake TABLE

One object a (connection, billing period, currency): rows, the exact sum of the unblended cost, the number of
tag entries, and the sum of a decimal map's values, so that decimals, partitions and maps are all read.
"""

import json
import pathlib
import sys
from decimal import Decimal

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


def rows(found):
    for connection, period, currency, count, unblended, tags, first in found:
        yield {
            "connection": connection,
            "period": period,
            "currency": currency,
            "rows": count,
            "unblended": text(unblended),
            "tags": tags,
            "firstStart": str(first)[:10],
        }


def duckdb(table):
    import duckdb
    import duckdb_extension_delta

    folder = pathlib.Path(duckdb_extension_delta.__file__).parent / "extensions"
    extension = next(folder.rglob("delta.duckdb_extension"))
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"LOAD '{extension}'")
    return connection.execute(QUERY.format(size="cardinality", table=f"delta_scan('file://{table}')")).fetchall()


def spark(table):
    from pyspark.sql import SparkSession

    session = (
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
    query = QUERY.format(size="size", table=f"delta.`file://{table}`").replace("VARCHAR", "STRING")
    found = [tuple(row) for row in session.sql(query).collect()]
    session.stop()
    return found


def deltalake(table):
    import duckdb
    from deltalake import DeltaTable

    costs = DeltaTable(table).to_pyarrow_dataset()
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("costs", costs)
    return connection.execute(QUERY.format(size="cardinality", table="costs")).fetchall()


ENGINES = {"duckdb": duckdb, "spark": spark, "deltalake": deltalake}

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ENGINES:
        sys.exit(__doc__)
    print(json.dumps(list(rows(ENGINES[sys.argv[1]](sys.argv[2])))))
