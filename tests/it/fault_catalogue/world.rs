//! A scene's side at AWS: put into the sandbox's world, whole, each time it changes.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use awscost_sandbox::{Delivery, Object, Rule, Sandbox, World, bill::BillSpec};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::scene::Scene;

/// Who the operator is at AWS: the account, the user and its keys.
pub const OPERATOR: &str = "999988887777";
/// The operator's access key.
pub const OPERATOR_KEY: (&str, &str) = ("AKIAFAULTCATALOGUE01", "operator/secret+of=the-catalogue");

/// The world before any scene: the operator's own account.
pub fn empty() -> World {
    let world = json!({"accounts": {OPERATOR: operators_account(&Value::Null)}});
    World::from_yaml(&world.to_string()).expect("the operator's account is a world")
}

/// The operator's account, where what its user is, has and may is this or the usual.
fn operators_account(operator: &Value) -> Value {
    let usual = |field: &str, usual: Value| match &operator[field] {
        Value::Null => usual,
        other => other.clone(),
    };
    let may = usual("may", json!(["sts:AssumeRole", "sts:TagSession"]));
    let mut user = json!({
        "name": usual("name", json!("operator")),
        "accessKeys": usual("accessKeys", json!([{"id": OPERATOR_KEY.0, "secret": OPERATOR_KEY.1}])),
        "carriesSessionTags": usual("carriesSessionTags", json!(false)),
        "policies": {"assume": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": may, "Resource": "*"},
            {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/awscost-not-for-operators"}
        ]}}
    });
    if let most @ Value::Array(_) = &operator["boundary"] {
        user["permissionsBoundary"] = policy([&json!({"Action": most, "Resource": "*"})]);
    }
    json!({"name": "Operator", "users": [user]})
}

/// The objects of a bucket as they were delivered.
pub type Objects = BTreeMap<String, Object>;

/// Makes the sandbox's world what the scene says it is.
pub fn stage(sandbox: &Sandbox, scene: &Scene, delivered: &Objects) {
    let own = World::from_yaml(&world_of(scene).to_string())
        .unwrap_or_else(|error| panic!("{}: {error}", scene.names.name));
    let (account, other) = (&scene.names.account, &scene.names.other);
    sandbox.world_mut(|world| {
        world.organizations.retain(|known| !known.id.ends_with(account.as_str()));
        world.organizations.extend(own.organizations);
        world.accounts.remove(account);
        world.accounts.remove(other);
        world.accounts.extend(own.accounts);
        world.buckets.remove(&bucket(scene));
        world.buckets.remove(&lake(scene));
        world.buckets.extend(own.buckets);
    });
    stage_endpoints(sandbox, scene);
    stage_objects(sandbox, scene, delivered);
    stage_lake(sandbox, scene);
    stage_calls(sandbox, scene);
}

/// Makes the sandbox's world what the scene says it is, with its bill delivered; gives what then lies in the bucket.
pub fn stage_delivered(sandbox: &Sandbox, scene: &Scene) -> Objects {
    stage(sandbox, scene, &Objects::new());
    let delivered = deliver(sandbox, scene);
    stage(sandbox, scene, &delivered);
    delivered
}

/// Delivers one small bill of this month, and gives what then lies in the bucket.
fn deliver(sandbox: &Sandbox, scene: &Scene) -> Objects {
    let month = Timestamp::now().to_zoned(TimeZone::UTC).strftime("%Y-%m").to_string();
    let bill: BillSpec = serde_json::from_value(json!({
        "payer": scene.names.account, "period": month, "rows": 20, "reportName": "", "bucket": ""
    }))
    .expect("a bill");
    let name = scene.at("/spec/report/name").as_str().unwrap_or_default();
    let delivery = match (scene.at("/export").is_null(), scene.at("/report").is_null()) {
        (false, _) => Delivery::of_export(&scene.names.account, name, bill),
        (true, false) => Delivery::of_report(&scene.names.account, name, bill),
        (true, true) => return Objects::new(),
    };
    sandbox.deliver(&delivery).unwrap_or_else(|error| panic!("{}: {error}", scene.names.name));
    let bucket = &scene.names.bucket;
    let object = |key: String| sandbox.object(bucket, &key).map(|object| (key, object));
    sandbox.keys(bucket, "").into_iter().filter_map(object).collect()
}

