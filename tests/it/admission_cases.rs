//! What the API accepts and what it refuses, as data: a merge patch on a good object, and the verdict.
//!
//! `offline_admission.rs` asks the schema and its rules without a cluster, `admission.rs` asks a real API server.

use serde_json::{Value, json};

use Verdict::{Accept, Refuse};

/// What is to be said of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    /// Refused, and the message has this in it.
    Refuse(&'static str),
}

/// One object to be judged.
pub struct Case {
    /// The object that is stored before; none for a creation.
    pub stored: Option<Value>,
    /// The object that is sent.
    pub sent: Value,
    pub verdict: Verdict,
    /// What tells this case from others.
    pub name: String,
}

pub fn good_account() -> Value {
    json!({
        "apiVersion": "awscost.io/v1alpha1", "kind": "AwsCostAccount", "metadata": {"name": "case"},
        "spec": {
            "displayName": "Acme payer", "accountId": "123456789012", "accountType": "Management",
            "access": {
                "roleArn": "arn:aws:iam::123456789012:role/awscost",
                "externalIdSecretRef": {"name": "acme-external-id", "key": "externalId"},
                "requireExternalId": "Enforce", "stsRegion": "us-east-1"
            },
            "report": {
                "name": "acme-cur", "kind": "Auto",
                "bucket": {"name": "acme-billing", "region": "us-east-1", "prefix": "cur", "ownerAccountId": "123456789012"}
            },
            "history": {"months": 13},
            "ingestion": {"warehouseRef": {"name": "lake"}, "interval": "1h"},
            "freshness": {"maxDeliveryAge": "36h", "firstDeliveryGrace": "48h"},
            "suspend": false
        }
    })
}

fn good_volume() -> Value {
    warehouse(json!({"location": "file:///warehouse/costs", "persistentVolumeClaim": "lake"}))
}

fn good_bucket() -> Value {
    warehouse(json!({
        "location": "s3://acme-lake/awscost", "region": "eu-west-1", "endpoint": "https://store.example:9000",
        "pathStyle": true, "credentialsSecretRef": {"name": "lake-keys"}
    }))
}

fn warehouse(delta: Value) -> Value {
    json!({
        "apiVersion": "awscost.io/v1alpha1", "kind": "CostWarehouse", "metadata": {"name": "case"},
        "spec": {"delta": delta}
    })
}

/// A JSON merge patch (RFC 7386).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().expect("an object").remove(key);
        } else {
            merge(
                target.as_object_mut().expect("an object").entry(key.clone()).or_insert(Value::Null),
                value,
            );
        }
    }
}

pub fn patched(good: &Value, patch: &Value) -> Value {
    let mut object = good.clone();
    merge(&mut object, patch);
    object
}

fn creations(good: &Value, table: Vec<(Value, Verdict)>) -> impl Iterator<Item = Case> {
    table.into_iter().map(move |(spec, verdict)| {
        let patch = json!({"spec": spec});
        Case { stored: None, sent: patched(good, &patch), verdict, name: patch.to_string() }
    })
}

/// Updates: a patch that makes the stored object of the good one, and one that makes the sent one.
fn updates(good: &Value, table: Vec<(Value, Value, Verdict)>) -> impl Iterator<Item = Case> {
    table.into_iter().map(move |(before, after, verdict)| {
        let stored = patched(good, &before);
        let name = format!("{before} then {after}");
        Case { sent: patched(&stored, &after), stored: Some(stored), verdict, name }
    })
}

