"""Prints the time of Spark for a statement on an archive, s: python3 spark.py ARCHIVE STATEMENT (pyspark 3.5.1)."""

import sys
import time

from pyspark.sql import SparkSession

archive, statement = sys.argv[1:]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.driver.memory", "2g")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
started = time.monotonic()
spark.read.parquet(archive).createOrReplaceTempView("landcover_archive")
with open(statement) as file:
    rows = spark.sql(file.read().replace("as varchar", "as string")).collect()
print(f"{time.monotonic() - started:.2f} {sum(row['image_count'] for row in rows)}")
