//! Whole requests, signed and answered as over the network.

use http::{HeaderMap, Request};
use jiff::SignedDuration;

use super::*;
use crate::auth::signature;
use crate::fault::Rule;
use crate::s3::Object;
use crate::world::{Secret, World};

const WORLD: &str = r#"
accounts:
  "123456789012":
    users:
      - name: all
        accessKeys: [{id: AKIAALL, secret: s}]
        policies: {all: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "*", Resource: "*"}}}
      - name: reader
        accessKeys: [{id: AKIAREADER, secret: s}]
        policies:
          read:
            Version: "2012-10-17"
            Statement:
              - {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::acme/p/*"}
              - {Effect: Allow, Action: "s3:ListBucket", Resource: "arn:aws:s3:::acme", Condition: {StringLike: {"s3:prefix": "p/*"}}}
    roles:
      - name: look
        trust: {Version: "2012-10-17", Statement: {Effect: Allow, Principal: {AWS: "arn:aws:iam::123456789012:user/all"}, Action: "sts:AssumeRole"}}
        policies: {all: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "*", Resource: "*"}}}
  "210987654321": {}
  "333300003333": {disabled: true}
  "444400004444":
    disabledRegions: [me-south-1]
    users: [{name: far, accessKeys: [{id: AKIAFAR, secret: s}]}]
buckets:
  acme: {owner: "123456789012", region: us-east-1}
  far: {owner: "123456789012", region: eu-west-1}
  malformed: {owner: "123456789012", region: eu-west-1, wrongRegion: AuthorizationHeaderMalformed}
  other: {owner: "210987654321", region: us-east-1}
  sealed: {owner: "123456789012", region: us-east-1, kmsKey: {arn: "arn:aws:kms:us-east-1:123456789012:key/k", state: Disabled}}
  lost: {owner: "123456789012", region: us-east-1, kmsKey: {arn: "arn:aws:kms:us-east-1:123456789012:key/l", state: Missing}}
  waiting: {owner: "123456789012", region: us-east-1, kmsKey: {arn: "arn:aws:kms:us-east-1:123456789012:key/w", state: Unavailable}}
  closed: {owner: "123456789012", region: us-east-1, disabled: true}
  frozen: {owner: "333300003333", region: us-east-1}
  opt-in: {owner: "123456789012", region: me-south-1, wrongRegion: IllegalLocationConstraint}
  shared: {owner: "123456789012", region: us-east-1, objectOwnership: ObjectWriter}
  old: {owner: "123456789012", region: us-east-1, objectOwnership: Unset}
"#;

/// A client of its own sandbox.
struct Client {
    shared: Arc<Shared>,
    door: S3Door,
    key: String,
    secret: String,
    token: Option<String>,
    region: String,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Client {
    fn new() -> Self {
        let shared = Shared::new(World::from_yaml(WORLD).unwrap());
        let now = shared.clock.now();
        for (bucket, key) in [
            ("acme", "p/a"),
            ("acme", "q/a"),
            ("sealed", "a"),
            ("lost", "a"),
            ("waiting", "a"),
            ("shared", "a"),
        ] {
            shared.lock().objects.put(bucket, key, Object::new("hello".into(), "123456789012", now));
        }
        let door = S3Door::new(shared.clone());
        let (key, secret) = ("AKIAALL".to_owned(), "s".to_owned());
        Self { shared, door, key, secret, token: None, region: "us-east-1".to_owned() }
    }

    fn signing_with(mut self, key: &str) -> Self {
        key.clone_into(&mut self.key);
        self
    }

    /// Asks from here on in a session of the role `look`.
    async fn in_session(mut self) -> Self {
        let body = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/look&RoleSessionName=look";
        let xml = self.send("sts", "POST /", &[], body).await.unwrap().text;
        let element = |name: &str| {
            let rest = xml.split_once(&format!("<{name}>")).unwrap().1;
            rest.split_once('<').unwrap().0.to_owned()
        };
        (self.key, self.secret) = (element("AccessKeyId"), element("SecretAccessKey"));
        self.token = Some(element("SessionToken"));
        self
    }

    async fn send(
        &self,
        service: &str,
        what: &str,
        headers: &[(&str, &str)],
        body: &'static str,
    ) -> Result<Answer, Reset> {
        let (method, path) = what.split_once(' ').unwrap();
        let date = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(body));
        let mut request = Request::builder().method(method).uri(path).header("host", "sandbox");
        request = request.header("x-amz-date", &date).header("x-amz-content-sha256", digest);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("x-amz-security-token", token);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let mut scope = Scope {
            key_id: self.key.clone(),
            day: date[..8].to_owned(),
            region: self.region.clone(),
            service: service.to_owned(),
            signed_headers: parts.headers.keys().map(|name| name.as_str().to_owned()).collect(),
            ..Scope::default()
        };
        scope.signed_headers.sort_unstable();
        let signed = signature(&parts, body.as_bytes(), &scope, &Secret::new(&self.secret));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}/{}/{service}/aws4_request, SignedHeaders={}, Signature={signed}",
            scope.key_id,
            scope.day,
            scope.region,
            scope.signed_headers.join(";"),
        );
        parts.headers.insert("authorization", authorization.parse().unwrap());
        parts.headers.insert("content-length", body.len().into());
        let response = answer(&self.shared, &self.door, parts, Bytes::from_static(body.as_bytes())).await?;
        let (parts, mut body) = response.into_parts();
        let bytes = body.store_all_limited(usize::MAX).await.unwrap_or_default();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }

    async fn s3(&self, what: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("s3", what, headers, "").await.unwrap()
    }

    /// The status and the last logged error code.
    async fn verdict(&self, what: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let answer = self.s3(what, headers).await;
        (answer.status, self.shared.calls.all().pop().and_then(|call| call.code).unwrap_or_default())
    }
}

#[tokio::test]
async fn s3_answers() {
    let client = Client::new();
    let etag = client.s3("GET /acme/p/a", &[]).await.headers["etag"].to_str().unwrap().to_owned();
    for (what, headers, status, code) in [
        ("GET /acme/p/a", vec![], 200, ""),
        ("GET /acme/p/a", vec![("range", "bytes=1-2")], 206, ""),
        ("GET /acme/p/a", vec![("range", "bytes=9-")], 416, "InvalidRange"),
        ("GET /acme/p/a", vec![("if-match", etag.as_str())], 200, ""),
        ("GET /acme/p/a", vec![("if-match", "\"other\"")], 412, "PreconditionFailed"),
        ("GET /acme/p/a", vec![("if-none-match", &etag)], 304, "NotModified"),
        ("GET /acme/missing", vec![], 404, "NoSuchKey"),
        ("GET /nowhere/a", vec![], 404, "NoSuchBucket"),
        ("GET /far/a", vec![], 301, "PermanentRedirect"),
        ("GET /malformed/a", vec![], 400, "AuthorizationHeaderMalformed"),
        ("GET /other/a", vec![], 403, "AccessDenied"),
        ("GET /sealed/a", vec![], 400, "KMS.DisabledException"),
        ("GET /lost/a", vec![], 400, "KMS.NotFoundException"),
        ("GET /waiting/a", vec![], 400, "KMS.KeyUnavailableException"),
        ("GET /closed/a", vec![], 403, "AllAccessDisabled"),
        ("GET /frozen/a", vec![], 403, "AccountProblem"),
        ("GET /opt-in/a", vec![], 400, "IllegalLocationConstraintException"),
        ("GET /acme?ownershipControls", vec![], 200, ""),
        ("GET /old?ownershipControls", vec![], 404, "OwnershipControlsNotFoundError"),
        ("GET /acme/p/a", vec![("x-amz-expected-bucket-owner", "123456789012")], 200, ""),
        ("GET /acme/p/a", vec![("x-amz-expected-bucket-owner", "210987654321")], 403, "AccessDenied"),
        ("PUT /acme/p/a", vec![("if-none-match", "*")], 412, "PreconditionFailed"),
        ("PUT /acme/p/b", vec![("if-none-match", "*")], 200, ""),
        ("PUT /acme/p/b", vec![("if-none-match", "*")], 412, "PreconditionFailed"),
        ("DELETE /acme/p/b", vec![], 204, ""),
        ("GET /acme?list-type=2&max-keys=-1", vec![], 400, "InvalidArgument"),
        ("GET /acme?acl", vec![], 501, "NotImplemented"),
    ] {
        assert_eq!(client.verdict(what, &headers).await, (status, code.to_owned()), "{what} {headers:?}");
    }
}

#[tokio::test]
async fn objects_that_can_t_be_had() {
    type Change = fn(&mut Object);
    let theirs: Change = |object| object.owner = "210987654321".to_owned();
    let changes: [(&str, &str, Change, (u16, &str)); 6] = [
        (
            "acme/p/a",
            "archived",
            |object| object.storage_class = "GLACIER".to_owned(),
            (403, "InvalidObjectState"),
        ),
        (
            "acme/p/a",
            "archived by its tier",
            |object| object.archive_tier = Some("ARCHIVE_ACCESS".to_owned()),
            (403, "InvalidObjectState"),
        ),
        ("acme/p/a", "readable at once", |object| object.storage_class = "GLACIER_IR".to_owned(), (200, "")),
        ("acme/p/a", "its writer's own key", |object| object.customer_key = true, (400, "InvalidRequest")),
        ("shared/a", "another account's", theirs, (403, "AccessDenied")),
        ("acme/p/a", "another account's, but the bucket's owner owns all", theirs, (200, "")),
    ];
    for (place, what, change, (status, code)) in changes {
        let client = Client::new();
        let (bucket, key) = place.split_once('/').unwrap();
        let mut object = client.shared.lock().objects.get(bucket, key).unwrap().clone();
        change(&mut object);
        client.shared.lock().objects.put(bucket, key, object);
        let path = format!("GET /{place}");
        assert_eq!(client.verdict(&path, &[]).await, (status, code.to_owned()), "{what}");
    }
}

#[tokio::test]
async fn an_archived_object_says_where_it_is() {
    let client = Client::new();
    let mut object = client.shared.lock().objects.get("acme", "p/a").unwrap().clone();
    object.storage_class = "INTELLIGENT_TIERING".to_owned();
    object.archive_tier = Some("DEEP_ARCHIVE_ACCESS".to_owned());
    client.shared.lock().objects.put("acme", "p/a", object);
    let text = client.s3("GET /acme/p/a", &[]).await.text;
    assert!(text.contains("<StorageClass>INTELLIGENT_TIERING</StorageClass>"), "{text}");
    assert!(text.contains("<AccessTier>DEEP_ARCHIVE_ACCESS</AccessTier>"), "{text}");
}

#[tokio::test]
async fn ownership_controls_are_told() {
    let client = Client::new();
    for (bucket, expected) in [("acme", "BucketOwnerEnforced"), ("shared", "ObjectWriter")] {
        let text = client.s3(&format!("GET /{bucket}?ownershipControls"), &[]).await.text;
        assert!(text.contains(&format!("<ObjectOwnership>{expected}</ObjectOwnership>")), "{text}");
    }
}

#[tokio::test]
async fn a_region_that_was_not_opted_in_to_knows_nobody() {
    for (region, sts, cloudwatch) in [("us-east-1", 200, 403), ("me-south-1", 403, 400)] {
        let client = Client { region: region.to_owned(), ..Client::new() }.signing_with("AKIAFAR");
        let body = "Action=GetCallerIdentity&Version=2011-06-15";
        let answer = client.send("sts", "POST /", &[], body).await.unwrap();
        assert_eq!(answer.status, sts, "{region}: {}", answer.text);
        let path = "POST /service/GraniteServiceVersion20100801/operation/ListMetrics";
        let answer = client.send("monitoring", path, &[], "\u{0}").await.unwrap();
        assert_eq!(answer.status, cloudwatch, "{region}: {}", answer.text);
    }
    let s3 = Client { region: "me-south-1".to_owned(), ..Client::new() }.signing_with("AKIAFAR");
    assert_eq!(s3.verdict("GET /opt-in/p/a", &[]).await, (403, "InvalidAccessKeyId".to_owned()));
}

#[tokio::test]
async fn s3_alone_takes_no_session_in_a_region_that_was_not_opted_in_to() {
    let mut client = Client::new().in_session().await;
    client.region = "me-south-1".to_owned();
    assert_eq!(client.verdict("GET /opt-in/p/a", &[]).await, (404, "NoSuchKey".to_owned()));
    let own = |state: &mut crate::state::State| {
        state.world.accounts.get_mut("123456789012").unwrap().disabled_regions.push("me-south-1".to_owned());
    };
    own(&mut client.shared.lock());
    let answer = client.s3("GET /opt-in/p/a", &[]).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.text.contains("<Code>InvalidToken</Code>"), "{}", answer.text);
    let repeated = format!("<Token-0>{}</Token-0>", client.token.as_deref().unwrap());
    assert!(answer.text.contains(&repeated), "AWS repeats the token: {}", answer.text);
}

#[tokio::test]
async fn a_wrong_region_names_the_right_one() {
    let client = Client::new();
    for what in ["GET /far/a", "HEAD /far", "GET /malformed/a"] {
        assert_eq!(client.s3(what, &[]).await.headers["x-amz-bucket-region"], "eu-west-1", "{what}");
    }
    assert!(client.s3("GET /malformed/a", &[]).await.text.contains("<Region>eu-west-1</Region>"));
    assert!(client.s3("GET /far?location", &[]).await.text.contains("eu-west-1"));
    assert!(
        !client.s3("GET /acme?location", &[]).await.text.contains("us-east-1"),
        "the oldest region has no name"
    );
}

#[tokio::test]
async fn a_reader_sees_what_its_policy_names() {
    let client = Client::new().signing_with("AKIAREADER");
    for (what, status) in [
        ("GET /acme?list-type=2&prefix=p%2F", 200),
        ("GET /acme?list-type=2&prefix=q%2F", 403),
        ("GET /acme?list-type=2", 403),
        ("GET /acme/p/a", 200),
        ("GET /acme/q/a", 403),
        // Without the right to list the whole bucket, what is missing looks forbidden.
        ("GET /acme/p/missing", 403),
        ("PUT /acme/p/a", 403),
        ("DELETE /acme/p/a", 403),
        ("GET /", 403),
    ] {
        assert_eq!(client.s3(what, &[]).await.status, status, "{what}");
    }
}

#[tokio::test]
async fn who_is_not_believed() {
    let wrong = Client { secret: "wrong".to_owned(), ..Client::new() };
    let unknown = Client::new().signing_with("AKIANOBODY");
    let with_token = Client { token: Some("made-up".to_owned()), ..Client::new() };
    let cur = [("x-amz-target", "AWSOrigamiServiceGatewayService.DescribeReportDefinitions")];
    for (client, s3, sts, json) in [
        (
            wrong,
            (403, "SignatureDoesNotMatch"),
            (403, "SignatureDoesNotMatch"),
            (400, "InvalidSignatureException"),
        ),
        (
            unknown,
            (403, "InvalidAccessKeyId"),
            (403, "InvalidClientTokenId"),
            (400, "UnrecognizedClientException"),
        ),
        (
            with_token,
            (400, "InvalidToken"),
            (403, "InvalidClientTokenId"),
            (400, "UnrecognizedClientException"),
        ),
    ] {
        for (service, what, headers, body, (status, code)) in [
            ("s3", "GET /acme/p/a", &[][..], "", s3),
            ("sts", "POST /", &[][..], "Action=GetCallerIdentity&Version=2011-06-15", sts),
            ("cur", "POST /", &cur[..], "{}", json),
        ] {
            let answer = client.send(service, what, headers, body).await.unwrap();
            assert_eq!(answer.status, status, "{service}: {}", answer.text);
            assert!(answer.text.contains(code), "{service}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_session_ends_by_the_sandbox_s_clock() {
    let client = Client::new().in_session().await;
    assert_eq!(client.verdict("GET /acme/p/a", &[]).await, (200, String::new()));
    client.shared.clock.shift(3600);
    assert_eq!(client.verdict("GET /acme/p/a", &[]).await, (400, "ExpiredToken".to_owned()));
    let sts = client.send("sts", "POST /", &[], "Action=GetCallerIdentity&Version=2011-06-15").await.unwrap();
    assert_eq!((sts.status, sts.text.contains("<Code>ExpiredToken</Code>")), (403, true));
}

#[tokio::test]
async fn billing_services_live_in_one_region() {
    let client = Client { region: "eu-west-1".to_owned(), ..Client::new() };
    let target = [("x-amz-target", "AWSOrganizationsV20161128.DescribeOrganization")];
    let answer = client.send("organizations", "POST /", &target, "{}").await.unwrap();
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("Credential should be scoped to a valid region"));
}

#[tokio::test]
async fn every_service_passes_the_fault_hook() {
    let client = Client::new();
    let json = |target| [("x-amz-target", target)];
    for (service, what, headers, body, code) in [
        ("s3", "GET /acme/p/a", vec![], "", "SlowDown"),
        ("sts", "POST /", vec![], "Action=GetCallerIdentity&Version=2011-06-15", "Throttling"),
        (
            "cur",
            "POST /",
            json("AWSOrigamiServiceGatewayService.DescribeReportDefinitions").to_vec(),
            "{}",
            "ThrottlingException",
        ),
        (
            "bcm-data-exports",
            "POST /",
            json("AWSBillingAndCostManagementDataExports.ListExports").to_vec(),
            "{}",
            "ThrottlingException",
        ),
        (
            "organizations",
            "POST /",
            json("AWSOrganizationsV20161128.DescribeOrganization").to_vec(),
            "{}",
            "TooManyRequestsException",
        ),
        ("iam", "POST /", vec![], "Action=SimulatePrincipalPolicy&Version=2010-05-08", "Throttling"),
        (
            "monitoring",
            "POST /service/GraniteServiceVersion20100801/operation/ListMetrics",
            vec![],
            "",
            "ThrottlingException",
        ),
    ] {
        client.shared.faults.add(Rule::on(service, "*", Fault::Throttle).times(1));
        let answer = client.send(service, what, &headers, body).await.unwrap();
        assert!(answer.text.contains(code), "{service}: {}", answer.text);
        client.shared.faults.add(Rule::on(service, "*", Fault::Reset).times(1));
        assert!(client.send(service, what, &headers, body).await.is_err(), "{service}");
        client.shared.faults.add(Rule::on(service, "*", Fault::CutBody { after: 1 }).times(1));
        assert_eq!(
            client.send(service, what, &headers, body).await.unwrap().text,
            "",
            "{service}: the body can't be read whole"
        );
        assert!(client.shared.faults.all().is_empty());
    }
}

#[tokio::test]
async fn the_call_log_tells_who_did_what() {
    let client = Client::new();
    client.s3("GET /acme?list-type=2&prefix=p%2F", &[("x-amz-expected-bucket-owner", "123456789012")]).await;
    let call = client.shared.calls.of("s3", "ListObjectsV2").pop().unwrap();
    assert_eq!(call.principal, "arn:aws:iam::123456789012:user/all");
    assert_eq!(call.parameters["Bucket"], "acme");
    assert_eq!(call.parameters["Prefix"], "p/");
    assert_eq!(call.parameters["ExpectedBucketOwner"], "123456789012");
    assert_eq!((call.status, call.code), (200, None));
    client.shared.clock.shift(SignedDuration::from_hours(1).as_secs());
    client.s3("GET /acme/p/a", &[]).await;
    let later = client.shared.calls.all().pop().unwrap().time;
    assert!(later.duration_since(call.time) >= SignedDuration::from_hours(1));
}
