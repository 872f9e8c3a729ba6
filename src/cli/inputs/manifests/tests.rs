//! Manifests as people and kustomize write them, and what is said of their slips.

use crate::cli::inputs::manifests::*;

const ACCOUNT: &str = r#"apiVersion: awscost.io/v1alpha1
kind: AwsCostAccount
metadata: {name: acme, namespace: finops}
spec:
  accountId: "123456789012"
  accountType: Management
  access:
    roleArn: arn:aws:iam::123456789012:role/awscost
    externalIdSecretRef: {name: acme-external-id}
  report:
    name: acme-cur
    bucket: {name: acme-billing, region: us-east-1}
  ingestion: {warehouseRef: {name: lake}}
"#;

fn read_text(text: &str) -> Result<Manifests, Vec<ManifestFault>> {
    let mut reading = ManifestReading::default();
    reading.read_text("a.yaml", text);
    reading.into_manifests()
}

/// What is said of a text that is wrong, a line each.
fn faults(text: &str) -> String {
    let faults = read_text(text).expect_err("it is wrong");
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

#[test]
fn documents_of_our_kinds_are_picked_and_others_ignored() {
    let text = format!(
        "# a heading\n---\n{ACCOUNT}---\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: other}}\n---\n\
         apiVersion: v1\nkind: Secret\nmetadata: {{name: acme-external-id, labels: {{awscost.io/use: external-id}}}}\n\
         data: {{a: YWJj, b: eA==}}\nstringData: {{b: z}}\n---\n\
         apiVersion: v1\nkind: List\nitems:\n- apiVersion: awscost.io/v1alpha1\n  kind: CostWarehouse\n  \
         metadata: {{name: lake}}\n  spec: {{delta: {{location: 'file:///warehouse', persistentVolumeClaim: lake}}}}\n"
    );
    let manifests = read_text(&text).expect("all is well");
    assert_eq!(manifests.ignored, 1);
    assert_eq!(manifests.accounts[0].object.name_any(), "acme");
    let origin = Origin { file: "a.yaml".to_owned(), document: 1, line: 3 };
    assert_eq!(manifests.accounts[0].origin, origin);
    assert_eq!(manifests.warehouses[0].object.name_any(), "lake");
    let secret = &manifests.secrets[0].object;
    assert_eq!((secret.get("a"), secret.get("b")), (Some(&b"abc"[..]), Some(&b"z"[..])));
    assert_eq!(secret.labels["awscost.io/use"], "external-id");
}

#[test]
fn every_fault_names_its_file_document_and_field() {
    let wrong = ACCOUNT
        .replace("region: us-east-1", "region: Ireland, nmae: x")
        .replace("name: acme,", "name: Acme,");
    let said = faults(&format!("kind: Other\n---\n{wrong}"));
    for part in [
        "a.yaml:3: document 2, AwsCostAccount Acme: metadata.name: takes 1 to 253 lower-case letters",
        "spec.report.bucket.nmae: there is no such field; here there are name, ownerAccountId, prefix, region",
        "spec.report.bucket.region: it takes a region's name as AWS writes it",
    ] {
        assert!(said.contains(part), "{said}\nlacks {part}");
    }
}

#[test]
fn rules_speak_offline_as_on_the_cluster() {
    let said = faults(&ACCOUNT.replace("\"123456789012\"", "\"999999999999\""));
    assert!(said.contains("the account in spec.access.roleArn must be spec.accountId"), "{said}");
}

#[test]
fn an_unknown_kind_or_version_of_our_group_is_refused() {
    let said = faults(&ACCOUNT.replace("AwsCostAccount", "AwsCostAcount"));
    assert!(said.contains("kind: awscost.io has no kind \"AwsCostAcount\""), "{said}");
    let said = faults(&ACCOUNT.replace("v1alpha1", "v1"));
    assert!(said.contains("apiVersion: this version does not exist; use awscost.io/v1alpha1"), "{said}");
}

#[test]
fn one_object_is_declared_once() {
    let said = faults(&format!("{ACCOUNT}---\n{ACCOUNT}"));
    assert!(
        said.contains("document 2, AwsCostAccount acme: it is already declared in a.yaml:1: document 1"),
        "{said}"
    );
}

#[test]
fn what_is_not_yaml_is_named_by_its_line_and_shows_no_value() {
    for text in [
        "apiVersion: v1\nkind: Secret\nstringData:\n  externalId: canary\n  externalId: canary2\n",
        "apiVersion: v1\nkind: Secret\nstringData:\n  externalId: \"canary\n",
        "apiVersion: v1\nkind: Secret\nstringData:\n  externalId: canary: canary\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {externalId: 424242}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {externalId: canary}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {externalId: [canary]}\n",
    ] {
        let said = faults(text);
        assert!(said.starts_with("a.yaml:"), "{said}");
        assert!(!said.contains("canary") && !said.contains("424242"), "{said}");
    }
}

#[test]
fn folders_are_read_in_order_with_what_lies_below() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |path: &str, name: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, ACCOUNT.replace("name: acme,", &format!("name: {name},"))).expect("written");
    };
    put("b.yml", "third");
    put("a/1.yaml", "first");
    put("a/2.json.txt", "ignored");
    put("a/2.YAML", "second");
    put(".hidden/1.yaml", "ignored");
    let manifests = read(&[folder.path().to_owned()]).expect("all is well");
    let names: Vec<String> = manifests.accounts.iter().map(|account| account.object.name_any()).collect();
    assert_eq!(names, ["first", "second", "third"]);
    let missing = read(&[folder.path().join("nowhere.yaml")]).expect_err("not there");
    assert!(
        missing[0].to_string().ends_with("nowhere.yaml can't be read: there is no such file or folder"),
        "{}",
        missing[0]
    );
}

#[test]
fn a_fleet_in_one_stream_is_no_attack() {
    let fleet: String = (0..3000)
        .map(|number| format!("---\n{}", ACCOUNT.replace("name: acme,", &format!("name: acme-{number},"))))
        .collect();
    assert_eq!(read_text(&fleet).expect("all is well").accounts.len(), 3000);
}
