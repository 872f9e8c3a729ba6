//! What the chart lets the operator do: the rights that it asks the API server about. A test compares them with the chart.

use super::facts::AskedRight;
use crate::{
    api::GROUP,
    controller::settings::{Settings, Watch},
};

/// Rights where the operator watches: group, resources, verbs.
const WATCHED: [(&str, &[&str], &[&str]); 8] = [
    (GROUP, &["awscostaccounts", "costwarehouses"], &["list", "watch"]),
    (GROUP, &["awscostaccounts"], &["patch"]),
    (GROUP, &["awscostaccounts/status", "costwarehouses/status"], &["patch"]),
    ("batch", &["jobs"], &["list", "watch", "create", "delete"]),
    ("", &["pods"], &["list"]),
    ("", &["persistentvolumeclaims"], &["get"]),
    ("", &["secrets"], &["get", "list", "watch", "create", "patch", "delete"]),
    ("events.k8s.io", &["events"], &["create", "patch"]),
];
const LEASES: (&str, &str) = ("coordination.k8s.io", "leases");

/// Every right of these settings, in every namespace where it is needed.
pub(super) fn needed_rights(settings: &Settings, home: &str) -> Vec<AskedRight> {
    let namespaces = match &settings.watch {
        Watch::All => vec![None],
        Watch::Namespaces(names) => names.iter().cloned().map(Some).collect(),
    };
    let mut asked: Vec<AskedRight> = namespaces.into_iter().flat_map(in_namespace).collect();
    if settings.leader_election.enabled {
        let lease = |verb, name: Option<&str>| AskedRight {
            verb,
            group: LEASES.0,
            resource: LEASES.1,
            name: name.map(str::to_owned),
            namespace: Some(home.to_owned()),
        };
        let name = settings.leader_election.lease_name.as_str();
        asked.extend([lease("create", None), lease("get", Some(name)), lease("update", Some(name))]);
    }
    asked
}

fn in_namespace(namespace: Option<String>) -> impl Iterator<Item = AskedRight> {
    WATCHED.into_iter().flat_map(move |(group, resources, verbs)| {
        let namespace = namespace.clone();
        resources.iter().flat_map(move |resource| {
            let namespace = namespace.clone();
            verbs.iter().map(move |verb| AskedRight {
                verb,
                group,
                resource,
                name: None,
                namespace: namespace.clone(),
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    type Right = (String, String, String);

    /// The rules of the chart, without what Helm expands.
    fn of_the_chart() -> BTreeSet<Right> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/awscost-operator/templates/_rules.tpl");
        let template = std::fs::read_to_string(path).expect("the chart's rules");
        let yaml: Vec<&str> =
            template.lines().filter(|line| !line.contains("{{") && !line.contains("}}")).collect();
        let from = yaml.iter().position(|line| line.starts_with("- ")).expect("a rule");
        let rules: Vec<Value> = serde_saphyr::from_str(&yaml[from..].join("\n")).expect("rules are YAML");
        let mut rights = BTreeSet::new();
        for rule in &rules {
            let texts = |key: &str| {
                let list = rule[key].as_array().cloned().unwrap_or_default();
                list.into_iter().map(|one| one.as_str().expect("text").to_owned()).collect::<Vec<_>>()
            };
            for group in texts("apiGroups") {
                for resource in texts("resources") {
                    for verb in texts("verbs") {
                        rights.insert((group.clone(), resource.clone(), verb));
                    }
                }
            }
        }
        rights
    }

    #[test]
    fn they_are_the_charts() {
        let ours: BTreeSet<Right> = in_namespace(None)
            .map(|one| (one.group.to_owned(), one.resource.to_owned(), one.verb.to_owned()))
            .collect();
        assert_eq!(ours, of_the_chart(), "src/cli/preflight/rights.rs, and the chart's _rules.tpl");
    }

    #[test]
    fn they_are_asked_in_every_namespace_and_the_lease_at_home() {
        let yaml = "image: a\nwatch: {namespaces: [a, b]}\ntenancy: {rules: [{namespaces: [a, b], accountIds: ['123456789012']}]}\n";
        let asked = needed_rights(&Settings::parse(yaml).expect("settings"), "home");
        let of =
            |namespace: &str| asked.iter().filter(|one| one.namespace.as_deref() == Some(namespace)).count();
        assert_eq!(of("a"), of("b"));
        let leases: Vec<_> = asked.iter().filter(|one| one.namespace.as_deref() == Some("home")).collect();
        assert_eq!(leases.iter().map(|one| one.verb).collect::<Vec<_>>(), ["create", "get", "update"]);
        assert!(leases.iter().all(|one| one.name.is_some() == (one.verb != "create")));
    }
}