pub fn accounts() -> Vec<Case> {
    let good = good_account();
    let bucket = |patch: Value| json!({"report": {"bucket": patch}});
    let role = |arn: &str| json!({"access": {"roleArn": arn}});
    let ingestion = |patch: Value| json!({"ingestion": patch});
    let keys = |more: Value| {
        let mut access = json!({
            "roleArn": null, "externalIdSecretRef": null, "requireExternalId": null,
            "accessKeySecretRef": {"name": "acme-keys"}
        });
        for (field, value) in more.as_object().expect("an object") {
            access[field] = value.clone();
        }
        json!({"access": access})
    };
    let over_role = |account: &str| {
        json!({"access": {
            "roleArn": format!("arn:aws:iam::{account}:role/awscost"),
            "externalIdSecretRef": {"name": "acme-external-id"}, "accessKeySecretRef": null
        }})
    };
    let long = |count: usize| "a".repeat(count);
    let no_report = json!({"report": null, "ingestion": null, "history": null, "freshness": null});
    let table = vec![
        // As declared, and with all that is optional left out.
        (json!({}), Accept),
        (
            json!({"displayName": null, "accountId": null, "history": null, "freshness": null, "suspend": null}),
            Accept,
        ),
        (
            json!({"access": {"requireExternalId": null, "stsRegion": null, "externalIdSecretRef": {"key": null}}}),
            Accept,
        ),
        (json!({"report": {"kind": null, "bucket": {"prefix": null, "ownerAccountId": null}}}), Accept),
        (json!({"displayName": long(128)}), Accept),
        (json!({"displayName": long(129)}), Refuse("128")),
        (json!({"displayName": ""}), Refuse("displayName")),
        // What becomes of the rows.
        (
            json!({
                "accountType": "Member", "report": null, "ingestion": null, "history": null, "freshness": null,
                "deletionPolicy": "Purge"
            }),
            Refuse("Purge needs spec.report"),
        ),
        (json!({"deletionPolicy": "Retain"}), Accept),
        (json!({"deletionPolicy": "Purge"}), Accept),
        (json!({"deletionPolicy": "Delete"}), Refuse("deletionPolicy")),
        // Over a role with a rotation or a generated external ID, or with keys.
        (json!({"access": {"generateExternalId": true}}), Accept),
        (json!({"access": {"nextExternalIdSecretRef": {"name": "acme-next"}}}), Accept),
        (json!({"access": {"nextExternalIdSecretRef": {"name": "acme-external-id", "key": "next"}}}), Accept),
        (
            json!({"access": {"nextExternalIdSecretRef": {"name": "acme-external-id", "key": "externalId"}}}),
            Refuse("another Secret or key"),
        ),
        (json!({"access": {"nextExternalIdSecretRef": {"name": "Acme"}}}), Refuse("nextExternalIdSecretRef")),
        (keys(json!({})), Accept),
        (keys(json!({"stsRegion": null})), Accept),
        (keys(json!({"accessKeySecretRef": {"name": ""}})), Refuse("accessKeySecretRef")),
        (keys(json!({"requireExternalId": "Warn"})), Refuse("need spec.access.roleArn")),
        (keys(json!({"generateExternalId": true})), Refuse("need spec.access.roleArn")),
        (keys(json!({"externalIdSecretRef": {"name": "acme-external-id"}})), Refuse("need each other")),
        (json!({"access": {"accessKeySecretRef": {"name": "acme-keys"}}}), Refuse("exactly one of roleArn")),
        (json!({"access": {"roleArn": null, "externalIdSecretRef": null}}), Refuse("exactly one of roleArn")),
        (json!({"access": {"externalIdSecretRef": null}}), Refuse("need each other")),
        (
            json!({"accountId": null, "access": keys(json!({}))["access"].clone()}),
            Refuse("needs spec.accountId"),
        ),
        // Metrics.
        (json!({"metrics": {"region": "eu-west-1"}}), Accept),
        (json!({"metrics": {"region": "Ireland"}}), Refuse("region")),
        (json!({"metrics": {}}), Refuse("region")),
        // The account.
        (json!({"accountId": "12345678901"}), Refuse("accountId")),
        (json!({"accountId": "1234567890123"}), Refuse("accountId")),
        (json!({"accountId": "12345678901x"}), Refuse("accountId")),
        (json!({"accountId": "999999999999"}), Refuse("must be spec.accountId")),
        (json!({"accountType": "Member"}), Accept),
        (json!({"accountType": "Standalone"}), Accept),
        (json!({"accountType": "Payer"}), Refuse("accountType")),
        (json!({"accountType": null}), Refuse("accountType")),
        // The role.
        (json!({"access": null}), Refuse("access")),
        (role("arn:aws:iam::123456789012:role/finops/team/awscost"), Accept),
        (role("arn:aws-cn:iam::123456789012:role/awscost"), Accept),
        (role("arn:aws-us-gov:iam::123456789012:role/awscost"), Accept),
        (role("arn:aws-eusc:iam::123456789012:role/awscost"), Accept),
        (role("arn:aws:iam::123456789012:role/a+b=c,d.e@f-g_h"), Accept),
        (role("arn:gcp:iam::123456789012:role/awscost"), Refuse("roleArn")),
        (role("arn:aws:iam::12345678901:role/awscost"), Refuse("roleArn")),
        (role("arn:aws:iam::123456789012:user/awscost"), Refuse("roleArn")),
        (role("arn:aws:iam::123456789012:role/"), Refuse("roleArn")),
        (role("arn:aws:iam::123456789012:role/a b"), Refuse("roleArn")),
        (role("arn:aws:iam::123456789012:role/a*"), Refuse("roleArn")),
        (role("arn:aws:sts::123456789012:assumed-role/awscost/x"), Refuse("roleArn")),
        (role(&format!("arn:aws:iam::123456789012:role/{}", long(64))), Accept),
        (role(&format!("arn:aws:iam::123456789012:role/{}", long(65))), Refuse("roleArn")),
        (role("arn:aws:iam::999999999999:role/awscost"), Refuse("must be spec.accountId")),
        (json!({"accountId": null, "access": {"roleArn": "arn:aws:iam::999999999999:role/awscost"}}), Accept),
        // The external ID.
        (json!({"access": {"externalIdSecretRef": null}}), Refuse("externalIdSecretRef")),
        (json!({"access": {"externalIdSecretRef": {"name": null}}}), Refuse("name")),
        (json!({"access": {"externalIdSecretRef": {"name": "Upper"}}}), Refuse("name")),
        (json!({"access": {"externalIdSecretRef": {"name": "a/b"}}}), Refuse("name")),
        (json!({"access": {"externalIdSecretRef": {"key": "a/b"}}}), Refuse("key")),
        (json!({"access": {"requireExternalId": "Warn"}}), Accept),
        (json!({"access": {"requireExternalId": "Off"}}), Refuse("requireExternalId")),
        (json!({"access": {"stsRegion": "eusc-de-east-1"}}), Accept),
        (json!({"access": {"stsRegion": "us-east"}}), Refuse("stsRegion")),
        (json!({"access": {"stsRegion": "US-EAST-1"}}), Refuse("stsRegion")),
        // The report.
        (no_report.clone(), Refuse("needs spec.report")),
        (
            json!({"accountType": "Standalone", "report": null, "ingestion": null, "history": null, "freshness": null}),
            Refuse("needs spec.report"),
        ),
        (json!({"report": {"name": null}}), Refuse("name")),
        (json!({"report": {"name": "a b"}}), Refuse("report.name")),
        (json!({"report": {"name": "a/b"}}), Refuse("report.name")),
        (json!({"report": {"name": ""}}), Refuse("report.name")),
        (json!({"report": {"name": ".."}}), Refuse("not made of dots alone")),
        (json!({"report": {"name": "A!-_.*'()9"}}), Accept),
        (json!({"report": {"name": long(256)}}), Accept),
        (json!({"report": {"name": long(257)}}), Refuse("report.name")),
        (json!({"report": {"kind": "LegacyCur"}}), Accept),
        (json!({"report": {"kind": "Cur2"}}), Accept),
        (json!({"report": {"kind": "Focus"}}), Refuse("kind")),
        (json!({"report": {"bucket": null}}), Refuse("bucket")),
        (bucket(json!({"name": null})), Refuse("name")),
        (bucket(json!({"region": null})), Refuse("region")),
        (bucket(json!({"region": "somewhere"})), Refuse("region")),
        (bucket(json!({"name": "ab"})), Refuse("bucket.name")),
        (bucket(json!({"name": "Acme"})), Refuse("bucket.name")),
        (bucket(json!({"name": "-acme"})), Refuse("bucket.name")),
        (bucket(json!({"name": "acme-"})), Refuse("bucket.name")),
        (bucket(json!({"name": "acme_billing"})), Refuse("bucket.name")),
        (bucket(json!({"name": long(63)})), Accept),
        (bucket(json!({"name": long(64)})), Refuse("bucket.name")),
        (bucket(json!({"name": "a.b-c.d"})), Accept),
        (bucket(json!({"name": "a..b"})), Refuse("two dots")),
        (bucket(json!({"name": "192.168.0.1"})), Refuse("IP address")),
        (bucket(json!({"name": "xn--acme"})), Refuse("access point aliases")),
        (bucket(json!({"name": "acme-s3alias"})), Refuse("access point aliases")),
        (bucket(json!({"name": "acme--ol-s3"})), Refuse("access point aliases")),
        (bucket(json!({"prefix": ""})), Accept),
        (bucket(json!({"prefix": "a/b/"})), Accept),
        (bucket(json!({"prefix": "a..b"})), Accept),
        (bucket(json!({"prefix": "/cur"})), Refuse("does not start with /")),
        (bucket(json!({"prefix": "a/../b"})), Refuse("no .. in it")),
        (bucket(json!({"prefix": "a b"})), Refuse("a report prefix takes A-Z a-z 0-9")),
        (bucket(json!({"prefix": long(257)})), Refuse("prefix")),
        (bucket(json!({"ownerAccountId": "999999999999"})), Accept),
        (bucket(json!({"ownerAccountId": "99"})), Refuse("ownerAccountId")),
        // History and freshness.
        (json!({"history": {"months": 1}}), Accept),
        (json!({"history": {"months": 15}}), Accept),
        (json!({"history": {"months": 0}}), Refuse("months")),
        (json!({"history": {"months": 16}}), Refuse("months")),
        (json!({"freshness": {"maxDeliveryAge": "1h"}}), Accept),
        (json!({"freshness": {"maxDeliveryAge": "59m"}}), Refuse("between 1h and 1440h")),
        (json!({"freshness": {"maxDeliveryAge": "1441h"}}), Refuse("between 1h and 1440h")),
        (json!({"freshness": {"maxDeliveryAge": "2d"}}), Accept),
        (json!({"freshness": {"maxDeliveryAge": "60d"}}), Accept),
        (json!({"freshness": {"maxDeliveryAge": "60d1s"}}), Refuse("between 1h and 1440h")),
        (json!({"freshness": {"maxDeliveryAge": "1d12h"}}), Accept),
        (json!({"freshness": {"maxDeliveryAge": "12h1d"}}), Refuse("between 1h and 1440h")),
        (json!({"freshness": {"maxDeliveryAge": "99999d"}}), Refuse("between 1h and 1440h")),
        (json!({"freshness": {"firstDeliveryGrace": "90m"}}), Accept),
        (json!({"freshness": {"firstDeliveryGrace": "soon"}}), Refuse("firstDeliveryGrace")),
        // Ingestion.
        (json!({"ingestion": null}), Refuse("needs spec.ingestion")),
        (ingestion(json!({"warehouseRef": null})), Refuse("warehouseRef")),
        (ingestion(json!({"warehouseRef": {"name": "Lake"}})), Refuse("warehouseRef")),
        (ingestion(json!({"interval": "15m"})), Accept),
        (ingestion(json!({"interval": "1h30m"})), Accept),
        (ingestion(json!({"interval": "24h"})), Accept),
        (ingestion(json!({"interval": "14m"})), Refuse("between 15m and 24h")),
        (ingestion(json!({"interval": "25h"})), Refuse("between 15m and 24h")),
        (ingestion(json!({"interval": "1d"})), Accept),
        (ingestion(json!({"interval": "1d1s"})), Refuse("between 15m and 24h")),
        (ingestion(json!({"interval": "d"})), Refuse("between 15m and 24h")),
        (ingestion(json!({"interval": "hourly"})), Refuse("interval")),
        (ingestion(json!({"interval": ""})), Refuse("interval")),
        (
            ingestion(
                json!({"resources": {"requests": {"cpu": 1, "memory": "512Mi"}, "limits": {"memory": "1.5Gi"}}}),
            ),
            Accept,
        ),
        (ingestion(json!({"resources": {"requests": {"cpu": "much"}}})), Refuse("it takes a quantity")),
        (ingestion(json!({"resources": {"limits": {"memory": "-1Gi"}}})), Refuse("it takes a quantity")),
        (ingestion(json!({"resources": {"limits": {"memory": "1e9"}}})), Accept),
        (ingestion(json!({"nodeSelector": {"kubernetes.io/arch": "arm64"}})), Accept),
        (ingestion(json!({"nodeSelector": {"pool": "a b"}})), Refuse("pool")),
        (ingestion(json!({"nodeSelector": many_labels(33)})), Refuse("32")),
        (
            ingestion(
                json!({"podLabels": {"team": long(63)}, "podAnnotations": {"note": "any text: at all"}}),
            ),
            Accept,
        ),
        (ingestion(json!({"podLabels": {"team": long(64)}})), Refuse("team")),
        (ingestion(json!({"podAnnotations": {"note": long(4097)}})), Refuse("note")),
        (
            ingestion(
                json!({"tolerations": [{"key": "batch", "operator": "Exists", "effect": "NoSchedule"}]}),
            ),
            Accept,
        ),
        (ingestion(json!({"tolerations": [{"key": "batch", "operator": "Contains"}]})), Refuse("operator")),
        (ingestion(json!({"tolerations": [{"effect": "Sometimes"}]})), Refuse("effect")),
        (ingestion(json!({"tolerations": vec![json!({}); 17]})), Refuse("16")),
        (ingestion(json!({"imagePullSecrets": [{"name": "pull"}]})), Accept),
        (ingestion(json!({"imagePullSecrets": [{}]})), Refuse("name")),
        (json!({"suspend": true}), Accept),
        (json!({"suspend": "yes"}), Refuse("suspend")),
    ];
    let member =
        patched(&patched(&good, &json!({"spec": no_report})), &json!({"spec": {"accountType": "Member"}}));
    let members = vec![
        (json!({}), Accept),
        (json!({"history": {"months": 3}}), Refuse("need spec.report")),
        (json!({"freshness": {"maxDeliveryAge": "36h"}}), Refuse("need spec.report")),
        (json!({"ingestion": {"warehouseRef": {"name": "lake"}}}), Refuse("need spec.report")),
    ];
    let nothing = || json!({});
    let spec = |spec: Value| json!({"spec": spec});
    let loaded = || json!({"status": {"ingestion": {"lastSuccess": "2026-11-22T12:00:00Z"}}});
    let changes = vec![
        // From keys to a role of the same account and back; never to another account.
        (spec(keys(json!({}))), spec(over_role("123456789012")), Accept),
        (nothing(), spec(keys(json!({}))), Accept),
        (spec(keys(json!({}))), spec(over_role("999999999999")), Refuse("must be spec.accountId")),
        (nothing(), nothing(), Accept),
        (nothing(), spec(json!({"displayName": "other"})), Accept),
        (nothing(), spec(role("arn:aws:iam::123456789012:role/other")), Accept),
        (
            nothing(),
            spec(
                json!({"accountId": "999999999999", "access": {"roleArn": "arn:aws:iam::999999999999:role/awscost"}}),
            ),
            Refuse("can't change"),
        ),
        (
            spec(json!({"accountId": null})),
            spec(role("arn:aws:iam::999999999999:role/awscost")),
            Refuse("the AWS account can't change"),
        ),
        (nothing(), spec(json!({"accountId": null})), Refuse("spec.accountId can't change")),
        (spec(json!({"accountId": null})), spec(json!({"accountId": "123456789012"})), Accept),
        // Before the first load everything about the report may be corrected …
        (nothing(), spec(json!({"report": {"name": "other"}})), Accept),
        (nothing(), spec(bucket(json!({"prefix": "other"}))), Accept),
        (nothing(), spec(ingestion(json!({"warehouseRef": {"name": "other"}}))), Accept),
        // … and afterwards it stays.
        (loaded(), nothing(), Accept),
        (loaded(), spec(json!({"report": {"name": "other"}})), Refuse("can't change once a bill is loaded")),
        (loaded(), spec(bucket(json!({"name": "other"}))), Refuse("can't change once a bill is loaded")),
        (loaded(), spec(bucket(json!({"prefix": "other"}))), Refuse("can't change once a bill is loaded")),
        (loaded(), spec(bucket(json!({"prefix": null}))), Refuse("can't change once a bill is loaded")),
        (
            loaded(),
            spec(ingestion(json!({"warehouseRef": {"name": "other"}}))),
            Refuse("can't change once a bill is loaded"),
        ),
        (
            loaded(),
            spec(
                json!({"accountType": "Member", "report": null, "ingestion": null, "history": null, "freshness": null}),
            ),
            Refuse("can't change once a bill is loaded"),
        ),
        (loaded(), spec(json!({"report": {"kind": "Cur2"}})), Accept),
        (loaded(), spec(ingestion(json!({"interval": "2h"}))), Accept),
        (loaded(), spec(json!({"suspend": true})), Accept),
        (loaded(), spec(role("arn:aws:iam::123456789012:role/other")), Accept),
    ];
    creations(&good, table).chain(creations(&member, members)).chain(updates(&good, changes)).collect()
}

