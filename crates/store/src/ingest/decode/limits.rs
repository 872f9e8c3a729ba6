//! What a file may cost before it is refused: a report is written by AWS, but it lies where others may write.

/// Limits of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes after decompression. 64 GiB is some sixty times the largest single file AWS is known to write.
    pub inflated: u64,
    /// How many times its compressed size a csv file may grow. A real report grows 5 to 20 times; gzip's most is 1,032.
    pub ratio: u64,
    /// Bytes that may come out before the ratio counts: small files of one repeated line are harmless.
    pub ratio_after: u64,
    /// Bytes of one csv record. Longer ones are an unclosed quote in practice.
    pub record: usize,
    /// Columns of one file. A large organization's report has some 500.
    pub columns: usize,
    /// Bytes of a Parquet footer.
    pub footer: u64,
    /// Bytes of one Parquet row group as stored, all of which are held in memory.
    pub row_group: u64,
    /// Bytes of one Parquet row group after decompression, as its footer says.
    pub row_group_inflated: u64,
    /// Different keys of one map column: AWS allows 500 cost allocation tags (docs/aws-facts.md 3.9).
    pub map_keys: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inflated: 64 << 30,
            ratio: 200,
            ratio_after: 10 << 20,
            record: 1 << 20,
            columns: 2_000,
            footer: 32 << 20,
            row_group: 512 << 20,
            row_group_inflated: 4 << 30,
            map_keys: 20_000,
        }
    }
}