fn bucket(scene: &Scene) -> String {
    scene.names.bucket.clone()
}

/// The bucket of the account's own warehouse.
fn lake(scene: &Scene) -> String {
    format!("{}-lake", scene.names.bucket)
}

/// The sections that are AWS's, in the sandbox's words.
fn world_of(scene: &Scene) -> Value {
    let list = |section: &str| match scene.at(section) {
        Value::Null => json!([]),
        one => json!([one]),
    };
    let role = match scene.at("/role") {
        Value::Null => json!([]),
        role => json!([identity(role)]),
    };
    let users = |section: &str| match scene.at(section) {
        Value::Null => json!([]),
        user => json!([identity(user)]),
    };
    let mut account = json!({
        "name": "Acme", "roles": role, "users": users("/user"), "reports": list("/report"), "exports": list("/export"),
    });
    if let Value::Object(more) = scene.at("/account") {
        account.as_object_mut().expect("an account is a map").extend(more.clone());
    }
    let mut buckets = serde_json::Map::new();
    for (section, name) in [("/bucket", bucket(scene)), ("/lake", lake(scene))] {
        if !scene.at(section).is_null() {
            buckets.insert(name, with_policy(scene.at(section), "policy"));
        }
    }
    json!({
        "accounts": {
            &scene.names.account: account,
            &scene.names.other: {"name": "Other", "users": users("/otherUser")},
            OPERATOR: operators_account(scene.at("/operator")),
        },
        "organizations": list("/organization"),
        "buckets": buckets,
    })
}

/// A role or user: `may` is a statement a policy, `trust` one statement.
fn identity(section: &Value) -> Value {
    let mut identity = with_policy(section, "trust");
    let members = identity.as_object_mut().expect("an identity is a map");
    let may = members.remove("may").unwrap_or_default();
    let policies: serde_json::Map<String, Value> = may
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, statement)| (name.clone(), policy([statement])))
        .collect();
    members.insert("policies".to_owned(), Value::Object(policies));
    identity
}

/// The section with its statements, by name, made a policy document.
fn with_policy(section: &Value, field: &str) -> Value {
    let mut section = section.clone();
    if let Some(Value::Object(statements)) = section.get(field).cloned() {
        section[field] = policy(statements.values());
    }
    section
}

