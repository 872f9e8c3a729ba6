//! A thousand manifests, made of good ones by chance: the API server and the checks that need no cluster say the same of
//! each, and what is let in can be read.

use awscost::api::{
    AwsCostAccount, CostWarehouse, GROUP,
    admission::{Complaint, list_complaints},
};
use futures::{StreamExt, stream};
use kube::{
    Api, Client,
    api::{DynamicObject, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use super::dice::Dice;
use crate::{
    admission,
    admission_cases::{Case, Verdict, accounts, warehouses},
};

/// How many manifests.
const COUNT: usize = 1000;
/// How many are asked about at once.
const AT_ONCE: usize = 8;
/// Changes of one manifest, at most: more, and nothing is left that could be let in.
const CHANGES: usize = 3;

/// Texts that have broken parsers before.
const TEXTS: [&str; 12] = [
    "",
    " ",
    "\n",
    "\u{0}",
    "é",
    "e\u{301}",
    "\u{202e}gpj.exe",
    "🧾",
    "${jndi:x}",
    "../../etc/passwd",
    "arn:aws:iam::123456789012:role/a b",
    "123456789012 ",
];

/// Every good manifest there is: those that admission is known to accept.
fn good() -> Vec<Value> {
    accounts()
        .into_iter()
        .chain(warehouses())
        .filter(|case: &Case| case.verdict == Verdict::Accept && case.stored.is_none())
        .map(|case| case.sent)
        .collect()
}

/// The pointers of every value below `value`, itself not among them.
fn pointers(value: &Value, here: &str, into: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), member)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, item)| (n.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (step, member) in below {
        let pointer = format!("{here}/{}", step.replace('~', "~0").replace('/', "~1"));
        pointers(member, &pointer, into);
        into.push(pointer);
    }
}

fn mutated(good: &[Value], dice: &mut Dice) -> Value {
    let mut manifest = dice.pick(good).clone();
    for _ in 0..=dice.below(CHANGES) {
        let mut all = Vec::new();
        pointers(&manifest["spec"], "/spec", &mut all);
        if all.is_empty() {
            break;
        }
        let pointer = dice.pick(&all).clone();
        change(&mut manifest, &pointer, dice);
    }
    manifest
}

fn change(manifest: &mut Value, pointer: &str, dice: &mut Dice) {
    let (parent, last) = pointer.rsplit_once('/').expect("a pointer has a slash");
    match dice.below(6) {
        0 => drop_member(manifest.pointer_mut(parent).expect("it is there"), last),
        1 => {
            let kinds =
                [json!(null), json!(true), json!(7), json!("text"), json!([]), json!({}), json!([{}])];
            put(manifest, pointer, dice.pick(&kinds).clone());
        }
        2 => {
            let numbers =
                [json!(-1), json!(0), json!(16), json!(i64::MAX), json!(u64::MAX), json!(1.5), json!("9")];
            put(manifest, pointer, dice.pick(&numbers).clone());
        }
        3 => {
            let text = *dice.pick(&TEXTS);
            let value = manifest.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let at = value
                .char_indices()
                .nth(dice.below(value.chars().count() + 1))
                .map_or(value.len(), |at| at.0);
            put(manifest, pointer, json!(format!("{}{text}{}", &value[..at], &value[at..])));
        }
        4 => {
            let value = manifest.pointer(pointer).and_then(Value::as_str).unwrap_or("a").to_owned();
            let times = [2, 20, 700, 5000];
            put(manifest, pointer, json!(value.repeat(*dice.pick(&times))));
        }
        _ => {
            let deep = (0..40).fold(json!("bottom"), |deep, _| json!({"deeper": [deep]}));
            let parent = manifest.pointer_mut(parent).expect("it is there");
            match parent {
                Value::Object(members) => drop(members.insert("unknown".to_owned(), deep)),
                Value::Array(items) => items.push(deep),
                _ => {}
            }
        }
    }
}

fn drop_member(parent: &mut Value, last: &str) {
    match parent {
        Value::Object(members) => {
            members.remove(&last.replace("~1", "/").replace("~0", "~"));
        }
        Value::Array(items) => {
            items.remove(last.parse().expect("a list's step is a number"));
        }
        _ => {}
    }
}

fn put(manifest: &mut Value, pointer: &str, value: Value) {
    *manifest.pointer_mut(pointer).expect("it is there") = value;
}

/// What the API server would store, or its words against it.
async fn asked(client: &Client, manifest: &Value, number: usize) -> Result<Value, String> {
    let kind = manifest["kind"].as_str().expect("a kind");
    let plural = if kind == "AwsCostAccount" { "awscostaccounts" } else { "costwarehouses" };
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(GROUP, "v1alpha1", kind), plural);
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "default", &resource);
    let mut manifest = manifest.clone();
    manifest["metadata"]["name"] = json!(format!("mutant-{number}"));
    let object: DynamicObject = serde_json::from_value(manifest).expect("an object");
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    match api.create(&dry, &object).await {
        Ok(stored) => Ok(serde_json::to_value(stored).expect("an object is JSON")),
        Err(kube::Error::Api(status)) => Err(status.message.clone()),
        Err(error) => panic!("no verdict: {error}"),
    }
}

/// True if the typed API reads it, as the operator would.
fn is_readable(manifest: &Value) -> bool {
    match manifest["kind"].as_str() {
        Some("AwsCostAccount") => serde_json::from_value::<AwsCostAccount>(manifest.clone()).is_ok(),
        _ => serde_json::from_value::<CostWarehouse>(manifest.clone()).is_ok(),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an API server: AWSCOST_TEST_KUBECONFIG"]
async fn a_thousand_mutated_manifests_are_judged_alike() {
    let client = admission::client().await;
    admission::install(&client).await;
    let (good, mut dice) = (good(), Dice::new(4));
    let manifests: Vec<Value> = (0..COUNT).map(|_| mutated(&good, &mut dice)).collect();
    let differences: Vec<(bool, Option<String>)> = stream::iter(manifests.iter().enumerate())
        .map(|(number, manifest)| {
            let client = &client;
            async move {
                let online = asked(client, manifest, number).await;
                let kind = manifest["kind"].as_str().expect("a kind");
                let offline = list_complaints(kind, manifest, None);
                let spec = &manifest["spec"];
                let problem = match (&online, offline.is_empty()) {
                    (Ok(stored), true) if !is_readable(stored) => {
                        Some(format!("let in, and not readable: {spec}"))
                    }
                    (Ok(_), true) | (Err(_), false) => None,
                    (Ok(_), false) => Some(format!("refused only offline ({}): {spec}", words(&offline))),
                    (Err(words), true) => Some(format!("refused only by the API server ({words}): {spec}")),
                };
                (online.is_ok(), problem)
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let accepted = differences.iter().filter(|(accepted, _)| *accepted).count();
    let problems: Vec<String> =
        differences.into_iter().filter_map(|(_, problem)| problem).map(short).collect();
    println!("{accepted} of {COUNT} let in; {} judged differently", problems.len());
    assert!(problems.is_empty(), "{} of {COUNT}:\n{}", problems.len(), problems.join("\n"));
    assert!(accepted > COUNT / 10 && accepted < COUNT * 9 / 10, "{accepted} of {COUNT} let in show little");
}

fn words(complaints: &[Complaint]) -> String {
    complaints.iter().map(Complaint::to_string).collect::<Vec<_>>().join("; ")
}

/// A long text is as good a failure as its beginning.
fn short(text: String) -> String {
    text.chars().take(600).collect()
}
