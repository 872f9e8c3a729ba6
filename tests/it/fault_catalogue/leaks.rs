//! What must be nowhere: external IDs, access keys' secrets, session tokens and a proxy's password, in five encodings, in
//! anything that comes out of the operator, the plugin and a check.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use kube::{Api, api::DynamicObject, api::ListParams, core::ApiResource, core::GroupVersionKind};

use regex::RegexBuilder;

use super::{
    catalogue::Row,
    ground::Ground,
    operator::PROXY_PASSWORD,
    scene::{NEIGHBOURS_EXTERNAL_ID, Scene},
    world::OPERATOR_KEY,
};

/// The shortest text that is looked for.
const LEAST: usize = 12;

/// A secret's forms: as it is, and as it could have been written by mistake.
fn forms(secret: &str) -> [(&'static str, String); 5] {
    let bytes = secret.as_bytes();
    let decimal: Vec<String> = bytes.iter().map(ToString::to_string).collect();
    [
        ("raw", secret.to_owned()),
        ("base64", STANDARD_NO_PAD.encode(bytes)),
        ("URL-encoded", url_encoded(bytes)),
        ("hexadecimal", hex::encode(bytes)),
        ("decimal bytes", decimal.join(", ")),
    ]
}

fn url_encoded(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    bytes
        .iter()
        .map(|byte| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// How much of the end of a form is looked for: enough to be no chance, and the whole need not be built a thousand times.
const TAIL: usize = 24;

/// Every secret that is found, with where it is.
pub fn found(secrets: &[String], places: &[(&str, String)]) -> Vec<String> {
    let tail = |text: String| {
        let skipped = text.chars().count().saturating_sub(TAIL);
        text.chars().skip(skipped).collect::<String>()
    };
    let forms: BTreeMap<String, &'static str> =
        secrets.iter().flat_map(|secret| forms(secret).map(|(form, text)| (tail(text), form))).collect();
    let any = forms.keys().map(|text| regex::escape(text)).collect::<Vec<_>>().join("|");
    let any = RegexBuilder::new(&any).size_limit(1 << 30).build().expect("escaped texts are a pattern");
    let mut found = BTreeSet::new();
    for (place, content) in places {
        for hit in any.find_iter(content) {
            let around = content[..hit.start()].rsplit('\n').next().unwrap_or_default();
            let around: String = around.chars().take(200).collect();
            found.insert(format!("a secret, {}, is in {place}, after {around}", forms[hit.as_str()]));
        }
    }
    found.into_iter().collect()
}

/// The secrets of a ground: whatever a Secret held while a row was healthy or broken, the operator's key, its proxy's
/// password, the sessions' tokens.
pub fn secrets(ground: &Ground, rows: &[&Row]) -> Vec<String> {
    let mut secrets = [OPERATOR_KEY.1, NEIGHBOURS_EXTERNAL_ID, PROXY_PASSWORD].map(str::to_owned).to_vec();
    for (stage, row) in ground.stages.iter().zip(rows) {
        secrets.extend(held_in_secrets(&stage.scene));
        secrets.extend(held_in_secrets(&stage.scene.with(&row.changes)));
    }
    secrets.extend(ground.sandbox.session_secrets());
    secrets
}

/// Every value of a scene's Secrets that is long enough to be found by no chance.
fn held_in_secrets(scene: &Scene) -> Vec<String> {
    let secrets = scene.at("/secrets").as_object().into_iter().flatten();
    let values = secrets.filter_map(|(_, secret)| secret["data"].as_object()).flatten();
    let texts = values.filter_map(|(_, value)| value.as_str().map(|text| text.trim().to_owned()));
    texts.filter(|text| text.len() >= LEAST).collect()
}

/// Everything the operator has said: its log, its metrics, and all objects and events but the Secrets themselves.
pub async fn said(ground: &Ground) -> Vec<(&'static str, String)> {
    let log = std::fs::read(ground.operator().log()).expect("the operator has a log");
    let mut said = vec![("the operator's log", String::from_utf8_lossy(&log).into_owned())];
    let kinds = [
        ("", "v1", "Event", "events"),
        ("events.k8s.io", "v1", "Event", "events"),
        ("awscost.io", "v1alpha1", "AwsCostAccount", "awscostaccounts"),
        ("awscost.io", "v1alpha1", "CostWarehouse", "costwarehouses"),
        ("batch", "v1", "Job", "jobs"),
        ("", "v1", "Pod", "pods"),
    ];
    for (group, version, kind, plural) in kinds {
        let resource =
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural);
        let cluster = &ground.cluster;
        let api: Api<DynamicObject> =
            Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &resource);
        let list = api.list(&ListParams::default()).await.expect("a list").items;
        said.push((plural, serde_json::to_string(&list).expect("objects are JSON")));
    }
    said.push(("the metrics", ground.metrics().await));
    said.push(("what checks and the plugin print and log", ground.said()));
    said
}

#[test]
fn every_form_of_a_secret_is_recognised() {
    let secret = "canary/external+id=7Q".to_owned();
    for (form, text) in forms(&secret) {
        let places = [("a log", format!("before {text} after"))];
        let found = found(std::slice::from_ref(&secret), &places);
        assert!(found.iter().any(|found| found.contains(form)), "{form}: {found:?}");
    }
    assert!(found(&[secret], &[("a log", "nothing".to_owned())]).is_empty());
}

#[test]
fn what_a_row_puts_into_a_secret_is_looked_for() {
    let catalogue = super::catalogue::Catalogue::read();
    let scene = |kind| Scene::healthy(&catalogue, kind, super::scene::Names::of(9, 1, "http://localhost"));
    let held = |fault: &str| {
        let row = catalogue.rows.iter().find(|row| row.fault == fault).expect("a row of that name");
        held_in_secrets(&scene(&row.of).with(&row.changes))
    };
    assert!(
        held("the Secret got another external ID").contains(&"not-the-one-in-the-trust-policy".to_owned())
    );
    assert!(held("the external ID has characters AWS does not take").contains(&"kaffee-für-alle".to_owned()));
    assert!(held("the external ID ends in a newline").contains(&scene("payer").names.external_id));
    assert!(held("the external ID is one character").is_empty());
}
