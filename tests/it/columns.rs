//! The rows that `kubectl get -o wide` prints of the samples, whatever is wrong with them: they fit a wide terminal.

use std::{fs, path::Path};

use awscost::{
    api::{AwsCostAccount, CostWarehouse, conditions, conditions::Saying},
    model::{ConditionStatus, ConditionType, Guide, Reason},
};
use kube::CustomResourceExt;
use serde_json::{Value, json};

/// Characters of a row at most.
const WIDE: usize = 200;

/// The samples of a kind, which the demo applies.
fn samples(kind: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/samples");
    let texts = fs::read_dir(folder).expect("the samples").map(|entry| entry.expect("an entry").path());
    let objects = texts.map(|path| {
        let text = fs::read_to_string(&path).expect("a sample");
        serde_saphyr::from_str::<Value>(&text).expect("YAML")
    });
    objects.filter(|object| object["kind"] == kind).collect()
}

/// Columns by heading and path, with the name that every row begins with.
fn columns(definition: &Value) -> Vec<(String, String)> {
    let more = definition["spec"]["versions"][0]["additionalPrinterColumns"].as_array().expect("columns");
    let text = |column: &Value, part: &str| column[part].as_str().expect("a text").to_owned();
    let name = ("Name".to_owned(), ".metadata.name".to_owned());
    let more = more.iter().map(|column| (text(column, "name"), text(column, "jsonPath")));
    std::iter::once(name).chain(more).collect()
}

/// What a cell shows.
fn cell(object: &Value, path: &str) -> String {
    if let Some(rest) = path.strip_prefix(".status.conditions[?(@.type=='Ready')].") {
        let all = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let ready = all.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or_default();
        return ready[rest].as_str().unwrap_or_default().to_owned();
    }
    let value = path.split('.').skip(1).fold(object, |at, name| &at[name]);
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.contains('T') && text.ends_with('Z') => "364d".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A table as kubectl prints it: three blanks between columns.
fn table(columns: &[(String, String)], objects: &[Value]) -> Vec<String> {
    let mut rows: Vec<Vec<String>> = vec![columns.iter().map(|(name, _)| name.to_uppercase()).collect()];
    rows.extend(objects.iter().map(|object| columns.iter().map(|(_, path)| cell(object, path)).collect()));
    let width = |column: usize| {
        rows.iter().map(|row: &Vec<String>| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: String =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}   ")).collect();
        cells.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Ready with a reason, as the operator writes it where another condition has the whole message.
fn broken(reason: Reason, status: ConditionStatus) -> Value {
    let whole = "A message that is far too long for a row of a list. ".repeat(8);
    let say = |type_, status| Saying::new(type_, status, reason, whole.clone());
    let sayings = [say(ConditionType::Stalled, ConditionStatus::True), say(ConditionType::Ready, status)];
    json!(conditions::write(&[], &sayings, Some(1), "2026-11-30T12:00:00Z".parse().expect("a time")))
}

fn account(sample: &Value, conditions: &Value) -> Value {
    let mut object = sample.clone();
    object["metadata"]["creationTimestamp"] = json!("2026-11-30T12:00:00Z");
    object["status"] = json!({
        "identity": {"accountId": sample["spec"]["accountId"]},
        "ingestion": {
            "lastSuccess": "2026-11-30T12:00:00Z", "newestPeriod": "2026-11", "newestTotal": "1234567.89 USD"
        },
        "conditions": conditions
    });
    object
}

fn too_wide(definition: &Value, objects: impl Fn(&Value) -> Vec<Value>) -> Vec<String> {
    let columns = columns(definition);
    let mut wide = Vec::new();
    for reason in Reason::ALL {
        for status in [ConditionStatus::False, ConditionStatus::Unknown] {
            let rows = table(&columns, &objects(&broken(*reason, status)));
            wide.extend(rows.into_iter().filter(|row| row.chars().count() > WIDE));
        }
    }
    wide
}

#[test]
fn wide_rows_of_the_samples_fit_whatever_is_wrong() {
    let definition = json!(AwsCostAccount::crd());
    let accounts = samples("AwsCostAccount");
    assert!(accounts.len() > 1, "the samples have accounts");
    let wide = too_wide(&definition, |conditions| {
        accounts.iter().map(|sample| account(sample, conditions)).collect()
    });
    assert_eq!(wide, Vec::<String>::new());
    let warehouses = samples("CostWarehouse");
    let wide = too_wide(&json!(CostWarehouse::crd()), |conditions| {
        let with = |sample: &Value| {
            let mut object = sample.clone();
            object["metadata"]["creationTimestamp"] = json!("2026-11-30T12:00:00Z");
            object["status"] = json!({"accounts": 1000, "conditions": conditions});
            object
        };
        warehouses.iter().map(with).collect()
    });
    assert_eq!(wide, Vec::<String>::new());
}

#[test]
fn a_row_has_the_account_its_name_for_people_and_its_newest_month() {
    let sample =
        samples("AwsCostAccount").into_iter().find(|sample| sample["metadata"]["name"] == "acme-payer");
    let object =
        account(&sample.expect("a sample"), &broken(Reason::AssumeRoleDenied, ConditionStatus::False));
    let rows = table(&columns(&json!(AwsCostAccount::crd())), &[object]);
    for shown in
        ["123456789012", "Acme payer", "2026-11", "1234567.89 USD", "Role refuses: check its trust policy"]
    {
        assert!(rows[1].contains(shown), "{shown} is not in {}", rows[1]);
    }
}

#[test]
fn behind_ready_the_whole_message_is_found() {
    let conditions = broken(Reason::BucketNotFound, ConditionStatus::False);
    let conditions: Vec<conditions::Condition> = serde_json::from_value(conditions).expect("conditions");
    let ready = conditions::find_condition(&conditions, ConditionType::Ready).expect("Ready");
    assert_eq!(ready.message, Guide::to(Reason::BucketNotFound).short);
    let whole = conditions::whole_message(&conditions).expect("a message");
    assert!(whole.starts_with("A message that is far too long"), "{whole}");
}

#[test]
fn a_message_that_no_other_condition_has_stays_whole() {
    let alone = Saying::new(
        ConditionType::Ready,
        ConditionStatus::Unknown,
        Reason::NotChecked,
        "All there is to say.",
    );
    let now = "2026-11-30T12:00:00Z".parse().expect("a time");
    assert_eq!(conditions::write(&[], &[alone], None, now)[0].message, "All there is to say.");
}
