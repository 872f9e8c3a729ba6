//! Tags and cost categories of a resource.

use super::columns::{Catalogue, tag_keys};
use super::dice::Dice;
use super::names::TAGS;
use super::offers::Resource;
use super::spec::BillSpec;
use super::stream::Texts;

const TEAMS: &[&str] = &[
    "platform",
    "payments",
    "growth",
    "ml-infra",
    "data-eng",
    "security",
    "mobile",
    "logística",
    "café-ops",
    "研究",
];
const WORDS: &[&str] = &[
    "atlas", "basket", "checkout", "delta", "events", "feeds", "graph", "hub", "invoice", "jobs", "kiosk",
    "ledger", "media", "notify", "orders", "portal", "quota", "router", "search", "tenant", "users", "vault",
];

/// Tags a stream's texts. Some resources have no tags at all, as in any real organization.
pub(super) fn tag(
    texts: &mut Texts,
    catalogue: &Catalogue,
    spec: &BillSpec,
    dice: &mut Dice,
    resource: Resource,
) {
    let mut set = |key: &str, value: &str| texts.set(catalogue, &format!("resourceTags/{key}"), value);
    if !dice.chance(74) {
        return;
    }
    let team = dice.pick(TEAMS);
    let service = format!("{}-{}", dice.pick(WORDS), dice.pick(WORDS));
    let center = format!("CC-{}", dice.between(1_000, 1_080));
    let number = dice.between(1, 40);
    set("user:env", dice.pick(&["prod", "prod", "Production", "staging", "dev"]));
    set("user:team", team);
    set("user:cost-center", &center);
    set("user:service", &service);
    set("user:managed-by", "terraform");
    let values = [
        (60, "user:Name", format!("{service}-{number:04}")),
        (50, "user:owner", format!("{team}@example.com")),
        (40, "user:project", format!("Project {service}, Phase {}", number % 4)),
        (15, "user:git", format!("https://git.example.com/{team}/{service}.git?ref=v{number}")),
        (
            10,
            "user:launch:template",
            format!("{{\"template\":\"lt-{:010x}\",\"version\":{number}}}", dice.draw() >> 24),
        ),
        (20, "user:dataClass", dice.pick(&["public", "internal", "restricted"]).to_owned()),
        (10, "user:backup-plan", dice.pick(&["daily", "weekly, full"]).to_owned()),
        (8, "user:business_unit", dice.pick(&["EMEA", "AMER", "APAC"]).to_owned()),
        (8, "user:createdOn", format!("2026-0{}-1{}", number % 9 + 1, number % 10)),
        (6, "user:compliance", dice.pick(&["pci", "hipaa", "none"]).to_owned()),
        (6, "user:feature", format!("feature/{service}")),
        (6, "user:on-call", format!("{team}-primary")),
        (6, "user:release", format!("{number}.{}", number % 7)),
        (6, "user:sla", dice.pick(&["99.9%", "99.99%"]).to_owned()),
        (6, "user:tenant", format!("tenant {number}")),
        (10, "user:tier", dice.pick(&["gold", "silver"]).to_owned()),
        (6, "user:workload type", dice.pick(&["batch", "online"]).to_owned()),
        (45, "aws:createdBy", format!("AssumedRole:AROA{:016X}:terraform-{number}", dice.draw())),
        (15, "aws:cloudformation:stack-name", format!("{service}-stack")),
    ];
    for (percent, key, value) in values {
        if dice.chance(percent) {
            set(key, &value);
        }
    }
    if resource == Resource::Instance && dice.chance(40) {
        set("aws:autoscaling:groupName", &format!("asg-{service}"));
        set("user:k8s:cluster", &format!("eks-{number}"));
        set("user:k8s:namespace", dice.pick(WORDS));
        set("user:app.kubernetes.io/name", &service);
        set("user:eks:nodegroup", &format!("ng-{}", number % 12));
    }
    if spec.options.colliding_tags {
        // Sometimes the same value under both spellings, sometimes another.
        if dice.chance(50) {
            set("user:Owner", &format!("{team}@example.com"));
        } else if dice.chance(60) {
            set("user:Owner", "somebody else");
        }
        if dice.chance(50) {
            set("user:cost_center", if dice.chance(50) { &center } else { "CC-9999" });
        }
    }
    for key in tag_keys(spec).into_iter().skip(TAGS.len()) {
        if spec.options.extra_tag_keys.iter().any(|extra| extra == key) && dice.chance(30) {
            set(key, &format!("{} {number}", dice.pick(WORDS)));
        }
    }
    texts.set(catalogue, "costCategory/CostCenter", &center);
    texts.set(catalogue, "costCategory/Organization", team);
    texts.set(
        catalogue,
        "costCategory/Charge type",
        if dice.chance(80) { "direct" } else { "shared, by usage" },
    );
}
