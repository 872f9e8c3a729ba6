//! What a data file and its line in the log say to other readers.

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;

use super::*;
use crate::{
    schema::COSTS,
    warehouse::{PartWriter, conformance::rows},
};

/// A batch whose column of this name is this one, everything else NULL.
fn batch_of(name: &str, column: ArrayRef) -> RecordBatch {
    let rows = vec![rows::Row::default(); column.len()];
    let mut columns = rows::batch(&COSTS, &rows).columns().to_vec();
    columns[COSTS.index_of(name).expect("a column of the contract")] = column;
    RecordBatch::try_new(COSTS.schema.clone(), columns).expect("the stable schema")
}

/// Commits one part with these batches to an empty warehouse in the folder.
async fn committed(folder: &FilePath, batches: Vec<RecordBatch>) {
    let warehouse = open(folder);
    warehouse.prepare().await.expect("prepared");
    let load = Load::of("acme", "v1", &[]);
    let stage = load.stage(&warehouse).await;
    let mut part: Box<dyn PartWriter> = stage.part(0).expect("a part");
    let writing = move || {
        for batch in &batches {
            part.write(batch).expect("rows are taken");
        }
        part.finish().expect("the part is finished");
    };
    tokio::task::spawn_blocking(writing).await.expect("the writer lives");
    let answer = stage.commit(load.row(), Ordering::Enforced).await.expect("a commit");
    assert!(matches!(answer, Committed::Replaced { .. }));
}

/// The statistics in the log of the one file that a folder's table holds.
fn statistics(folder: &FilePath) -> Value {
    let log = files(&folder.join("costs/_delta_log")).into_iter();
    let text: String = log.map(|entry| fs::read_to_string(entry).expect("a log entry")).collect();
    let actions = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let added: Vec<Value> = actions.filter_map(|action| action.get("add").cloned()).collect();
    assert_eq!(added.len(), 1, "{text}");
    let statistics = added[0]["stats"].as_str().expect("statistics are text");
    serde_json::from_str(statistics).unwrap_or_else(|error| panic!("{error}: {statistics}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_are_json_whatever_time_stands_in_a_row() {
    const NAME: &str = "line_item_usage_start_date";
    let (usual, last) = (1_792_828_800_000_000, 253_402_300_799_999_999);
    for (what, times, earliest, latest) in [
        ("usual", [usual, usual + 1], Some("2026-10-24T08:00:00.000Z"), Some("2026-10-24T08:00:00.001Z")),
        ("a latest that no reader knows", [usual, i64::MAX], Some("2026-10-24T08:00:00.000Z"), None),
        ("an earliest that no reader knows", [i64::MIN, usual], None, Some("2026-10-24T08:00:00.000Z")),
        ("one that rounds up past the last year", [usual, last], Some("2026-10-24T08:00:00.000Z"), None),
        ("neither", [i64::MIN, i64::MAX], None, None),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let times = TimestampMicrosecondArray::from(times.to_vec()).with_timezone("UTC");
        committed(folder.path(), vec![batch_of(NAME, Arc::new(times))]).await;
        let statistics = statistics(folder.path());
        assert_eq!(statistics["numRecords"], 2, "{what}");
        let bound = |of: &str| statistics[of][NAME].as_str().map(str::to_owned);
        assert_eq!(bound("minValues").as_deref(), earliest, "{what}: {statistics}");
        assert_eq!(bound("maxValues").as_deref(), latest, "{what}: {statistics}");
        seen(&open(folder.path()), "acme").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_names_its_writer_as_parquet_mr_does() {
    let folder = tempfile::tempdir().expect("a folder");
    committed(folder.path(), vec![batch_of("line_item_operation", Arc::new(StringArray::from(vec!["x"])))])
        .await;
    let file = fs::File::open(&parquet(folder.path())[0]).expect("a data file");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let writer = reader.metadata().file_metadata().created_by().expect("a writer");
    // A reader takes what stands in front of " version " for the program, and what is behind for its semantic version.
    assert_eq!(writer.split_once(" version "), Some(("awscost", env!("CARGO_PKG_VERSION"))), "{writer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_group_of_wide_rows_ends_before_it_fills_the_memory() {
    // Text that no compression makes smaller: 96 MB in 12,000 rows, far fewer than a row group may have.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b' ' + u8::try_from(state % 95).expect("below 95"))
    };
    let mut wide = || (0..8_000).map(|_| letter()).collect::<String>();
    let batches: Vec<RecordBatch> = (0..12)
        .map(|_| {
            let texts: StringArray = (0..1_000).map(|_| Some(wide())).collect();
            batch_of("line_item_line_item_description", Arc::new(texts))
        })
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    committed(folder.path(), batches).await;
    let file = fs::File::open(&parquet(folder.path())[0]).expect("a data file");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let groups = reader.metadata().row_groups();
    let sizes: Vec<i64> = groups.iter().map(|group| group.compressed_size() >> 20).collect();
    assert_eq!(groups.iter().map(parquet::file::metadata::RowGroupMetaData::num_rows).sum::<i64>(), 12_000);
    assert!(sizes.len() > 1 && sizes.iter().all(|megabytes| *megabytes <= 65), "{sizes:?} MiB");
}