fn many_labels(count: usize) -> Value {
    (0..count).map(|number| (format!("label-{number}"), json!("x"))).collect::<serde_json::Map<_, _>>().into()
}

pub fn warehouses() -> Vec<Case> {
    let delta = |patch: Value| json!({"delta": patch});
    let location = |text: &str| json!({"delta": {"location": text}});
    let on_volume = vec![
        (json!({}), Accept),
        (location("file:///warehouse"), Accept),
        (location("file:///warehouse/a/b"), Accept),
        (location("file:///warehouse/../etc"), Refuse("has no ..")),
        (location("file:///warehouses"), Refuse("lies under file:///warehouse")),
        (location("file:///data"), Refuse("lies under file:///warehouse")),
        (location("file://warehouse"), Refuse("location")),
        (location("/warehouse"), Refuse("location")),
        (location("gs://bucket/x"), Refuse("location")),
        (location("file:///warehouse/a b"), Refuse("location")),
        (location(&format!("file:///warehouse/{}", "a".repeat(500))), Refuse("location")),
        (delta(json!({"location": null})), Refuse("location")),
        (json!({"delta": null}), Refuse("delta")),
        (delta(json!({"persistentVolumeClaim": null})), Refuse("needs spec.delta.persistentVolumeClaim")),
        (delta(json!({"persistentVolumeClaim": "Lake"})), Refuse("persistentVolumeClaim")),
        (delta(json!({"persistentVolumeClaim": ""})), Refuse("persistentVolumeClaim")),
        (delta(json!({"region": "eu-west-1"})), Refuse("need an s3:// location")),
        (delta(json!({"endpoint": "https://store.example"})), Refuse("need an s3:// location")),
        (delta(json!({"credentialsSecretRef": {"name": "keys"}})), Refuse("need an s3:// location")),
        (delta(json!({"pathStyle": true})), Refuse("need an s3:// location")),
        (delta(json!({"serviceAccountName": "lake"})), Refuse("need an s3:// location")),
        (location("file:///warehouse/env=prod/a.b_c-d"), Accept),
        (location("file:///warehouse/"), Accept),
        (location("file:///warehouse//x"), Refuse("between single slashes")),
        (location("file:///warehouse/./x"), Refuse("nor a dot alone")),
    ];
    let in_bucket = vec![
        (json!({}), Accept),
        (location("s3://acme-lake"), Accept),
        (location("s3://acme-lake/"), Accept),
        (location("s3://acme.lake/a/b"), Accept),
        (location("s3://acme..lake/a"), Refuse("two dots")),
        (location("s3://acme-lake/a/../b"), Refuse("has no ..")),
        (location("s3://Acme/a"), Refuse("location")),
        (location("s3://a/b"), Refuse("location")),
        (location("s3a://acme-lake/a"), Refuse("location")),
        (location("s3://acme-lake/a?x=1"), Refuse("location")),
        (location("s3://acme-lake/env=prod/a.b_c-d"), Accept),
        (location("s3://acme-lake/team(a)/x"), Refuse("between single slashes")),
        (location("s3://acme-lake/x!"), Refuse("between single slashes")),
        (location("s3://acme-lake//x"), Refuse("between single slashes")),
        (location("s3://10.0.0.1/x"), Refuse("not an IP address")),
        (location("s3://acme_lake/x"), Refuse("a bucket name first")),
        (delta(json!({"region": null})), Refuse("needs spec.delta.region")),
        (delta(json!({"region": "europe"})), Refuse("region")),
        (delta(json!({"endpoint": null, "pathStyle": null})), Accept),
        (delta(json!({"endpoint": null})), Refuse("needs spec.delta.endpoint")),
        (delta(json!({"endpoint": "http://10.0.0.1:9000"})), Accept),
        (delta(json!({"endpoint": "http://10.0.0.1:9000", "pathStyle": null})), Refuse("pathStyle: true")),
        (delta(json!({"endpoint": "https://gw.example.com/", "pathStyle": null})), Accept),
        (delta(json!({"endpoint": "http://10.0.0.1:9000/base"})), Refuse("with no path")),
        (delta(json!({"endpoint": "https://store.example:65536"})), Refuse("up to 65535")),
        (delta(json!({"endpoint": "https://10.0.0.256"})), Refuse("four numbers up to 255")),
        (delta(json!({"endpoint": "ftp://store.example"})), Refuse("endpoint")),
        (delta(json!({"endpoint": "https://user:pw@store.example"})), Refuse("no user and no password")),
        (delta(json!({"endpoint": "https://store.example/?x"})), Refuse("endpoint")),
        (delta(json!({"pathStyle": "yes"})), Refuse("pathStyle")),
        (delta(json!({"credentialsSecretRef": null})), Refuse("exactly one of")),
        (delta(json!({"serviceAccountName": "lake"})), Refuse("exactly one of")),
        (delta(json!({"credentialsSecretRef": null, "serviceAccountName": "lake"})), Accept),
        (
            delta(json!({"credentialsSecretRef": null, "serviceAccountName": "La ke"})),
            Refuse("serviceAccountName"),
        ),
        (delta(json!({"credentialsSecretRef": {"name": "Keys"}})), Refuse("name")),
        (delta(json!({"credentialsSecretRef": {"name": null}})), Refuse("name")),
        (delta(json!({"persistentVolumeClaim": "lake"})), Refuse("needs a file:// location")),
    ];
    let nothing = || json!({});
    let spec = |delta: Value| json!({"spec": {"delta": delta}});
    let volume_changes = vec![
        (nothing(), nothing(), Accept),
        (nothing(), spec(json!({"location": "file:///warehouse/other"})), Refuse("can't change")),
        (nothing(), spec(json!({"persistentVolumeClaim": "other"})), Refuse("can't change")),
        (
            nothing(),
            spec(
                json!({"location": "s3://acme-lake/x", "persistentVolumeClaim": null, "region": "eu-west-1", "serviceAccountName": "lake"}),
            ),
            Refuse("can't change"),
        ),
    ];
    let bucket_changes = vec![
        (nothing(), spec(json!({"credentialsSecretRef": {"name": "other"}})), Accept),
        (nothing(), spec(json!({"credentialsSecretRef": null, "serviceAccountName": "lake"})), Accept),
        (nothing(), spec(json!({"endpoint": "https://moved.example"})), Accept),
        (nothing(), spec(json!({"location": "s3://acme-lake/other"})), Refuse("can't change")),
    ];
    creations(&good_volume(), on_volume)
        .chain(creations(&good_bucket(), in_bucket))
        .chain(updates(&good_volume(), volume_changes))
        .chain(updates(&good_bucket(), bucket_changes))
        .collect()
}
