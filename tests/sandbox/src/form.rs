//! The parameters of a Query call.

use std::collections::BTreeMap;

use http::Method;
use http::request::Parts;

/// Form parameters. Of a repeated one the first counts.
#[derive(Debug, Clone, Default)]
pub struct Form(BTreeMap<String, String>);

impl Form {
    /// The parameters of the body, or of the query for a GET; `None` when there is no `Action` among them.
    pub fn of(parts: &Parts, body: &[u8]) -> Option<Self> {
        let text = if parts.method == Method::POST {
            body
        } else {
            parts.uri.query().unwrap_or_default().as_bytes()
        };
        let form = Self::parse(text);
        form.0.contains_key("Action").then_some(form)
    }

    /// Parses `application/x-www-form-urlencoded` text.
    pub fn parse(text: &[u8]) -> Self {
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            parameters.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Self(parameters)
    }

    /// The operation's name.
    pub fn action(&self) -> &str {
        self.get("Action").unwrap_or_default()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The members of a list parameter such as `ActionNames`, in order.
    pub fn list(&self, name: &str) -> Vec<&str> {
        (1..).map_while(|n| self.get(&format!("{name}.member.{n}"))).collect()
    }

    /// Whether a list parameter such as `Tags` has a first member.
    pub fn has_list(&self, name: &str) -> bool {
        let first = format!("{name}.member.1");
        self.0.keys().any(|key| key.starts_with(&first))
    }

    /// What the call log may show: never an external ID or a policy, only that there was one.
    pub fn logged(&self) -> BTreeMap<String, String> {
        let shown = [
            "RoleArn",
            "RoleSessionName",
            "DurationSeconds",
            "Name",
            "PolicySourceArn",
            "StackName",
            "RoleName",
        ];
        let hidden = ["ExternalId", "Policy", "PolicyDocument"];
        let shown = shown.iter().filter_map(|name| Some(((*name).to_owned(), self.get(name)?.to_owned())));
        let hidden =
            hidden.iter().filter_map(|name| self.get(name).map(|_| ((*name).to_owned(), "given".to_owned())));
        shown.chain(hidden).collect()
    }
}
