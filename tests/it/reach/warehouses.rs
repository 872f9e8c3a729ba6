//! A warehouse's bucket: through a proxy, under an authority of one's own, at the endpoint of its partition and of FIPS,
//! opened by a profile that is named.

use std::path::Path;

use awscost_sandbox::{Sandbox, World};

use super::{
    authority::Authority,
    awscost,
    proxy::{Proxy, Speaks},
    said, succeeds,
};

/// A lake in each of some partitions' regions.
const WORLD: &str = r#"
accounts:
  "123456789012":
    name: Acme
    users:
      - name: lake-writer
        accessKeys: [{id: AKIAACMELAKEWRITER01, secret: lake-secret}]
        policies:
          write-the-lake:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]
buckets:
  acme-lake: {owner: "123456789012", region: us-east-1}
  acme-lake-cn: {owner: "123456789012", region: cn-north-1}
  acme-lake-gov: {owner: "123456789012", region: us-gov-west-1}
  acme-lake-iso: {owner: "123456789012", region: us-iso-east-1}
  acme-lake-eusc: {owner: "123456789012", region: eusc-de-east-1}
"#;

fn sandbox() -> Sandbox {
    Sandbox::start(World::from_yaml(WORLD).expect("a world"))
}

fn keys(folder: &Path) -> String {
    std::fs::write(folder.join("accessKeyId"), "AKIAACMELAKEWRITER01").expect("written");
    std::fs::write(folder.join("secretAccessKey"), "lake-secret").expect("written");
    folder.to_str().expect("a plain path").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_reached_through_the_proxy_where_its_partition_and_fips_have_it() {
    let sandbox = sandbox();
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let keys = keys(folder.path());
    let plain: &[(&str, &str)] = &[];
    let both: &[(&str, &str)] = &[("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_USE_DUALSTACK_ENDPOINT", "true")];
    let fips = &both[..1];
    for (bucket, region, asked_for, host) in [
        ("acme-lake", "us-east-1", plain, "acme-lake.s3.us-east-1.amazonaws.com:443"),
        ("acme-lake", "us-east-1", fips, "acme-lake.s3-fips.us-east-1.amazonaws.com:443"),
        ("acme-lake", "us-east-1", both, "acme-lake.s3-fips.dualstack.us-east-1.amazonaws.com:443"),
        ("acme-lake-gov", "us-gov-west-1", fips, "acme-lake-gov.s3-fips.us-gov-west-1.amazonaws.com:443"),
        ("acme-lake-cn", "cn-north-1", plain, "acme-lake-cn.s3.cn-north-1.amazonaws.com.cn:443"),
        ("acme-lake-eusc", "eusc-de-east-1", plain, "acme-lake-eusc.s3.eusc-de-east-1.amazonaws.eu:443"),
        ("acme-lake-iso", "us-iso-east-1", plain, "acme-lake-iso.s3.us-iso-east-1.c2s.ic.gov:443"),
    ] {
        let proxy = Proxy::start(&authority, sandbox.address(), Speaks::Http).await;
        let (ca, url) = (authority.path(), proxy.url());
        let environment = [asked_for, &[("HTTPS_PROXY", url.as_str()), ("AWS_CA_BUNDLE", &ca)]].concat();
        let location = format!("delta:s3://{bucket}/lake");
        let probe = [
            "warehouse",
            "probe",
            "--warehouse",
            &location,
            "--warehouse-region",
            region,
            "--warehouse-credentials-dir",
            &keys,
        ];
        succeeds(awscost(&probe, &environment));
        assert_eq!(proxy.asked(), [host], "{region} {asked_for:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_on_this_machine_is_never_behind_a_proxy() {
    let sandbox = sandbox();
    let authority = Authority::new();
    let proxy = Proxy::start(&authority, sandbox.address(), Speaks::Http).await;
    let port = authority.door("localhost", sandbox.address()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (keys, endpoint) = (keys(folder.path()), format!("https://localhost:{port}"));
    let probe = [
        "warehouse",
        "probe",
        "--warehouse",
        "delta:s3://acme-lake/lake",
        "--warehouse-endpoint",
        &endpoint,
        "--warehouse-path-style",
        "--warehouse-credentials-dir",
        &keys,
    ];
    let (ca, url) = (authority.path(), proxy.url());
    for no_proxy in ["", "corp.example,"] {
        let environment = [("HTTPS_PROXY", url.as_str()), ("AWS_CA_BUNDLE", &ca), ("NO_PROXY", no_proxy)];
        succeeds(awscost(&probe, &environment));
        assert_eq!(proxy.asked(), [""; 0], "NO_PROXY={no_proxy}");
    }
    let strange = awscost(&probe, &[]);
    assert_eq!(
        strange.status.code(),
        Some(12),
        "an authority nobody named is not trusted: {}",
        said(&strange)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_none_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = keys(folder.path());
    let probe = [
        "warehouse",
        "probe",
        "--warehouse",
        "delta:s3://acme-lake/lake",
        "--warehouse-region",
        "us-east-1",
        "--warehouse-credentials-dir",
        &keys,
    ];
    let output = awscost(&probe, &[("AWS_CA_BUNDLE", "/nowhere/ca.pem")]);
    assert_eq!(output.status.code(), Some(11), "{}", said(&output));
    assert!(said(&output).contains("the CA bundle /nowhere/ca.pem can't be read"), "{}", said(&output));
}