fn policy<'a>(statements: impl IntoIterator<Item = &'a Value>) -> Value {
    let allowed = |statement: &Value| {
        let mut statement = statement.clone();
        let members = statement.as_object_mut().expect("a statement is a map");
        members.entry("Effect".to_owned()).or_insert_with(|| json!("Allow"));
        statement
    };
    let statements: Vec<Value> = statements.into_iter().map(allowed).collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Every object as it was delivered, but for what `objects` says of those whose key ends in a name.
fn stage_objects(sandbox: &Sandbox, scene: &Scene, delivered: &Objects) {
    let bucket = &scene.names.bucket;
    for key in sandbox.keys(bucket, "") {
        sandbox.delete_object(bucket, &key);
    }
    for (key, object) in delivered {
        let changes = scene.at("/objects").as_object();
        let change = changes.and_then(|changes| changes.iter().find(|(end, _)| key.ends_with(end.as_str())));
        let change = change.map_or(&Value::Null, |(_, change)| change);
        if change["gone"] == true {
            continue;
        }
        if let (Some(from), Some(to)) = (change["twin"][0].as_str(), change["twin"][1].as_str()) {
            put_twin(sandbox, bucket, (key.as_str(), object), |text| text.replace(from, to));
        }
        sandbox.put_object(bucket, key, object.body.clone());
        sandbox.change_object(bucket, key, |staged| {
            *staged = object.clone();
            if let Some(class) = change["storageClass"].as_str() {
                staged.storage_class = class.to_owned();
            }
            if let Some(owner) = change["owner"].as_str() {
                staged.owner = owner.to_owned();
            }
            if let Some(hours) = change["ageHours"].as_i64() {
                staged.last_modified -= SignedDuration::from_hours(hours);
            }
            if let Some(body) = change["body"].as_str() {
                staged.body = body.to_owned().into();
            }
        });
    }
}

/// Puts an object once more under another key, of the same time; a manifest speaks of its own twins.
fn put_twin(
    sandbox: &Sandbox,
    bucket: &str,
    (key, object): (&str, &Object),
    renamed: impl Fn(&str) -> String,
) {
    let body = match key.ends_with(".json") {
        true => renamed(std::str::from_utf8(&object.body).expect("a manifest is text")).into(),
        false => object.body.clone(),
    };
    let twin = renamed(key);
    sandbox.put_object(bucket, &twin, body);
    sandbox.change_object(bucket, &twin, |staged| staged.last_modified = object.last_modified);
}

/// What lies in the lake from before.
fn stage_lake(sandbox: &Sandbox, scene: &Scene) {
    for key in sandbox.keys(&lake(scene), "") {
        sandbox.delete_object(&lake(scene), &key);
    }
    for (key, body) in scene.at("/lakeObjects").as_object().into_iter().flatten() {
        let body = body.as_str().unwrap_or_default().to_owned();
        sandbox.put_object(&lake(scene), key, body);
    }
}

/// The policies of the VPC endpoints: everything goes through, but for what the scenes' statements say.
fn stage_endpoints(sandbox: &Sandbox, scene: &Scene) {
    static OF_ALL: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());
    let mut all = OF_ALL.lock().unwrap_or_else(PoisonError::into_inner);
    let before = all.remove(&scene.names.account);
    let own = scene.at("/endpoints");
    if !own.is_null() {
        all.insert(scene.names.account.clone(), own.clone());
    } else if before.is_none() {
        return;
    }
    let mut services: BTreeMap<&String, Vec<Value>> = BTreeMap::new();
    for (service, statement) in all.values().filter_map(Value::as_object).flatten() {
        services.entry(service).or_default().push(statement.clone());
    }
    let open = json!({"Principal": "*", "Action": "*", "Resource": "*"});
    let policies: BTreeMap<&String, Value> =
        services.iter().map(|(service, denials)| (*service, policy(denials.iter().chain([&open])))).collect();
    let world = World::from_yaml(&json!({"vpcEndpoints": policies}).to_string())
        .unwrap_or_else(|error| panic!("{}: {error}", scene.names.name));
    sandbox.world_mut(|known| known.vpc_endpoints = world.vpc_endpoints);
}

/// Calls that AWS answers otherwise: those of this account, and those of the operator itself.
fn stage_calls(sandbox: &Sandbox, scene: &Scene) {
    let account = &scene.names.account;
    let own = rules(scene, "/calls", account);
    let operators = rules(scene, "/operatorCalls", OPERATOR);
    // No await stands between reading and writing, and rows that stage at once take turns here.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock();
    let mut all = sandbox.faults().all();
    all.retain(|rule| ![Some(account.as_str()), Some(OPERATOR)].contains(&rule.account.as_deref()));
    all.extend(own);
    all.extend(operators);
    sandbox.faults().replace(all);
}

fn rules(scene: &Scene, section: &str, account: &str) -> Vec<Rule> {
    let calls = scene.at(section).as_object();
    calls
        .into_iter()
        .flatten()
        .map(|(call, rule)| {
            let (service, operation) = call.split_once(':').expect("a call is SERVICE:OPERATION");
            let mut rule = rule.clone();
            rule["service"] = json!(service);
            rule["operation"] = json!(operation);
            rule["account"] = json!(account);
            if service == "s3" {
                rule["bucket"] = json!(scene.names.bucket);
            }
            serde_json::from_value(rule).unwrap_or_else(|error| panic!("{}: {error}", scene.names.name))
        })
        .collect()
}
