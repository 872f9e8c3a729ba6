//! A scene: everything that makes one account, in the cluster and at AWS, as one document that a fault edits by path.
//!
//! Names stand in it as `$account`, `$bucket` and so on, and are filled in for each row, so that rows never meet.

use std::collections::BTreeMap;

use awscost::model::BillingPeriod;
use serde_json::{Map, Value};

use super::catalogue::Catalogue;

/// One account's document, filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// The names it was filled in with.
    pub names: Names,
    /// Its sections.
    pub sections: Value,
}

/// What the placeholders stand for in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// `$name`: of the account's object and everything of its own in the cluster.
    pub name: String,
    /// `$account`: 12 digits.
    pub account: String,
    /// `$other`: another account of the same world.
    pub other: String,
    /// `$bucket`.
    pub bucket: String,
    /// `$externalId`.
    pub external_id: String,
    /// `$endpoint`: where the sandbox is.
    pub endpoint: String,
    /// `$month`: the one that bills are delivered of.
    pub month: BillingPeriod,
}

/// `$neighboursId`: the external ID of an account in the other namespace.
pub const NEIGHBOURS_EXTERNAL_ID: &str = "canary-of-the-namespace-next-door/7Q";

impl Names {
    /// The names of the row of this number; `of` tells several sets of rows apart, and is one digit.
    pub fn of(of: u8, number: usize, endpoint: &str) -> Self {
        Self {
            name: format!("row-{number:03}"),
            account: format!("1{of}{number:010}"),
            other: format!("2{of}{number:010}"),
            bucket: format!("bill-{of}-{number:03}"),
            external_id: format!("canary-{of}{number:03}/external+id=7Q"),
            endpoint: endpoint.to_owned(),
            month: BillingPeriod::containing(jiff::Timestamp::now()),
        }
    }

    fn pairs(&self) -> [(&'static str, &str); 7] {
        [
            ("$account", &self.account),
            ("$other", &self.other),
            ("$bucket", &self.bucket),
            ("$externalId", &self.external_id),
            ("$name", &self.name),
            ("$endpoint", &self.endpoint),
            ("$neighboursId", NEIGHBOURS_EXTERNAL_ID),
        ]
    }

    fn fill_text(&self, text: &str) -> String {
        let text = text.replace("$monthBefore", &self.month.previous().to_string());
        let text = text.replace("$month", &self.month.to_string());
        self.pairs().iter().fold(text, |text, (name, value)| text.replace(name, value))
    }

    /// The value with every placeholder filled in, in keys too.
    pub fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.fill_text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.fill(item)).collect()),
            Value::Object(members) => Value::Object(
                members.iter().map(|(key, value)| (self.fill_text(key), self.fill(value))).collect(),
            ),
            other => other.clone(),
        }
    }
}

impl Scene {
    /// The healthy scene of this name.
    pub fn healthy(catalogue: &Catalogue, kind: &str, names: Names) -> Self {
        let healthy = &catalogue.healthy[kind];
        let mut scene = match &healthy.like {
            Some(other) => Self::healthy(catalogue, other, names),
            None => Self { names, sections: Value::Object(Map::new()) },
        };
        scene.edit(&healthy.scene);
        scene
    }

    /// The same with these differences.
    pub fn with(&self, changes: &BTreeMap<String, Value>) -> Self {
        let mut scene = self.clone();
        scene.edit(changes);
        scene
    }

    fn edit(&mut self, changes: &BTreeMap<String, Value>) {
        for (path, value) in changes {
            let path = self.names.fill_text(path);
            let value = self.names.fill(value);
            let steps: Vec<&str> = path.split('/').collect();
            set(&mut self.sections, &steps, value);
        }
    }

    /// A section, or what is at a path below it; null where there is none.
    pub fn at(&self, pointer: &str) -> &Value {
        static NOTHING: Value = Value::Null;
        self.sections.pointer(pointer).unwrap_or(&NOTHING)
    }

    /// True if another scene differs in this section.
    pub fn differs(&self, other: &Self, section: &str) -> bool {
        self.at(section) != other.at(section)
    }
}

/// Changes by their paths, as a scene takes them.
pub fn by_path(changes: &[(&str, Value)]) -> BTreeMap<String, Value> {
    changes.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect()
}

/// Sets what a path names, making maps on the way; null takes it away.
fn set(within: &mut Value, steps: &[&str], value: Value) {
    let [first, rest @ ..] = steps else {
        *within = value;
        return;
    };
    if let Value::Array(items) = within {
        let index: usize = first.parse().expect("a list is edited by number");
        set(&mut items[index], rest, value);
        return;
    }
    if !within.is_object() {
        *within = Value::Object(Map::new());
    }
    let members = within.as_object_mut().expect("it was just made one");
    if rest.is_empty() && value.is_null() {
        members.remove(*first);
    } else {
        set(members.entry((*first).to_owned()).or_insert(Value::Null), rest, value);
    }
}
