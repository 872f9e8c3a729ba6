//! Partitions: the hosts that are asked in each, and the documents that are printed for each.

use std::{path::Path, sync::Arc};

use awscost::{
    aws::{
        AwsSettings, Sdk, Session,
        traits::{BucketOwner, Delimiter, ListObjects, PermissionQuestion},
    },
    model::{AccountId, BucketName, Partition, Region, RoleArn},
    network::trust::TrustedAuthorities,
};
use awscost_sandbox::{Sandbox, World};
use jiff::{Timestamp, ToSpan};

use super::{
    super::aws_environment::{KEYS, alone, sandbox},
    authority::Authority,
    awscost,
    proxy::{Proxy, Speaks},
    said, succeeds,
};

#[tokio::test]
#[ignore = "another test runs it, with the partition it tests"]
async fn every_service_once() {
    // Whoever runs every ignored test runs this one, too: without a partition it asks nobody.
    let Ok(partition) = std::env::var("PARTITION") else { return };
    let partition: Partition = partition.parse().expect("a known one");
    let trust = TrustedAuthorities::of_environment().expect("a bundle");
    let aws = Sdk::load(AwsSettings { trust, ..AwsSettings::default() }).await.aws();
    let region: Region = partition.home_region().parse().expect("a region");
    let account: AccountId = "123456789012".parse().expect("an account");
    let bucket: BucketName = "acme-billing".parse().expect("a bucket");
    let role: RoleArn =
        format!("arn:{}:iam::{account}:role/awscost", partition.as_str()).parse().expect("a role");
    // Nobody knows it: what counts is who was asked.
    let session = Session {
        access_key_id: "ASIANOBODYKNOWSTHIS1".to_owned(),
        secret_access_key: "none".into(),
        session_token: "none".into(),
        expiration: Timestamp::now() + 1.hour(),
    };
    let list = ListObjects {
        bucket: &bucket,
        region: &region,
        owner: BucketOwner::Expected(&account),
        prefix: "",
        delimiter: Delimiter::None,
        limit: 1,
    };
    let question = PermissionQuestion { action: "s3:PutObject", resource: "*".to_owned() };
    let mut answers = vec![
        aws.identity.session_caller(&session, &region).await.map(drop),
        aws.organizations.membership(&session, partition).await.map(drop),
        aws.metrics.can_list(&session, &region).await,
        aws.buckets.list(&session, list).await.map(drop),
        aws.audit.simulate(&session, &role, &[question]).await.map(drop),
    ];
    if partition.has_legacy_reports() {
        answers.push(aws.catalog.legacy_definitions(&session, partition).await.map(drop));
    }
    if partition.has_exports() {
        answers.push(aws.catalog.exports(&session, partition).await.map(drop));
    }
    for answer in answers {
        println!("{}", answer.expect_err("nobody knows the session"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_is_asked_in_the_partition_of_the_role() {
    let sandbox = sandbox();
    let authority = Authority::new();
    for (partition, home, suffixes, services) in [
        ("aws", "us-east-1", ["amazonaws.com", "api.aws"], 7),
        ("aws-cn", "cn-northwest-1", ["amazonaws.com.cn", "api.amazonwebservices.com.cn"], 7),
        ("aws-us-gov", "us-gov-west-1", ["amazonaws.com", "api.aws"], 5),
        ("aws-eusc", "eusc-de-east-1", ["amazonaws.eu", "api.amazonwebservices.eu"], 6),
        ("aws-iso", "us-iso-east-1", ["c2s.ic.gov", "api.aws.ic.gov"], 6),
        ("aws-iso-b", "us-isob-east-1", ["sc2s.sgov.gov", "api.aws.scloud"], 6),
        ("aws-iso-e", "eu-isoe-west-1", ["cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"], 6),
        ("aws-iso-f", "us-isof-south-1", ["csp.hci.ic.gov", "api.aws.hci.ic.gov"], 6),
    ] {
        let proxy = Proxy::start(&authority, sandbox.address(), Speaks::Http).await;
        let (ca, url) = (authority.path(), proxy.url());
        let environment = [("PARTITION", partition), ("HTTPS_PROXY", url.as_str()), ("AWS_CA_BUNDLE", &ca)];
        let said = alone("reach::partitions::every_service_once", &environment);
        let asked = proxy.asked();
        assert_eq!(asked.len(), services, "{partition}: {asked:?}\n{said}");
        let elsewhere: Vec<&String> = asked
            .iter()
            .filter(|host| !suffixes.iter().any(|suffix| host.ends_with(&format!(".{suffix}:443"))))
            .collect();
        assert_eq!(elsewhere, [""; 0], "{partition}");
        for service in ["sts", "organizations", "monitoring", "acme-billing.s3"] {
            let host = format!("{service}.{home}.{}:443", suffixes[0]);
            assert!(asked.contains(&host), "{partition}: no {host} in {asked:?}");
        }
    }
}

const WORLD: &str = r#"
accounts:
  "999988887777":
    name: Operator
    users:
      - name: awscost-operator
        accessKeys: [{id: AKIAAWSCOSTOPERATOR1, secret: operator-secret-of-the-sandbox}]
        policies:
          connect: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "sts:*", Resource: "*"}]}
  "123456789012":
    name: Acme
    roles:
      - name: awscost
        trust:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Principal: {AWS: "arn:aws:iam::999988887777:user/awscost-operator"}
              Action: sts:AssumeRole
              Condition: {StringEquals: {"sts:ExternalId": "acme-0f6b7c1e"}}
        policies:
          read:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: ["organizations:DescribeOrganization", "cur:*", "bcm-data-exports:*", "s3:ListBucket", "s3:GetObject"]
                Resource: "*"
organizations:
  - {id: o-acme000001, management: "123456789012"}
buckets:
  acme-billing: {owner: "123456789012", region: HOME}
"#;

/// The check's findings on an account of a partition, as JSON.
async fn checked(authority: &Arc<Authority>, partition: Partition, kind: &str) -> (String, Vec<String>) {
    let mut world = World::from_yaml(&WORLD.replace("HOME", partition.home_region())).expect("a world");
    world.partition = Some(partition.as_str().to_owned());
    let sandbox = Sandbox::start(world);
    let proxy = Proxy::start(authority, sandbox.address(), Speaks::Http).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = account(folder.path(), partition);
    let manifest = std::fs::read_to_string(&file)
        .expect("a manifest")
        .replace("cur}}", &format!("cur}}, kind: {kind}}}"));
    std::fs::write(&file, manifest).expect("written");
    let secret = folder.path().join("id");
    std::fs::write(&secret, "acme-0f6b7c1e").expect("written");
    let secret = format!("default/id/externalId={}", secret.display());
    let (ca, url) = (authority.path(), proxy.url());
    let environment = [
        KEYS[0],
        KEYS[1],
        ("AWS_REGION", partition.home_region()),
        ("HTTPS_PROXY", url.as_str()),
        ("AWS_CA_BUNDLE", &ca),
    ];
    let output = awscost(&["check", "-f", &file, "--secret", &secret, "-o", "json"], &environment);
    (said(&output), proxy.asked())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_every_partition_is_connected_as_far_as_its_billing_apis_go() {
    let authority = Authority::new();
    for partition in Partition::ALL {
        for (kind, has_api) in [
            ("Auto", partition.has_exports() || partition.has_legacy_reports()),
            ("LegacyCur", partition.has_legacy_reports()),
            ("Cur2", partition.has_exports()),
        ] {
            let (said, asked) = checked(&authority, partition, kind).await;
            let reason = if has_api { "ReportNotFound" } else { "BillingApiNotInPartition" };
            assert!(said.contains(reason), "{} {kind}: no {reason} in {said}", partition.as_str());
            for well in [r#""RoleAssumed""#, r#""Verified""#, r#""ReadNotYetProvable""#] {
                assert!(said.contains(well), "{} {kind}: no {well} in {said}", partition.as_str());
            }
            let apis =
                asked.iter().filter(|host| host.starts_with("cur.") || host.starts_with("bcm-")).count();
            assert_eq!(apis > 0, has_api, "{} {kind}: {asked:?}", partition.as_str());
        }
    }
}

fn account(folder: &Path, partition: Partition) -> String {
    let file = folder.join(format!("{}.yaml", partition.as_str()));
    let (name, region) = (partition.as_str(), partition.home_region());
    let manifest = format!(
        "apiVersion: awscost.io/v1alpha1\nkind: AwsCostAccount\nmetadata: {{name: acme}}\nspec:\n  accountType: Management\n\
         \x20 access: {{roleArn: 'arn:{name}:iam::123456789012:role/awscost', externalIdSecretRef: {{name: id}}}}\n\
         \x20 report: {{name: acme-cur, bucket: {{name: acme-billing, region: {region}, prefix: cur}}}}\n\
         \x20 ingestion: {{warehouseRef: {{name: lake}}}}\n"
    );
    std::fs::write(&file, manifest).expect("written");
    file.to_str().expect("a plain path").to_owned()
}

#[test]
fn every_document_is_of_the_partition_of_the_role() {
    let folder = tempfile::tempdir().expect("a folder");
    for partition in Partition::ALL {
        let (file, name) = (account(folder.path(), partition), partition.as_str());
        let principal = format!("arn:{name}:iam::999988887777:role/awscost-operator");
        let kms = format!(
            "arn:{name}:kms:{}:123456789012:key/0f6b7c1e-5b8e-4d0e-9c55-2f3f1a7f9d10",
            partition.home_region()
        );
        for document in [
            &["onboard", "policy", "-f", &file, "--kms-key", &kms][..],
            &["onboard", "trust", "-f", &file, "--principal", &principal],
            &["onboard", "cloudformation", "-f", &file, "--principal", &principal],
        ] {
            let text = succeeds(awscost(document, &[("AWSCOST_EXTERNAL_ID", "acme-0f6b7c1e")]));
            let own = text.matches(&format!("arn:{name}:")).count()
                + text.matches("arn:${AWS::Partition}:").count();
            assert!(own > 0, "{document:?}: {text}");
            if partition != Partition::Aws {
                assert!(!text.contains("arn:aws:"), "{document:?}: {text}");
            }
            if document[1] == "policy" {
                let legacy = text.contains("cur:DescribeReportDefinitions");
                assert_eq!(legacy, partition.has_legacy_reports(), "{name}: {text}");
                assert_eq!(
                    text.contains("bcm-data-exports:ListExports"),
                    partition.has_exports(),
                    "{name}: {text}"
                );
                let via = format!("s3.{}.{}", partition.home_region(), partition.dns_suffix());
                assert!(text.contains(&via), "{name}: {text}");
            }
        }
    }
}
