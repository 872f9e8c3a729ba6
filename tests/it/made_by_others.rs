//! A legacy report that nobody here wrote: koku-nise's, odd spellings and all. It gives the right rows or a named
//! error, never a wrong number.

use std::{
    path::Path,
    process::{Command, Output},
};

use awscost::model::PeriodReport;
use serde_json::Value;

/// Has nise write its report below `folder`; what Python's decimals say of it.
fn report_by_nise(folder: &Path) -> Value {
    let python = std::env::var("AWSCOST_PYTHON")
        .expect("AWSCOST_PYTHON names the Python of tests/environment/python; `make unit` sets it");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engines/nise.py");
    let done = Command::new(python).arg(program).arg(folder).output().expect("nise.py starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).expect("nise.py prints JSON")
}

fn ingest(folder: &Path, bucket: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_awscost"))
        .args(["ingest", "--report", "made-by-nise", "--as-of", "2026-10-03T00:00:00Z", "-o", "json"])
        .arg(format!("--source=file://{}/{bucket}/cur", folder.display()))
        .arg(format!("--warehouse=delta:file://{}/lake", folder.display()))
        .args(["--connection", "made-by-nise"])
        .output()
        .expect("the binary starts")
}

#[test]
fn a_report_by_nise_loads_exactly_once_its_none_cells_are_empty() {
    let folder = tempfile::tempdir().expect("a folder");
    let expected = report_by_nise(folder.path());

    let refused = ingest(folder.path(), "bucket");
    let text =
        String::from_utf8_lossy(&refused.stderr).into_owned() + &String::from_utf8_lossy(&refused.stdout);
    assert_eq!(refused.status.code(), Some(10), "{text}");
    for named in ["October-2026-made-by-nise.csv.gz", "row 2", "savingsPlan/SavingsPlanEffectiveCost", "None"]
    {
        assert!(text.contains(named), "the error does not name {named}: {text}");
    }

    let loaded = ingest(folder.path(), "mended");
    assert_eq!(loaded.status.code(), Some(0), "{}", String::from_utf8_lossy(&loaded.stderr));
    let report: PeriodReport = serde_json::from_slice(&loaded.stdout).expect("one JSON object");
    assert_eq!(Value::from(report.rows), expected["rows"]);
    assert_eq!(report.totals.len(), 1, "one currency: {:?}", report.totals);
    let sum = report.totals.values().map(|totals| totals.unblended.to_string()).next();
    assert_eq!(sum.map(Value::from).as_ref(), Some(&expected["unblended"]));
}
