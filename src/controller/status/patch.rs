//! Writing status: the difference alone, on the very version it was made from.

use std::fmt::Debug;

use kube::{
    Resource, ResourceExt,
    api::{Api, Patch, PatchParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::controller::error::{ReconcileFault, is_gone};

/// Patches the status of `name` from `old` to `new`; the resource version after, or `None` if nothing differs or the
/// object is gone.
///
/// # Errors
/// [`ReconcileFault::Stale`] if the object is no longer of `version`.
pub async fn patch_status<K, S>(
    api: &Api<K>,
    name: &str,
    version: &str,
    old: &S,
    new: &S,
) -> Result<Option<String>, ReconcileFault>
where
    K: Resource + Clone + DeserializeOwned + Debug,
    S: Serialize,
{
    let value = |status: &S| serde_json::to_value(status).expect("a status is JSON");
    let Some(difference) = merge_patch(&value(old), &value(new)) else { return Ok(None) };
    // With the version: of two replicas for a moment, the one that is behind must not write over the other.
    let patch = json!({"metadata": {"resourceVersion": version}, "status": difference});
    match api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(after) => Ok(after.resource_version()),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(ReconcileFault::while_doing("patch the status")(error)),
    }
}

/// The merge patch from one value to another; `None` if they are equal. Lists are replaced whole.
fn merge_patch(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    let (Value::Object(before), Value::Object(after)) = (old, new) else { return Some(new.clone()) };
    let mut patch = Map::new();
    for (key, value) in after {
        match before.get(key) {
            None => {
                patch.insert(key.clone(), value.clone());
            }
            Some(old) => {
                if let Some(part) = merge_patch(old, value) {
                    patch.insert(key.clone(), part);
                }
            }
        }
    }
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_says_the_difference_and_nothing_else() {
        let old = json!({"a": 1, "b": {"c": 1, "d": 2}, "e": [1, 2], "same": {"x": 1}});
        let new = json!({"a": 1, "b": {"c": 1}, "e": [2], "f": "new", "same": {"x": 1}});
        assert_eq!(merge_patch(&old, &new), Some(json!({"b": {"d": null}, "e": [2], "f": "new"})));
        assert_eq!(merge_patch(&old, &old), None);
    }
}
